//! What an answer of FCM means. Never fails, whatever the bytes.

use std::borrow::Cow;
use std::time::SystemTime;

use super::answers::{SERVER_DELAY, meaning};
use super::error::ErrorBody;
use super::fields;
use crate::provider::retry_after::retry_after;
use crate::provider::words::words;
use crate::provider::{Reply, ReplyContext, Verdict, cut};
use crate::push::Outcome;

/// The most of FCM's own words that a detail repeats, in bytes.
const MAX_QUOTED_BYTES: usize = 256;

/// What an answer that came at `now` means.
#[must_use]
pub fn classify(reply: &Reply, context: ReplyContext, now: SystemTime) -> Verdict {
    let status = reply.status().as_u16();
    let said = Said::read(reply);
    let verdict = meaning(status, &said, context.live_activity_token).verdict(said.reason());
    let asked = retry_after(reply.headers(), now);
    let least = if verdict.outcome == Outcome::UpstreamUnavailable {
        asked.map(|it| it.max(SERVER_DELAY))
    } else {
        asked
    };
    let accepted = verdict.outcome == Outcome::Accepted;
    Verdict {
        retry: verdict.retry.asked_to_wait(least),
        field: said.field(verdict.outcome, context).into(),
        detail: if accepted { verdict.detail } else { said.quoted_after(verdict.detail) },
        upstream_id: cut(&said.name, Verdict::MAX_REASON_BYTES).to_owned(),
        ..verdict
    }
}

/// What an answer says.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// The message's name.
    pub(super) name: String,
    /// None where the body is not FCM's.
    pub(super) error: Option<Box<ErrorBody>>,
    /// What a body says that is not FCM's.
    words: String,
    /// There is no body.
    pub(super) nothing: bool,
}

impl Said {
    fn read(reply: &Reply) -> Self {
        let (name, error) = ErrorBody::read(reply.body());
        let foreign = name.is_empty() && error.is_none();
        Self {
            name,
            error: error.map(Box::new),
            words: if foreign { words(reply) } else { String::new() },
            nothing: reply.body().is_empty(),
        }
    }

    fn reason(&self) -> &str {
        match &self.error {
            // One that was taken has a name, and no reason.
            _ if !self.name.is_empty() => "",
            Some(error) => error.code(),
            None => &self.words,
        }
    }

    /// Of what is at fault with the push or its target; what the gateway's credential lacks is no field of the push.
    fn field(&self, outcome: Outcome, context: ReplyContext) -> &'static str {
        if !matches!(outcome, Outcome::InvalidPush | Outcome::InvalidToken | Outcome::PayloadTooLarge) {
            return "";
        }
        let Some(error) = &self.error else { return "" };
        let named = error.fields.iter().find_map(|field| fields::path(field, context.raw_message));
        named.or_else(|| error.named_in_sentence()).unwrap_or_default()
    }

    /// Our sentence, and theirs.
    fn quoted_after(&self, ours: Cow<'static, str>) -> Cow<'static, str> {
        let theirs = self.error.as_ref().map(|error| error.sentence()).unwrap_or_default();
        if theirs.is_empty() {
            return ours;
        }
        format!("{ours}; FCM says: {}", cut(&theirs, MAX_QUOTED_BYTES)).into()
    }
}
