//! Apple Push Notification service: what is particular to it, its settings and its limits.

mod answers;
mod headers;
mod live_activity;
mod payload;
mod push_type;
mod request;
mod response;
#[cfg(test)]
pub(super) mod strategies;
mod target;
#[cfg(test)]
mod tests;
mod topic;

pub(super) use headers::{collapse_id, expiration, priority_value};
pub use request::Payload;
pub(super) use request::live_activity_payload;
pub use target::{Channel, Device, Target};

use std::time::SystemTime;

use super::{Front502, Message, Outgoing, Provider, Reply, Verdict};
use crate::push::{ApnsEnvironment, Body, InvalidValue, ProviderKind, Refusal};
use fanfare_upstream::Head;
use topic::Topic;

/// The largest payload of a push to a device, in bytes of JSON.
///
/// Source: Apple, "Generating a remote notification".
pub const MAX_PAYLOAD_BYTES: usize = 4096;

/// The largest payload of push type `voip`, in bytes of JSON.
///
/// Source: Apple, "Generating a remote notification".
pub const MAX_VOIP_PAYLOAD_BYTES: usize = 5120;

/// The largest payload of a push to a broadcast channel, in bytes of JSON.
///
/// Apple's pages name no limit, so the number is the gateway's own. Where APNs allows less, it answers
/// `PayloadTooLarge` itself.
pub const MAX_BROADCAST_PAYLOAD_BYTES: usize = 5120;

/// The longest `apns-collapse-id`, in bytes.
///
/// Source: Apple, "Sending notification requests to APNs".
pub const MAX_COLLAPSE_ID_BYTES: usize = 64;

/// The longest topic that is taken, in bytes. The number is the gateway's own.
pub const MAX_TOPIC_BYTES: usize = 255;

/// What an operator says about one app on APNs.
#[derive(Debug, Clone)]
pub struct ApnsSettings {
    /// The environment of targets that name none.
    pub environment: ApnsEnvironment,
    /// The bundle ids that the app may send to, without suffix. There is at least one; the first is meant by targets
    /// that name none.
    pub topics: Vec<String>,
    /// Whether the app authenticates by a client certificate, and not by a provider token.
    pub certificate: bool,
    /// Whether push types that the gateway does not know are sent as the caller names them, to the topic without
    /// suffix.
    pub unknown_push_types: bool,
}

/// How one app speaks to APNs.
#[derive(Debug, Clone)]
pub struct Apns {
    environment: ApnsEnvironment,
    first_topic: Topic,
    more_topics: Vec<Topic>,
    certificate: bool,
    unknown_push_types: bool,
    front_502: Front502,
}

impl Apns {
    /// # Errors
    /// Where there is no topic, or one is not a bundle id.
    pub fn try_new(settings: ApnsSettings) -> Result<Self, InvalidValue> {
        let mut topics = settings.topics.into_iter().map(Topic::try_new);
        let Some(first_topic) = topics.next() else {
            return Err(InvalidValue::required("at least one bundle id in topics"));
        };
        Ok(Self {
            environment: settings.environment,
            first_topic: first_topic?,
            more_topics: topics.collect::<Result<_, _>>()?,
            certificate: settings.certificate,
            unknown_push_types: settings.unknown_push_types,
            front_502: Front502::default(),
        })
    }

    /// The same, with what an operator knows about a 502 that is not APNs' own.
    #[must_use]
    pub fn with_front_502(self, front_502: Front502) -> Self {
        Self { front_502, ..self }
    }

    /// The environment that a target lives in: the one that it names, or else the app's.
    #[must_use]
    pub fn environment(&self, target: &Target) -> ApnsEnvironment {
        target.environment().unwrap_or(self.environment)
    }

    /// The topic that a target names, or else the app's first one; none where the app does not list it.
    fn topic(&self, named: Option<&str>) -> Option<&Topic> {
        let Some(named) = named else { return Some(&self.first_topic) };
        std::iter::once(&self.first_topic).chain(&self.more_topics).find(|topic| topic.bundle_id == named)
    }
}

impl Provider for Apns {
    const KIND: ProviderKind = ProviderKind::new("apns", 1);
    const SUSPECTS: &'static str = "the app's environment, topics and key";

    type Target = Target;
    type Payload = Payload;
    type Sealed = ();
    type Context = ();

    fn encode(&self, body: &Body) -> Result<Payload, Refusal> {
        request::encode(self, body)
    }

    fn address(&self, push: &Outgoing<'_, Self>, _: SystemTime) -> Result<Message, Refusal> {
        request::address(self, push)
    }

    fn classify(&self, (): (), reply: &Reply, now: SystemTime) -> Verdict {
        response::classify(reply, self.front_502, now)
    }

    fn head_decides(&self, head: &Head) -> bool {
        response::head_decides(head)
    }
}
