//! The verdict of a line, from the gateway or made here.

use crate::proto;

/// The verdict of one line of the input.
pub(super) struct LineVerdict {
    pub(super) line: u64,
    /// How many lines with the same id come before it.
    pub(super) occurrence: u32,
    pub(super) result: proto::PushResult,
}

impl LineVerdict {
    /// The verdict of a line that is no push.
    pub(super) fn bad_line(
        line: u64,
        id: String,
        occurrence: u32,
        reason: proto::Reason,
        detail: String,
    ) -> Self {
        let mut result = Self::of(id, proto::Outcome::InvalidPush, proto::Delivery::No, reason);
        result.detail = detail;
        Self { line, occurrence, result }
    }

    /// The verdict of a push whose gateway was lost and may have read it.
    pub(super) fn unconfirmed(line: u64, id: String, occurrence: u32, detail: &str) -> Self {
        let (outcome, reason) = (proto::Outcome::Unconfirmed, proto::Reason::ConnectionLost);
        let mut result = Self::of(id, outcome, proto::Delivery::Maybe, reason);
        detail.clone_into(&mut result.detail);
        result.retryable = true;
        Self { line, occurrence, result }
    }

    fn of(
        id: String,
        outcome: proto::Outcome,
        delivery: proto::Delivery,
        reason: proto::Reason,
    ) -> proto::PushResult {
        proto::PushResult {
            id,
            outcome: outcome.into(),
            delivery: delivery.into(),
            token_action: proto::TokenAction::Keep.into(),
            reason: reason.into(),
            ..proto::PushResult::default()
        }
    }

    /// Why the push is in doubt, if it is. A verdict that names no provider was made here, because the gateway was lost.
    pub(super) fn doubt(&self) -> Option<&'static str> {
        let in_doubt = self.result.outcome() == proto::Outcome::Unconfirmed;
        let lost = self.result.provider() == proto::Provider::Unspecified;
        let reason = self.result.reason().as_str_name().trim_start_matches("REASON_");
        in_doubt.then_some(if lost { "their gateway was lost" } else { reason })
    }

    /// Why the push ended with this outcome, in one sentence.
    pub(super) fn cause(&self) -> String {
        match self.result.upstream_reason.as_str() {
            "" => self.result.detail.clone(),
            reason => format!("{reason}: {}", self.result.detail),
        }
    }

    pub(super) fn is_good(&self) -> bool {
        matches!(self.result.outcome(), proto::Outcome::Accepted | proto::Outcome::Validated)
    }
}
