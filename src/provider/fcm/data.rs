//! Keys and values of a message: which keys may be used, and how many bytes they count.

use std::borrow::Cow;

use crate::push::{Reason, Refusal};

/// The bytes that one member counts against FCM's limit: those of its key and of its value.
pub(super) fn bytes_of(key: &str, value: &str) -> usize {
    key.len() + value.len()
}

/// Refuses the keys that FCM uses itself, as far as all of its pages agree on them. A key that only older pages
/// reserve, such as `google_place_id`, is left for FCM to refuse.
///
/// Source: Firebase, "FCM Error Codes", INVALID_ARGUMENT, and "REST Resource: projects.messages".
pub(super) fn check_key(key: &str, field: impl FnOnce() -> Cow<'static, str>) -> Result<(), Refusal> {
    let reserved =
        matches!(key, "from" | "message_type") || key.starts_with("google.") || key.starts_with("gcm.");
    if !reserved {
        return Ok(());
    }
    let expected = "expected data without from, message_type and keys that begin with google. or gcm.";
    Err(Refusal::field(field(), Reason::FieldInvalid, format!("{expected}, found {key:?}")))
}
