//! What the demo sends, and what must come of it: written from the contract and from Apple's pages, not taken
//! from the gateway's code.

use crate::proto;
use crate::simulator::journal::digest;

pub(super) const APP: &str = "demo";
pub(super) const TOPIC: &str = "com.example.demo";

/// How long the gateway may work on each push: too short for a second attempt where APNs throttles.
const MAX_WAIT_SECONDS: i64 = 20;

/// One push of the demo.
pub(super) struct Planned {
    number: u32,
    fate: &'static Fate,
}

/// A kind of device token.
pub(super) struct Fate {
    /// In words.
    pub(super) name: &'static str,
    /// How the simulator knows it.
    prefix: &'static str,
    /// Of 100 pushes.
    share: u32,
    /// What the caller must be told.
    pub(super) outcome: proto::Outcome,
    pub(super) token_action: proto::TokenAction,
}

static FATES: [Fate; 4] = [
    Fate {
        name: "good",
        prefix: "900d",
        share: 90,
        outcome: proto::Outcome::Accepted,
        token_action: proto::TokenAction::Keep,
    },
    Fate {
        name: "dead",
        prefix: "dead",
        share: 5,
        outcome: proto::Outcome::Unregistered,
        token_action: proto::TokenAction::Delete,
    },
    Fate {
        name: "moved to another app",
        prefix: "d1ff",
        share: 3,
        outcome: proto::Outcome::InvalidToken,
        token_action: proto::TokenAction::Delete,
    },
    Fate {
        name: "throttled",
        prefix: "f10d",
        share: 2,
        outcome: proto::Outcome::RateLimited,
        token_action: proto::TokenAction::Keep,
    },
];

/// The pushes, their fates mixed evenly.
pub(super) fn pushes(count: u32) -> impl Iterator<Item = Planned> {
    (0..count).map(|number| {
        // 37 and 100 have no common factor, so a hundred pushes in a row meet each place once.
        let mut place = number * 37 % 100;
        let fate = FATES.iter().find(|fate| {
            let here = place < fate.share;
            place = place.wrapping_sub(fate.share);
            here
        });
        Planned { number, fate: fate.unwrap_or(&FATES[0]) }
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

    /// What the gateway is asked.
    pub(super) fn push(&self) -> proto::Push {
        let device = proto::ApnsDevice { token: self.token(), ..proto::ApnsDevice::default() };
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
            target: Some(proto::Target { apns: Some(device), ..proto::Target::default() }),
            content: Some(proto::Content { notification: Some(notification), ..proto::Content::default() }),
            options: Some(options),
        }
    }

    /// What must arrive at APNs, and nothing else.
    pub(super) fn digest(&self) -> [u8; 32] {
        let body = format!(r#"{{"aps":{{"alert":{{"title":"Fanfare","body":"{}"}}}}}}"#, self.body());
        let id = self.id();
        let headers: [(&str, &[u8]); 5] = [
            ("apns-id", id.as_bytes()),
            ("apns-priority", b"10"),
            ("apns-push-type", b"alert"),
            ("apns-topic", TOPIC.as_bytes()),
            ("content-type", b"application/json"),
        ];
        digest("POST", &format!("/3/device/{}", self.token()), &headers, body.as_bytes())
    }
}
