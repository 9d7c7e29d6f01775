//! A push that differs from every other one in each of its parts, and the request that has to arrive for it.

use fanfare::proto;
use fanfare_simulator::{Service, journal};
use uuid::Uuid;

pub(crate) const APP: &str = "shop";
pub(crate) const TOPIC: &str = "com.example.app";

/// The id of the Mattermost server that the gateway sends for.
pub(crate) const SERVER_ID: &str = "server";

/// The project of Firebase that the gateway sends for.
pub(crate) const PROJECT: &str = "demo-project";

/// The platform of the devices behind the push proxy.
const PLATFORM: &str = "apple_rn";

/// The expiry of the first push, in seconds after the epoch. It is any time that is not soon, and each push has its own.
const EXPIRES: u64 = 4_000_000_000;

/// The time to live that FCM is told, since the expiry is later than its longest one of four weeks, in seconds. Source:
/// Firebase, "REST Resource: projects.messages", `AndroidConfig.ttl`.
const LONGEST_TTL: u64 = 2_419_200;

/// How long a push may take. It is longer than every wait that a fault causes, so no verdict is due to the deadline.
const MAX_WAIT_SECONDS: i64 = 100;

/// Fills bodies up to a few hundred bytes, as real pushes have.
const FILLING: &str = "The quick brown fox jumps over the lazy dog while the band plays a fanfare for everyone \
                       who waits at the gate, and nobody is told twice that the gate is open.";

/// The fewest bytes that a push takes on the wire: the heads of two frames, and its body.
/// Source: RFC 9113, 4.1, on the 9 bytes of a head.
pub(crate) fn least_bytes() -> u64 {
    18 + Marker(0).body().len() as u64
}

/// A push's number, from which all of its parts follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marker(pub(crate) u64);

impl Marker {
    /// The number of the push that went to this device token.
    pub(crate) fn of_token(token: &str) -> Option<Self> {
        u64::from_str_radix(token.strip_prefix("900d")?, 16).ok().map(Self)
    }

    /// The number of the push with this id.
    pub(crate) fn of_id(id: &str) -> Option<Self> {
        u64::try_from(Uuid::parse_str(id).ok()?.as_u128()).ok().map(Self)
    }

    pub(crate) fn id(self) -> String {
        Uuid::from_u128(u128::from(self.0)).to_string()
    }

    fn token(self) -> String {
        format!("900d{:060x}", self.0)
    }

    fn title(self) -> String {
        format!("Number {}", self.0)
    }

    fn text(self) -> String {
        format!("{}: {FILLING}", self.0)
    }

    fn collapse_key(self) -> String {
        format!("key-{}", self.0)
    }

    fn body(self) -> String {
        format!(r#"{{"aps":{{"alert":{{"title":"{}","body":"{}"}}}}}}"#, self.title(), self.text())
    }

    fn target(self, service: Service) -> proto::Target {
        if service == Service::Mattermost {
            let device_id = format!("{PLATFORM}:{}", self.token());
            let device = proto::MattermostDevice { device_id, ..proto::MattermostDevice::default() };
            return proto::Target { mattermost: Some(Box::new(device)), ..proto::Target::default() };
        }
        if service == Service::Fcm {
            let target = proto::FcmTarget { registration_token: self.token(), ..proto::FcmTarget::default() };
            return proto::Target { fcm: Some(Box::new(target)), ..proto::Target::default() };
        }
        let device = proto::ApnsDevice { token: self.token(), ..proto::ApnsDevice::default() };
        proto::Target { apns: Some(device), ..proto::Target::default() }
    }

    /// The push as its caller sends it.
    pub(crate) fn push(self, service: Service, repeatable: bool) -> proto::Push {
        let notification =
            proto::Notification { title: self.title(), body: self.text(), ..proto::Notification::default() };
        let expires = i64::try_from(EXPIRES + self.0).unwrap();
        let options = proto::Options {
            expire_at: Some(prost_types::Timestamp { seconds: expires, nanos: 0 }),
            collapse_key: self.collapse_key(),
            max_wait: Some(prost_types::Duration { seconds: MAX_WAIT_SECONDS, nanos: 0 }),
            repeatable,
            ..proto::Options::default()
        };
        proto::Push {
            id: self.id(),
            app: APP.to_owned(),
            target: Some(self.target(service)),
            content: Some(proto::Content { notification: Some(notification), ..proto::Content::default() }),
            options: Some(options),
            ..proto::Push::default()
        }
    }

    /// The digest of the request that has to arrive: path, headers and body.
    /// Source: Apple, "Sending notification requests to APNs" and "Generating a remote notification"; Firebase, "Method:
    /// projects.messages.send"; github.com/mattermost/mattermost, `server/public/model/push_notification.go`.
    pub(crate) fn digest(self, service: Service) -> [u8; 32] {
        if service == Service::Mattermost {
            let (id, token, text, title) = (self.id(), self.token(), self.text(), self.title());
            let body = format!(
                r#"{{"ack_id":"{id}","platform":"{PLATFORM}","server_id":"{SERVER_ID}","device_id":"{token}","post_id":"","message":"{text}","badge":-1,"channel_name":"{title}","type":"message","version":"v2","is_crt_enabled":false,"is_id_loaded":false,"signature":""}}"#
            );
            return journal::digest("POST", "/api/v1/send_push", &[], body.as_bytes());
        }
        let (path, id, expires) =
            (format!("/3/device/{}", self.token()), self.id(), (EXPIRES + self.0).to_string());
        let (collapse_key, body) = (self.collapse_key(), self.body());
        if service == Service::Fcm {
            let (token, title, text) = (self.token(), self.title(), self.text());
            let body = format!(
                r#"{{"message":{{"token":"{token}","notification":{{"title":"{title}","body":"{text}"}},"android":{{"collapse_key":"{collapse_key}","priority":"HIGH","ttl":"{LONGEST_TTL}s"}},"apns":{{"headers":{{"apns-expiration":"{expires}","apns-collapse-id":"{collapse_key}"}}}},"webpush":{{"headers":{{"TTL":"{LONGEST_TTL}"}}}}}}}}"#
            );
            let (path, json) = (format!("/v1/projects/{PROJECT}/messages:send"), b"application/json");
            return journal::digest("POST", &path, &[("content-type", json)], body.as_bytes());
        }
        let headers: [(&str, &[u8]); 7] = [
            ("content-type", b"application/json"),
            ("apns-push-type", b"alert"),
            ("apns-priority", b"10"),
            ("apns-expiration", expires.as_bytes()),
            ("apns-topic", TOPIC.as_bytes()),
            ("apns-id", id.as_bytes()),
            ("apns-collapse-id", collapse_key.as_bytes()),
        ];
        journal::digest("POST", &path, &headers, body.as_bytes())
    }
}
