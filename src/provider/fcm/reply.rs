//! What an answer of FCM says: its own error, or other words.

use std::borrow::Cow;

use super::error::ErrorBody;
use super::fields;
use crate::provider::words::words;
use crate::provider::{Reply, cut};
use crate::push::Outcome;

/// The most of FCM's own words that a detail repeats, in bytes.
const MAX_QUOTED_BYTES: usize = 256;

/// What an answer of FCM is read by, beside the answer itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReplyContext {
    /// Whether the message names the token of a Live Activity beside its target. An answer may be about
    /// either token.
    pub live_activity_token: bool,
    /// Whether the caller wrote the message by hand. Whatever the answer names in it then belongs to that one field.
    pub raw_message: bool,
}

/// The body of an answer: FCM's own, or what else it says.
#[derive(Debug, Default)]
pub(super) struct ReplyBody {
    /// The name of a message that was taken.
    pub(super) name: String,
    /// The error; none where the body is not FCM's.
    pub(super) error: Option<Box<ErrorBody>>,
    /// What the body says where it is not FCM's.
    words: String,
    /// Whether there is no body at all.
    pub(super) nothing: bool,
}

impl ReplyBody {
    pub(super) fn read(reply: &Reply) -> Self {
        let (name, error) = ErrorBody::read(&reply.body);
        let foreign = name.is_empty() && error.is_none();
        Self {
            name,
            error: error.map(Box::new),
            words: if foreign { words(reply) } else { String::new() },
            nothing: reply.body.is_empty(),
        }
    }

    pub(super) fn reason(&self) -> &str {
        match &self.error {
            // A message that was taken has a name, and no reason.
            _ if !self.name.is_empty() => "",
            Some(error) => error.code(),
            None => &self.words,
        }
    }

    /// The field at fault, where the push or its target is at fault. What the gateway's credential lacks is not a field
    /// of the push.
    pub(super) fn field(&self, outcome: Outcome, context: ReplyContext) -> &'static str {
        if !matches!(outcome, Outcome::InvalidPush | Outcome::InvalidToken | Outcome::PayloadTooLarge) {
            return "";
        }
        let Some(error) = &self.error else { return "" };
        let named = error.fields.iter().find_map(|field| fields::path(field, context.raw_message));
        named.or_else(|| error.named_in_sentence()).unwrap_or_default()
    }

    /// The gateway's sentence, followed by FCM's own.
    pub(super) fn quoted_after(&self, ours: Cow<'static, str>) -> Cow<'static, str> {
        let theirs = self.error.as_ref().map(|error| error.sentence()).unwrap_or_default();
        if theirs.is_empty() {
            return ours;
        }
        format!("{ours}; FCM says: {}", cut(&theirs, MAX_QUOTED_BYTES)).into()
    }
}
