//! What the demo sends, and what must come of each push. It is written from the contract and from the push services' own
//! pages, and shares nothing with the gateway's code, so that a mistake there cannot agree with itself here.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fanfare_simulator::journal::digest;
use fanfare_simulator::{Simulator, SimulatorError, Subscription, VapidKey, web_push_scripted_subscriptions};

use crate::proto;

pub(super) const APP: &str = "demo";
pub(super) const TOPIC: &str = "com.example.demo";
pub(super) const PROJECT: &str = "demo-project";
/// The path at which the gateway asks for access tokens. A request there is no push.
pub(super) const TOKEN_PATH: &str = "/token";
pub(super) const SERVER_ID: &str = "demo-server";
pub(super) const SUBJECT: &str = "mailto:push@example.com";

/// How long the gateway may work on each push. This is too short for a second attempt of a throttled one.
const MAX_WAIT_SECONDS: i64 = 20;

/// The push service that a push goes to.
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
pub(super) struct PlannedPush {
    number: u32,
    kind: &'static TargetKind,
    /// The subscription that the push goes to, if its target is a browser.
    browser: Option<Arc<Subscription>>,
}

/// A kind of target, and what must become of pushes to it.
pub(super) struct TargetKind {
    pub(super) service: Service,
    /// What the report calls it.
    pub(super) name: &'static str,
    /// How the simulator tells the kind: by this beginning of its tokens, or by this name of its subscription.
    prefix: &'static str,
    /// How many of 100 pushes go to targets of this kind.
    share: u32,
    /// The outcome that the caller must be told.
    pub(super) outcome: proto::Outcome,
    pub(super) token_action: proto::TokenAction,
}

const fn kind(
    service: Service,
    name: &'static str,
    prefix: &'static str,
    share: u32,
    outcome: proto::Outcome,
    token_action: proto::TokenAction,
) -> TargetKind {
    TargetKind { service, name, prefix, share, outcome, token_action }
}

static TARGET_KINDS: [TargetKind; 16] = {
    use Service::{Apns, Fcm, Mattermost, WebPush};
    use proto::Outcome::{Accepted, InvalidToken, RateLimited, Unregistered};
    use proto::TokenAction::{Delete, Keep};
    [
        kind(Apns, "good", "900d", 50, Accepted, Keep),
        kind(Apns, "dead", "dead", 4, Unregistered, Delete),
        kind(Apns, "moved to another app", "d1ff", 2, InvalidToken, Delete),
        kind(Apns, "throttled", "f10d", 2, RateLimited, Keep),
        kind(Fcm, "good", "good:", 20, Accepted, Keep),
        kind(Fcm, "app removed", "unregistered:", 2, Unregistered, Delete),
        kind(Fcm, "of another sender", "mismatch:", 1, InvalidToken, Delete),
        kind(Fcm, "throttled", "exhausted:", 1, RateLimited, Keep),
        kind(WebPush, "good", "mozilla-good", 3, Accepted, Keep),
        kind(WebPush, "good", "google-good", 2, Accepted, Keep),
        kind(WebPush, "good", "apple-good", 1, Accepted, Keep),
        kind(WebPush, "good", "microsoft-good", 1, Accepted, Keep),
        kind(WebPush, "gone", "google-gone", 2, Unregistered, Delete),
        kind(WebPush, "throttled", "apple-throttled", 1, RateLimited, Keep),
        kind(Mattermost, "good", "apple_rn:900d", 7, Accepted, Keep),
        kind(Mattermost, "dead", "apple_rn:dead", 1, Unregistered, Delete),
    ]
};

/// The subscriptions of all simulated browsers, by their names.
pub(super) struct Browsers(HashMap<String, Arc<Subscription>>);

impl Browsers {
    /// Makes a subscription for each fate that the simulator knows.
    pub(super) fn subscribe(simulator: &Simulator, key: &VapidKey) -> Result<Self, SimulatorError> {
        let web_push = simulator.web_push();
        let subscribed = web_push_scripted_subscriptions().iter().map(|row| {
            let subscription = web_push.subscribe(row.vendor, &key.public_key, row.outcome)?;
            Ok((row.name(), Arc::new(subscription)))
        });
        Ok(Self(subscribed.collect::<Result<_, SimulatorError>>()?))
    }
}

/// Plans so many pushes, and mixes the kinds of their targets evenly.
pub(super) fn pushes(count: u32, browsers: &Browsers) -> impl Iterator<Item = PlannedPush> {
    (0..count).map(|number| planned(number, browsers))
}

/// Plans the push with this number.
pub(super) fn planned(number: u32, browsers: &Browsers) -> PlannedPush {
    // 37 and 100 have no common factor, so a hundred pushes in a row take each place from 0 to 99 once.
    let mut place = number % 100 * 37 % 100;
    let kind = TARGET_KINDS.iter().find(|kind| {
        let here = place < kind.share;
        place = place.wrapping_sub(kind.share);
        here
    });
    let kind = kind.unwrap_or(&TARGET_KINDS[0]);
    PlannedPush { number, kind, browser: browsers.0.get(kind.prefix).cloned() }
}

impl PlannedPush {
    pub(super) fn kind(&self) -> &'static TargetKind {
        self.kind
    }

    pub(super) fn id(&self) -> String {
        // The caller makes a UUID of its own, because the gateway passes one on to APNs unchanged.
        format!("00000000-0000-4000-8000-{:012x}", self.number)
    }

    fn token(&self) -> String {
        format!("{}{:060x}", self.kind.prefix, self.number)
    }

    fn body(&self) -> String {
        format!("push number {}", self.number)
    }

    fn target(&self) -> proto::Target {
        let token = self.token();
        let mut target = proto::Target::default();
        match self.kind.service {
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

    /// The push as the caller sends it.
    pub(super) fn push(&self) -> proto::Push {
        let notification = proto::Notification {
            title: "Fanfare".to_owned(),
            body: self.body(),
            ..proto::Notification::default()
        };
        // Without a limit, the gateway would try a throttled push of a stream again and again for minutes.
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

    /// The digest of the request that must arrive at the push service.
    pub(super) fn digest(&self) -> [u8; 32] {
        let (id, token, text) = (self.id(), self.token(), self.body());
        match self.kind.service {
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
                // The simulator's digest is of the plaintext that the browser decrypts.
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

/// A browser's subscription as the contract takes it.
fn subscription(browser: &Subscription) -> proto::WebPushSubscription {
    // If the simulator gave something else than base64url, the gateway would refuse the push, and the report would say so.
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    proto::WebPushSubscription {
        endpoint: browser.endpoint.clone(),
        p256dh: bytes(&browser.p256dh),
        auth: bytes(&browser.auth),
    }
}
