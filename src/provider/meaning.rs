//! What an answer means: the words in which every provider writes its table of answers.

use std::time::Duration;

use super::{Heal, Pace, Refuses, Retry, Verdict, cut};
use crate::push::{Outcome, Reason, TokenAction};

/// What an answer of this kind means. Only what the single answer says is added, by [`Meaning::verdict`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Meaning {
    pub(super) outcome: Outcome,
    pub(super) token_action: TokenAction,
    pub(super) retryable: bool,
    pub(super) retry: Retry,
    pub(super) heal: Heal,
    pub(super) pace: Pace,
    pub(super) refuses: Refuses,
    pub(super) reason: Reason,
    /// The field at fault, as a path from the push. It is empty where no field or more than one may be at fault.
    pub(super) field: &'static str,
    /// A sentence for people. About a dead target it says why the target is dead, but not what to do: `dispatch` adds
    /// that, because it may set the target aside.
    pub(super) detail: &'static str,
}

impl Meaning {
    /// The same, with the field of the push that is at fault.
    pub(super) const fn at(self, field: &'static str) -> Self {
        Self { field, ..self }
    }

    /// The same, where the push service refuses the credential for every other push as well.
    pub(super) const fn of_credential(self) -> Self {
        Self { refuses: Refuses::Credential, ..self }
    }

    /// The same, where the push service refuses the credential for every other push to this topic.
    pub(super) const fn of_topic(self) -> Self {
        Self { refuses: Refuses::Topic, ..self }
    }

    /// The verdict on one answer, with the answer's own reason.
    pub(super) fn verdict(self, upstream_reason: &str) -> Verdict {
        Verdict {
            outcome: self.outcome,
            token_action: self.token_action,
            retry: self.retry,
            retryable: self.retryable,
            heal: self.heal,
            pace: self.pace,
            refuses: self.refuses,
            reason: self.reason,
            field: self.field.into(),
            detail: self.detail.into(),
            upstream_reason: cut(upstream_reason, Verdict::MAX_REASON_BYTES).to_owned(),
            upstream_id: String::new(),
            token_invalid_since: None,
        }
    }
}

/// The rows of a list of known answers, one by one. A status without reasons of its own has one row, without a reason.
pub(super) fn every(known: &[(u16, &'static [&'static str])]) -> Vec<(u16, &'static str)> {
    let rows = known.iter().flat_map(|(status, reasons)| {
        let reasons: &[&str] = if reasons.is_empty() { &[""] } else { reasons };
        reasons.iter().map(|reason| (*status, *reason))
    });
    rows.collect()
}

/// An outcome that calls for nothing more.
pub(super) const fn plain(outcome: Outcome, token_action: TokenAction, detail: &'static str) -> Meaning {
    let (retry, heal, pace, refuses) = (Retry::Never, Heal::Nothing, Pace::Nothing, Refuses::Nothing);
    let reason = Reason::UpstreamAnswered;
    Meaning { outcome, token_action, retryable: false, retry, heal, pace, refuses, reason, field: "", detail }
}

/// The push is at fault.
pub(super) const fn fault(detail: &'static str) -> Meaning {
    plain(Outcome::InvalidPush, TokenAction::Keep, detail)
}

/// The target was never valid here. `dispatch` makes a quarantine of it where many fail at once.
pub(super) const fn wrong_token(detail: &'static str) -> Meaning {
    plain(Outcome::InvalidToken, TokenAction::Delete, detail)
}

/// The target was good and is gone.
pub(super) const fn gone(detail: &'static str) -> Meaning {
    plain(Outcome::Unregistered, TokenAction::Delete, detail)
}

/// An operator has to act.
pub(super) const fn credential(detail: &'static str) -> Meaning {
    plain(Outcome::Credential, TokenAction::Keep, detail)
}

/// There is a bug, in the push service or in the gateway.
pub(super) const fn ours(detail: &'static str) -> Meaning {
    plain(Outcome::Internal, TokenAction::Keep, detail)
}

/// The push service refuses a credential that the gateway can renew by itself.
pub(super) const fn healing(heal: Heal, detail: &'static str) -> Meaning {
    Meaning { retryable: true, retry: Retry::Once, heal, ..credential(detail) }
}

/// The push service failed, and may succeed the next time.
pub(super) const fn unavailable(retry: Retry, heal: Heal, detail: &'static str) -> Meaning {
    let plain = plain(Outcome::UpstreamUnavailable, TokenAction::Keep, detail);
    Meaning { retryable: true, retry, heal, ..plain }
}

/// The push service asks to slow down, towards those whom `pace` names.
pub(super) const fn limited(wait: Duration, pace: Pace, detail: &'static str) -> Meaning {
    let plain = plain(Outcome::RateLimited, TokenAction::Keep, detail);
    Meaning { retryable: true, retry: Retry::After(wait), pace, ..plain }
}
