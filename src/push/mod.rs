//! What is asked: plain values, checked when they are made. Nothing here does I/O or reads a clock.

mod content;
mod invalid;
mod outcome;
mod reason;
mod shortened;
mod target;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

pub use content::{
    AndroidVisibility, ApnsContent, Content, CriticalSound, Expiry, FcmContent, InterruptionLevel,
    LiveActivity, LiveActivityEvent, LocalizedText, MattermostContent, Notification, Options, Priority,
    WebPushContent, WebPushUrgency,
};
pub use invalid::InvalidValue;
pub(crate) use invalid::visible_ascii;
pub use outcome::{Delivery, Outcome, ProviderKind, PushResult, Refusal, TokenAction};
pub use reason::Reason;
pub(crate) use shortened::Shortened;
pub use target::{ApnsEnvironment, Audience, DeviceToken, RegistrationToken, ToldTarget};

/// What a push says, how it is treated, and when it was accepted.
#[derive(Debug, Clone)]
pub struct Body {
    /// The app that sends it.
    pub app: AppId,
    /// What to show or deliver.
    pub content: Content,
    /// How to treat it.
    pub options: Options,
    /// When the gateway took it. A time to live counts from then.
    pub accepted_at: SystemTime,
    /// What the caller sees again in the result. It is never sent to a push service.
    pub labels: Labels,
}

/// The caller's own names and values, which come back with the result. The contract bounds them.
pub type Labels = BTreeMap<String, String>;

/// An app, by its name in the configuration: 1 to 64 bytes of visible ASCII.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AppId(Arc<str>);

impl AppId {
    /// The longest name, in bytes.
    pub(crate) const MAX_BYTES: usize = 64;

    /// Checks a name and makes an id of it.
    ///
    /// # Errors
    /// Fails if the name is empty, too long, or not visible ASCII.
    pub fn parse(name: &str) -> Result<Self, InvalidValue> {
        visible_ascii("an app", name, Self::MAX_BYTES)?;
        Ok(Self(name.into()))
    }

    /// The name.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AppId({})", self.0)
    }
}

/// The name of a push: 1 to 128 bytes of visible ASCII.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PushId(String);

impl PushId {
    /// The longest id, in bytes.
    pub(crate) const MAX_BYTES: usize = 128;

    /// Checks the caller's name for a push and makes an id of it.
    ///
    /// # Errors
    /// Fails if the id is empty, too long, or not visible ASCII. The error holds what was given.
    pub fn parse(id: String) -> Result<Self, (String, InvalidValue)> {
        match visible_ascii("an id", &id, Self::MAX_BYTES) {
            Ok(()) => Ok(Self(id)),
            Err(error) => Err((id, error)),
        }
    }

    /// A fresh id, which is a random UUID.
    #[must_use]
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().to_string())
    }

    /// The id.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as a UUID. An id in the form 8-4-4-4-12 is one already; any other becomes a UUIDv5 of app and id, so that
    /// a resend carries the same UUID.
    #[must_use]
    pub(crate) fn uuid(&self, app: &AppId) -> uuid::Uuid {
        /// The namespace of these UUIDs. It must never change, because a resend carries the UUID of the first attempt.
        const NAMESPACE: uuid::Uuid = uuid::Uuid::from_u128(0x8f6c_1d1e_55a4_4c0b_9a55_3c1f_f0a2_61b7);
        let hyphenated = self.0.len() == uuid::fmt::Hyphenated::LENGTH;
        match uuid::Uuid::try_parse(&self.0) {
            Ok(uuid) if hyphenated => uuid,
            Ok(_) | Err(_) => {
                let name = [app.as_str().as_bytes(), self.0.as_bytes()].join(&0);
                uuid::Uuid::new_v5(&NAMESPACE, &name)
            }
        }
    }

    /// The id, for the result that carries it home.
    #[must_use]
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for PushId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PushId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PushId({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_its_own_apns_id_in_lower_case() {
        let app = AppId::parse("shop").unwrap();
        let id = PushId::parse("7AC6FBE7-2F2B-4E43-8E4D-7F2A7C2E6B10".into()).unwrap();
        assert_eq!(id.uuid(&app).to_string(), "7ac6fbe7-2f2b-4e43-8e4d-7f2a7c2e6b10");
    }

    #[test]
    fn another_id_becomes_the_same_uuid_each_time_and_differs_by_app() {
        let (shop, news) = (AppId::parse("shop").unwrap(), AppId::parse("news").unwrap());
        let id = PushId::parse("order-17".into()).unwrap();
        // This value is fixed: with another one, resends across versions would carry another id.
        assert_eq!(id.uuid(&shop).to_string(), "e8363a91-fc1b-501d-849d-4af301098609");
        assert_eq!(id.uuid(&shop), id.uuid(&shop));
        assert_ne!(id.uuid(&shop), id.uuid(&news));
    }

    #[test]
    fn ids_are_visible_ascii() {
        assert_eq!(PushId::parse(String::new()).unwrap_err().1.reason, Reason::FieldRequired);
        assert_eq!(PushId::parse("a b".into()).unwrap_err().1.reason, Reason::FieldInvalid);
        assert_eq!(PushId::parse("é".into()).unwrap_err().1.reason, Reason::FieldInvalid);
        assert_eq!(PushId::parse("x".repeat(129)).unwrap_err().1.reason, Reason::FieldTooLarge);
        assert!(PushId::parse("x".repeat(128)).is_ok());
    }
}
