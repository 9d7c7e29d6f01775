//! Apple Push Notification service: its settings and limits.

mod answers;
mod headers;
mod live_activity;
mod payload;
mod push_type;
mod request;
mod response;
#[cfg(test)]
pub(super) mod strategies;
#[cfg(test)]
mod tests;

pub(super) use headers::{collapse_id, expiration, priority_value};
pub use request::Payload;
pub(super) use request::live_activity_payload;
pub use response::classify;
pub(super) use response::head_decides;

use http::HeaderValue;
use http::header::InvalidHeaderValue;

use super::Front502;
use crate::push::{ApnsEnvironment, InvalidValue, Target};

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
/// Apple's pages name none; where APNs allows less it answers `PayloadTooLarge` itself.
pub const MAX_BROADCAST_PAYLOAD_BYTES: usize = 5120;

/// The longest `apns-collapse-id`, in bytes.
///
/// Source: Apple, "Sending notification requests to APNs".
pub const MAX_COLLAPSE_ID_BYTES: usize = 64;

/// The longest topic taken, in bytes.
pub const MAX_TOPIC_BYTES: usize = 255;

/// What an operator says about one app on APNs.
#[derive(Debug, Clone)]
pub struct ApnsSettings {
    /// The environment of targets that name none.
    pub environment: ApnsEnvironment,
    /// The bundle ids that the app may send to, without suffix; the first is that of targets that name
    /// none. At least one.
    pub topics: Vec<String>,
    /// Authenticated by a client certificate; else by provider token.
    pub certificate: bool,
    /// Passes push types that this module does not know, with the topic without suffix.
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

    /// With what an operator knows of a 502 that is not APNs' own.
    #[must_use]
    pub fn with_front_502(self, front_502: Front502) -> Self {
        Self { front_502, ..self }
    }

    /// In which of the two worlds of APNs a target lives: its own word, else the app's.
    #[must_use]
    pub fn environment(&self, target: &Target) -> ApnsEnvironment {
        let named = match target {
            Target::Apns(device) => device.environment,
            Target::ApnsChannel(channel) => channel.environment,
            Target::Fcm(_) | Target::WebPush(_) | Target::Mattermost(_) => None,
        };
        named.unwrap_or(self.environment)
    }

    /// The topic of a target, where the app may send to it.
    fn topic(&self, named: Option<&str>) -> Option<&Topic> {
        let Some(named) = named else { return Some(&self.first_topic) };
        std::iter::once(&self.first_topic).chain(&self.more_topics).find(|topic| topic.bundle_id == named)
    }
}

/// A bundle id that the app may send to.
#[derive(Debug, Clone)]
struct Topic {
    bundle_id: String,
    /// Most push types send it as it is: said once, and shared.
    header: HeaderValue,
}

impl Topic {
    fn try_new(bundle_id: String) -> Result<Self, InvalidValue> {
        check_bundle_id(&bundle_id)?;
        match HeaderValue::from_str(&bundle_id) {
            Ok(header) => Ok(Self { bundle_id, header }),
            Err(_) => Err(InvalidValue::invalid("a topic is a bundle id", format!("{bundle_id:?}"))),
        }
    }

    /// As `apns-topic` of a push type.
    fn with(&self, suffix: &str) -> Result<HeaderValue, InvalidHeaderValue> {
        if suffix.is_empty() {
            return Ok(self.header.clone());
        }
        HeaderValue::try_from([&self.bundle_id, suffix].concat())
    }
}

/// Letters, digits, hyphens and full stops, so that it stands in a header and in a path as it is.
///
/// Source: Apple, "CFBundleIdentifier".
fn check_bundle_id(topic: &str) -> Result<(), InvalidValue> {
    let expected = || {
        format!("a topic is a bundle id of 1 to {MAX_TOPIC_BYTES} letters, digits, hyphens and full stops")
    };
    if topic.is_empty() {
        return Err(InvalidValue::required(expected()));
    }
    if topic.len() > MAX_TOPIC_BYTES {
        return Err(InvalidValue::too_large(expected(), format!("{} bytes", topic.len())));
    }
    match topic.chars().find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '.')) {
        Some(c) => Err(InvalidValue::invalid(expected(), format!("{c:?}"))),
        None => Ok(()),
    }
}
