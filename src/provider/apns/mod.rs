//! Apple Push Notification service.

mod payload;
mod push_type;
mod request;
mod response;
#[cfg(test)]
mod tests;

pub use request::Payload;
pub use response::classify;

use crate::push::{ApnsEnvironment, InvalidValue, Target, visible_ascii};

/// The longest topic taken, in bytes; bundle ids are far shorter.
const MAX_TOPIC_BYTES: usize = 255;

/// How one app speaks to APNs.
#[derive(Debug, Clone)]
pub struct ApnsSettings {
    /// Where its device tokens are from, unless a push says otherwise.
    pub environment: ApnsEnvironment,
    /// The bundle ids that its pushes may name; the first is the default.
    pub topics: Vec<String>,
    /// It is authenticated by a client certificate, which some push types do not allow.
    pub certificate: bool,
    /// Push types that this version does not know are passed on, their topic without a suffix.
    pub unknown_push_types: bool,
}

/// Checked [`ApnsSettings`].
#[derive(Debug)]
pub struct Apns {
    settings: ApnsSettings,
}

impl Apns {
    /// # Errors
    /// Where there is no topic, or one is no bundle id.
    pub fn try_new(settings: ApnsSettings) -> Result<Self, InvalidValue> {
        if settings.topics.is_empty() {
            return Err(InvalidValue::required("at least one bundle id in topics"));
        }
        for topic in &settings.topics {
            visible_ascii("a bundle id in topics", topic, MAX_TOPIC_BYTES)?;
        }
        Ok(Self { settings })
    }

    /// The environment of a target.
    #[must_use]
    pub fn environment(&self, target: &Target) -> ApnsEnvironment {
        let named = match target {
            Target::Apns(device) => device.environment,
            Target::ApnsChannel(channel) => channel.environment,
            Target::Fcm(_) | Target::WebPush(_) | Target::Mattermost(_) => None,
        };
        named.unwrap_or(self.settings.environment)
    }
}
