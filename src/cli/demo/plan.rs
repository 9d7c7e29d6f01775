//! What the demo sends, and what must come of it: written from the contract and from the push services' pages, not
//! taken from the gateway's code.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::proto;
use crate::simulator::journal::digest;
use crate::simulator::{Simulator, SimulatorError, Subscription, VapidKey, web_push_scripted_subscriptions};

pub(super) const APP: &str = "demo";
pub(super) const TOPIC: &str = "com.example.demo";
pub(super) const PROJECT: &str = "demo-project";
/// Where the gateway asks for access tokens: no push.
pub(super) const TOKEN_PATH: &str = "/token";
pub(super) const SERVER_ID: &str = "demo-server";
pub(super) const SUBJECT: &str = "mailto:push@example.com";

/// How long the gateway may work on each push: too short for a second attempt where one is throttled.
const MAX_WAIT_SECONDS: i64 = 20;

/// Who is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Service {
    Apns,
    Fcm,
    WebPush,
    Mattermost,
}

impl Service {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Apns => "APNs",
            Self::Fcm => "FCM",
            Self::WebPush => "Web Push",
            Self::Mattermost => "Mattermost push proxy",
        }
    }
}

/// One push of the demo.
pub(super) struct Planned {
    number: u32,
    fate: &'static Fate,
    /// Where it goes, if that is a browser.
    browser: Option<Arc<Subscription>>,
}

/// A kind of device token.
pub(super) struct Fate {
    pub(super) service: Service,
    /// In words.
    pub(super) name: &'static str,
    /// How the simulator knows it: how its device tokens begin, or the name of its subscription.
    prefix: &'static str,
    /// Of 100 pushes.
    share: u32,
    /// What the caller must be told.
    pub(super) outcome: proto::Outcome,
    pub(super) token_action: proto::TokenAction,
}

const fn fate(
    service: Service,
    name: &'static str,
    prefix: &'static str,
    share: u32,
    outcome: proto::Outcome,
    token_action: proto::TokenAction,
) -> Fate {
    Fate { service, name, prefix, share, outcome, token_action }
}

static FATES: [Fate; 16] = {
    use Service::{Apns, Fcm, Mattermost, WebPush};
    use proto::Outcome::{Accepted, InvalidToken, RateLimited, Unregistered};
    use proto::TokenAction::{Delete, Keep};
    [
        fate(Apns, "good", "900d", 50, Accepted, Keep),
        fate(Apns, "dead", "dead", 4, Unregistered, Delete),
        fate(Apns, "moved to another app", "d1ff", 2, InvalidToken, Delete),
        fate(Apns, "throttled", "f10d", 2, RateLimited, Keep),
        fate(Fcm, "good", "good:", 20, Accepted, Keep),
        fate(Fcm, "app removed", "unregistered:", 2, Unregistered, Delete),
        fate(Fcm, "of another sender", "mismatch:", 1, InvalidToken, Delete),
        fate(Fcm, "throttled", "quota:", 1, RateLimited, Keep),
        fate(WebPush, "good", "mozilla-good", 3, Accepted, Keep),
        fate(WebPush, "good", "google-good", 2, Accepted, Keep),
        fate(WebPush, "good", "apple-good", 1, Accepted, Keep),
        fate(WebPush, "good", "microsoft-good", 1, Accepted, Keep),
        fate(WebPush, "gone", "google-gone", 2, Unregistered, Delete),
        fate(WebPush, "throttled", "apple-throttled", 1, RateLimited, Keep),
        fate(Mattermost, "good", "apple_rn:900d", 7, Accepted, Keep),
        fate(Mattermost, "dead", "apple_rn:dead", 1, Unregistered, Delete),
    ]
};

/// The browsers that are sent to, by the names of their subscriptions.
pub(super) struct Browsers(HashMap<String, Arc<Subscription>>);

impl Browsers {
    /// Subscribes one for each fate that the simulator knows.
    pub(super) fn subscribe(simulator: &Simulator, key: &VapidKey) -> Result<Self, SimulatorError> {
        let web_push = simulator.web_push();
        let subscribed = web_push_scripted_subscriptions().iter().map(|row| {
            let subscription = web_push.subscribe(row.vendor, &key.public_key, row.outcome)?;
            Ok((row.name(), Arc::new(subscription)))
        });
        Ok(Self(subscribed.collect::<Result<_, SimulatorError>>()?))
    }
}

/// The pushes, their fates mixed evenly.
pub(super) fn pushes(count: u32, browsers: &Browsers) -> impl Iterator<Item = Planned> {
    (0..count).map(|number| {
        // 37 and 100 have no common factor, so a hundred pushes in a row meet each place once.
        let mut place = number * 37 % 100;
        let fate = FATES.iter().find(|fate| {
            let here = place < fate.share;
            place = place.wrapping_sub(fate.share);
            here
        });
        let fate = fate.unwrap_or(&FATES[0]);
        Planned { number, fate, browser: browsers.0.get(fate.prefix).cloned() }
    })
}

