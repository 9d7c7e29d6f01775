//! The bundle ids that an app may send to.

use std::borrow::Cow;

use super::MAX_TOPIC_BYTES;
use crate::push::InvalidValue;

/// A bundle id that the app may send to.
#[derive(Debug, Clone)]
pub(super) struct Topic {
    pub(super) bundle_id: String,
}

impl Topic {
    pub(super) fn try_new(bundle_id: String) -> Result<Self, InvalidValue> {
        check_bundle_id(&bundle_id)?;
        Ok(Self { bundle_id })
    }

    /// The value of `apns-topic` for a push type with this suffix.
    pub(super) fn with(&self, suffix: &str) -> Cow<'_, str> {
        if suffix.is_empty() {
            return Cow::Borrowed(&self.bundle_id);
        }
        [&self.bundle_id, suffix].concat().into()
    }
}

/// A bundle id has letters, digits, hyphens and full stops, so it needs no escaping in a header or a path.
///
/// Source: Apple, "CFBundleIdentifier".
fn check_bundle_id(topic: &str) -> Result<(), InvalidValue> {
    let expected =
        || format!("a bundle id of 1 to {MAX_TOPIC_BYTES} letters, digits, hyphens and full stops");
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
