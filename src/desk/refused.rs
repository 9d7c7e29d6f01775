//! A push that is not sent, as its result.

use tracing::Span;

use super::admission::NoRoom;
use super::settled::{EchoedLabels, Settled};
use crate::dispatch::{Seat, Unsendable};
use crate::push::{Labels, Outcome, PushResult, Reason};
use crate::telemetry::traces;

/// Why an item is turned away that is too large for what is left of the budget of bytes.
pub(super) const OVER_BUDGET: &str =
    "the bytes of callers fill the gateway's room for them (limits.max_held_bytes)";

/// A push that is not sent.
#[derive(Debug)]
pub(super) struct Refused {
    /// The id as given, where it could be one; else its beginning, or one that was made.
    id: String,
    labels: Labels,
    result: PushResult,
}

impl Refused {
    /// Something is wrong with the push.
    pub(super) fn new(id: String, labels: Labels, why: impl Into<Unsendable>) -> Box<Self> {
        let Unsendable { refusal, token_action, provider } = why.into();
        let mut result = PushResult::unsent(refusal.outcome, refusal.reason, refusal.detail);
        result.field = refusal.field;
        result.provider = provider;
        result.token_action = token_action;
        Box::new(Self { id, labels, result })
    }

    /// Nothing is wrong with the push, but it cannot be taken now.
    pub(super) fn not_attempted(id: String, labels: Labels, reason: Reason, detail: &'static str) -> Self {
        let mut result = PushResult::unsent(Outcome::NotAttempted, reason, detail);
        result.retryable = true;
        Self { id, labels, result }
    }

    /// Nothing is wrong with the push, but there is no room for it now.
    pub(super) fn no_room(id: String, labels: Labels, why: NoRoom, detail: &'static str) -> Self {
        let mut refused = Self::not_attempted(id, labels, why.reason(), detail);
        refused.result.retry_after = why.wait();
        refused
    }

    /// Shows it in the trace that it is a part of.
    pub(super) fn trace(&self, parent: &Span) {
        traces::refused_push(parent, &self.id, self.result.outcome.name(), self.reason_name());
    }

    /// The name of its reason in metrics.
    pub(super) fn reason_name(&self) -> &'static str {
        self.result.reason.map_or("", Reason::name)
    }

    /// Its result. An item of a batch may have taken its seat already.
    pub(super) fn settle(self, index: u64, seat: Option<Seat>) -> Settled {
        let Self { id, labels, result } = self;
        Settled { index, id, result, labels: EchoedLabels::Own(labels), seat }
    }
}