impl Planned {
    pub(super) fn fate(&self) -> &'static Fate {
        self.fate
    }

    pub(super) fn id(&self) -> String {
        // A UUID of the caller's own, which APNs gets as it is.
        format!("00000000-0000-4000-8000-{:012x}", self.number)
    }

    fn token(&self) -> String {
        format!("{}{:060x}", self.fate.prefix, self.number)
    }

    fn body(&self) -> String {
        format!("push number {}", self.number)
    }

    fn target(&self) -> proto::Target {
        let token = self.token();
        let mut target = proto::Target::default();
        match self.fate.service {
            Service::Apns => target.apns = Some(proto::ApnsDevice { token, ..proto::ApnsDevice::default() }),
            Service::Fcm => {
                let token = proto::FcmTarget { registration_token: token, ..Default::default() };
                target.fcm = Some(Box::new(token));
            }
            Service::WebPush => target.web_push = self.browser.as_deref().map(subscription).map(Box::new),
            Service::Mattermost => {
                let device = proto::MattermostDevice { device_id: token, ..Default::default() };
                target.mattermost = Some(Box::new(device));
            }
        }
        target
    }

    /// What the gateway is asked.
    pub(super) fn push(&self) -> proto::Push {
        let notification = proto::Notification {
            title: "Fanfare".to_owned(),
            body: self.body(),
            ..proto::Notification::default()
        };
        // A stream has minutes for each push, and would try a throttled one again and again.
        let max_wait = Some(prost_types::Duration { seconds: MAX_WAIT_SECONDS, nanos: 0 });
        let options = proto::Options { max_wait, ..proto::Options::default() };
        proto::Push {
            id: self.id(),
            app: APP.to_owned(),
            target: Some(self.target()),
            content: Some(proto::Content { notification: Some(notification), ..proto::Content::default() }),
            options: Some(options),
            ..proto::Push::default()
        }
    }

    /// What must arrive, and nothing else.
    pub(super) fn digest(&self) -> [u8; 32] {
        let (id, token, text) = (self.id(), self.token(), self.body());
        match self.fate.service {
            Service::Apns => {
                let headers: [(&str, &[u8]); 5] = [
                    ("apns-id", id.as_bytes()),
                    ("apns-priority", b"10"),
                    ("apns-push-type", b"alert"),
                    ("apns-topic", TOPIC.as_bytes()),
                    ("content-type", b"application/json"),
                ];
                let body = format!(r#"{{"aps":{{"alert":{{"title":"Fanfare","body":"{text}"}}}}}}"#);
                digest("POST", &format!("/3/device/{token}"), &headers, body.as_bytes())
            }
            Service::Fcm => {
                let path = format!("/v1/projects/{PROJECT}/messages:send");
                let headers: [(&str, &[u8]); 1] = [("content-type", b"application/json")];
                let body = format!(
                    r#"{{"message":{{"token":"{token}","notification":{{"title":"Fanfare","body":"{text}"}},"android":{{"priority":"HIGH"}}}}}}"#
                );
                digest("POST", &path, &headers, body.as_bytes())
            }
            Service::WebPush => {
                // That of what the browser decrypts.
                let headers: [(&str, &[u8]); 3] = [
                    ("content-encoding", b"aes128gcm"),
                    ("content-type", b"application/octet-stream"),
                    ("urgency", b"high"),
                ];
                let path = self.browser.as_deref().map_or("", |browser| &browser.path);
                let plaintext = format!(r#"{{"title":"Fanfare","body":"{text}"}}"#);
                digest("POST", path, &headers, plaintext.as_bytes())
            }
            Service::Mattermost => {
                let (platform, token) = token.split_once(':').unwrap_or_default();
                let body = format!(
                    r#"{{"ack_id":"{id}","platform":"{platform}","server_id":"{SERVER_ID}","device_id":"{token}","post_id":"","message":"{text}","badge":-1,"channel_name":"Fanfare","type":"message","version":"v2","is_crt_enabled":false,"is_id_loaded":false,"signature":""}}"#
                );
                digest("POST", "/api/v1/send_push", &[], body.as_bytes())
            }
        }
    }
}

/// What a browser gave, as the contract takes it.
fn subscription(browser: &Subscription) -> proto::WebPushSubscription {
    // What is no base64url would be refused by the gateway, and that be seen.
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    proto::WebPushSubscription {
        endpoint: browser.endpoint.clone(),
        p256dh: bytes(&browser.p256dh),
        auth: bytes(&browser.auth),
    }
}
