//! In which words: how a push is said to each push service, and what its answer means.
//!
//! Pure: no I/O, no clock, nothing spawned. The one match over providers is here.

pub mod apns;
pub mod fcm;
mod front;
pub mod mattermost;
mod meaning;
mod message;
mod retry_after;
mod verdict;
pub mod webpush;
mod words;

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;

pub use front::Front502;
pub use message::{Message, ReplyContext};
pub use verdict::{Heal, Retry, Verdict};

use crate::push::{Body, Outcome, ProviderKind, PushId, Reason, Refusal, Target};
use crate::upstream::{Head, Origin};
use message::headers;

/// How one app speaks to one push service.
#[derive(Debug)]
pub enum Provider {
    /// Apple Push Notification service.
    Apns(apns::Apns),
    /// Firebase Cloud Messaging, HTTP v1.
    Fcm(fcm::Fcm),
    /// A Mattermost push proxy.
    Mattermost(mattermost::Mattermost),
    /// Web Push.
    WebPush(webpush::WebPush),
}

impl Provider {
    /// Which push service it is.
    #[must_use]
    pub fn kind(&self) -> ProviderKind {
        match self {
            Self::Apns(_) => ProviderKind::Apns,
            Self::Fcm(_) => ProviderKind::Fcm,
            Self::Mattermost(_) => ProviderKind::Mattermost,
            Self::WebPush(_) => ProviderKind::WebPush,
        }
    }

    /// Says a body to targets of this kind: once a push, once a multicast.
    ///
    /// # Errors
    /// Where the body cannot be said: too large, a bad option.
    pub fn encode(&self, body: &Body, target: &Target) -> Result<Payload, Refusal> {
        match self {
            Self::Apns(apns) => apns.encode(body, target).map(Payload::Apns),
            Self::Fcm(fcm) => fcm.encode(body).map(Payload::Fcm),
            Self::Mattermost(mattermost) => mattermost.encode(body).map(Payload::Mattermost),
            Self::WebPush(web_push) => web_push.encode(body).map(Payload::WebPush),
        }
    }

    /// The origin that a target names, where targets of this kind do.
    ///
    /// # Errors
    /// Where the app may not send to it, or the target names none.
    pub fn origin(&self, target: &Target) -> Result<Origin, Refusal> {
        match self {
            Self::WebPush(web_push) => web_push.origin(target),
            Self::Apns(_) | Self::Fcm(_) | Self::Mattermost(_) => {
                Err(bug("target", &"the provider's targets name no origin"))
            }
        }
    }

    /// Encrypts an encoded body for one target, where its push service wants that; `ephemeral` is fresh. It costs
    /// a hundred times what `encode` does, so that callers take turns.
    ///
    /// # Errors
    /// Where the target has no keys to encrypt with.
    pub fn seal(
        &self,
        payload: &Payload,
        target: &Target,
        ephemeral: &webpush::Ephemeral,
    ) -> Result<Option<Payload>, Refusal> {
        match (self, payload) {
            (Self::WebPush(web_push), Payload::WebPush(payload)) => {
                web_push.seal(payload, target, ephemeral).map(|sealed| Some(Payload::WebPush(sealed)))
            }
            (Self::Apns(_) | Self::Fcm(_) | Self::Mattermost(_) | Self::WebPush(_), _) => Ok(None),
        }
    }

    /// Whether bodies are encrypted for each target.
    #[must_use]
    pub fn seals(&self) -> bool {
        match self {
            Self::Apns(_) | Self::Fcm(_) | Self::Mattermost(_) => false,
            Self::WebPush(_) => true,
        }
    }

    /// Whether a dry run is for the push service to answer, which then delivers nothing.
    #[must_use]
    pub fn answers_dry_runs(&self) -> bool {
        match self {
            Self::Apns(_) | Self::Mattermost(_) | Self::WebPush(_) => false,
            Self::Fcm(_) => true,
        }
    }

    /// Directs an encoded body to one target, to be sent at `now`.
    ///
    /// # Errors
    /// Where this target cannot be addressed, such as a topic that the app does not list.
    pub fn address(
        &self,
        payload: &Payload,
        body: &Body,
        id: &PushId,
        target: &Target,
        now: SystemTime,
    ) -> Result<Message, Refusal> {
        match (self, payload) {
            (Self::Apns(apns), Payload::Apns(payload)) => apns.address(payload, body, id, target),
            (Self::Fcm(fcm), Payload::Fcm(payload)) => fcm.address(payload, body, target, now),
            (Self::Mattermost(mattermost), Payload::Mattermost(payload)) => {
                mattermost.address(payload, id, target)
            }
            (Self::WebPush(web_push), Payload::WebPush(payload)) => {
                web_push.address(payload, body, target, now)
            }
            (Self::Apns(_) | Self::Fcm(_) | Self::Mattermost(_) | Self::WebPush(_), _) => {
                Err(bug("target", &"the payload is another provider's"))
            }
        }
    }

    /// What the answer to a message means that came at `now`.
    #[must_use]
    pub fn classify(&self, context: ReplyContext, reply: &Reply, now: SystemTime) -> Verdict {
        match self {
            Self::Apns(_) => apns::classify(reply, context, now),
            Self::Fcm(_) => fcm::classify(reply, context, now),
            Self::Mattermost(_) => mattermost::classify(reply, context, now),
            Self::WebPush(_) => webpush::classify(reply, context, now),
        }
    }

    /// What the head of an answer means whose body did not come whole; None where the body would have decided.
    #[must_use]
    pub fn classify_head(&self, context: ReplyContext, head: &Head, now: SystemTime) -> Option<Verdict> {
        let decides = match self {
            Self::Apns(_) => apns::head_decides(head),
            Self::WebPush(_) => webpush::head_decides(head),
            Self::Fcm(_) | Self::Mattermost(_) => false,
        };
        let reply = || {
            let mut reply = Reply::default();
            *reply.status_mut() = head.status;
            *reply.headers_mut() = head.headers.clone();
            reply
        };
        decides.then(|| self.classify(context, &reply(), now))
    }

    /// What an operator checks where almost every target is refused.
    #[must_use]
    pub fn suspects(&self) -> &'static str {
        match self {
            Self::Apns(_) => "the app's environment, topics and key",
            Self::Fcm(_) => "the app's project and key_file",
            Self::Mattermost(_) => "the push proxy's own environment, topics and projects",
            Self::WebPush(_) => "the app's web_push.key_file, and what stands before the push services",
        }
    }
}

/// A body encoded for one kind of target.
#[derive(Debug)]
pub enum Payload {
    /// For APNs.
    Apns(apns::Payload),
    /// For FCM.
    Fcm(fcm::Payload),
    /// For a Mattermost push proxy.
    Mattermost(mattermost::Payload),
    /// For Web Push.
    WebPush(webpush::Payload),
}

/// A push service's whole answer.
pub type Reply = http::Response<Bytes>;

/// The first `limit` bytes of `text`, cut where a character ends.
#[must_use]
pub fn cut(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}

/// A text that is there.
fn text(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// Seconds since the Unix epoch, rounded down; 0 for what was before it.
fn epoch_seconds(moment: SystemTime) -> u64 {
    moment.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// What cannot happen did.
fn bug(field: &'static str, detail: &dyn std::fmt::Display) -> Refusal {
    Refusal {
        outcome: Outcome::Internal,
        reason: Reason::GatewayBug,
        field: field.into(),
        detail: detail.to_string(),
    }
}
