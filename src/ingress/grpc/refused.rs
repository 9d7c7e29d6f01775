//! A push that is not sent, as its result: the same in every RPC.

use super::encode;
use crate::dispatch::Unsendable;
use crate::proto;
use crate::push::{Labels, Outcome, PushId, PushResult, Reason};

/// A push that is not sent.
pub(super) struct Refused {
    /// As given, where it could be an id; else its beginning, or one that was made.
    pub(super) id: String,
    pub(super) labels: Labels,
    pub(super) result: PushResult,
}

impl Refused {
    /// A push that cannot be sent, by what is wrong with it.
    pub(super) fn new(id: String, labels: Labels, why: impl Into<Unsendable>) -> Box<Self> {
        let Unsendable { refusal, token_action, provider } = why.into();
        let mut result = PushResult::unsent(refusal.outcome, refusal.reason, refusal.detail);
        result.field = refusal.field;
        result.provider = provider;
        result.token_action = token_action;
        Box::new(Self { id, labels, result })
    }

    /// No attempt is made, for a reason of the gateway's; it may succeed later.
    pub(super) fn not_attempted(id: String, labels: Labels, reason: Reason, detail: &'static str) -> Self {
        let mut result = PushResult::unsent(Outcome::NotAttempted, reason, detail);
        result.retryable = true;
        if reason == Reason::Overloaded {
            result.retry_after = Some(encode::NO_ROOM_WAIT);
        }
        Self { id, labels, result }
    }

    /// The name of its reason, in metrics.
    pub(super) fn reason_name(&self) -> &'static str {
        self.result.reason.map_or("", encode::reason_name)
    }

    pub(super) fn encode(self, index: u64) -> proto::PushResult {
        encode::result(index, self.id, self.labels, self.result)
    }
}

/// What the result of a push with this id, which may be anything, says of it. Bounded as an id is.
pub(super) fn echo(mut id: String) -> String {
    if id.is_empty() {
        return PushId::random().into_string();
    }
    id.truncate(id.floor_char_boundary(PushId::MAX_BYTES));
    id
}
