//! What the words to APNs and to FCM have in common.

use std::borrow::Cow;

use serde::Serialize;

use super::kind::Kind;
use super::request::PushNotification;
use super::{cut, emoji};

/// A badge that leaves the number on the app's icon as it is.
pub(super) const KEEP_BADGE: i64 = -1;

/// The signature by the server, which the app checks. The real proxy says so where there is none.
pub(super) fn signature<'a>(notification: &'a PushNotification<'_>) -> &'a str {
    given(&notification.signature).unwrap_or("NO_SIGNATURE")
}

/// The message as it is shown. The text that stands for one that is loaded by id is the server's own, and has no emoji.
pub(super) fn message<'a>(notification: &'a PushNotification<'_>, kind: Kind) -> Cow<'a, str> {
    let message = cut::message(&notification.message);
    match kind {
        Kind::Message | Kind::Session => emoji::expand(message),
        Kind::IdLoaded => Cow::Borrowed(message),
        Kind::Wipe | Kind::Clear | Kind::UpdateBadge | Kind::Test | Kind::Other => Cow::Borrowed(""),
    }
}

/// A text; none where it is empty, which says the same as its absence.
pub(super) fn given(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// Writes JSON. What is written here has texts, numbers and nothing that could fail.
pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
