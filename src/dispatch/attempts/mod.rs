//! What is known of one push: how often it was tried, what the last answer was, whether an earlier try may
//! have been delivered, and what comes next.

use std::time::Duration;

use tokio::time::Instant;

use super::route::Route;
use crate::credential::NoToken;
use crate::provider::{Retry, Verdict};
use crate::push::{Delivery, Options, Outcome, ProviderKind, PushResult, Reason, Refusal, TokenAction};
use crate::upstream::{Lost, TooManyPeers, Unanswered, Unsent};

/// Waits before a push that was not answered, and may be repeated, is sent again.
const REPEAT_AFTER: Duration = Duration::from_secs(1);

/// What comes next.
#[derive(Debug)]
pub(super) enum Next {
    /// The verdict.
    Answer(PushResult),
    /// Another attempt, after this wait.
    Again(Duration),
}

/// The history of one push.
#[derive(Debug)]
pub(super) struct Attempts {
    provider: ProviderKind,
    repeatable: bool,
    /// The push service delivers nothing.
    dry_run: bool,
    most: u32,
    deadline: Instant,
    made: u32,
    /// An attempt was sent and not answered.
    unanswered: bool,
    /// The one resend at once that an answer may ask for was used.
    resent_at_once: bool,
    /// Boxed: few pushes have one.
    last: Option<Box<PushResult>>,
}

impl Attempts {
    pub(super) fn new(provider: ProviderKind, options: &Options, most: u32, deadline: Instant) -> Self {
        Self {
            provider,
            repeatable: options.repeatable,
            dry_run: options.dry_run,
            most,
            deadline,
            made: 0,
            unanswered: false,
            resent_at_once: false,
            last: None,
        }
    }

    /// The push cannot be said to its provider.
    pub(super) fn refused(self, refusal: Refusal, route: &Route) -> PushResult {
        let (refusal, token_action) = route.refused(refusal);
        self.refused_so(refusal, token_action)
    }

    fn refused_so(mut self, refusal: Refusal, token_action: TokenAction) -> PushResult {
        let mut result = PushResult::unsent(refusal.outcome, refusal.reason, refusal.detail);
        result.field = refusal.field;
        result.token_action = token_action;
        self.complete(result)
    }

    /// There is no peer to send it to.
    pub(super) fn without_peer(mut self, why: &TooManyPeers) -> PushResult {
        let mut result = PushResult::unsent(Outcome::NotAttempted, Reason::Overloaded, why.to_string());
        result.retryable = true;
        result.retry_after = Some(Duration::from_secs(1));
        self.complete(result)
    }

    /// Its turn to be encrypted did not come before the deadline.
    pub(super) fn too_late(self) -> PushResult {
        self.not_attempted(Reason::DeadlineExceeded, "it could not be encrypted before the deadline")
    }

    /// A dry run that would have been sent.
    pub(super) fn validated(mut self) -> PushResult {
        let mut result = PushResult::unsent(Outcome::Validated, Reason::UpstreamAnswered, "");
        result.reason = None;
        self.complete(result)
    }

    /// The push expired before it could be sent.
    pub(super) fn expired(self) -> PushResult {
        self.not_attempted(Reason::Expired, "the push expired before it could be sent")
    }

    /// No attempt can follow: the last answer is the verdict, with its advice when to come back.
    pub(super) fn last(self) -> PushResult {
        self.draining()
    }

    /// The gateway is shutting down before the push could be sent.
    fn draining(self) -> PushResult {
        self.not_attempted(Reason::Draining, "the gateway is shutting down")
    }

    /// No attempt now: the last answer stands, where there is one.
    fn not_attempted(mut self, reason: Reason, detail: &'static str) -> PushResult {
        if let Some(last) = self.last.take() {
            return self.complete(*last);
        }
        let mut result = PushResult::unsent(Outcome::NotAttempted, reason, detail);
        result.retryable = reason != Reason::Expired;
        self.complete(result)
    }

    /// There is no token to send it with.
    pub(super) fn without_token(mut self, why: &NoToken) -> PushResult {
        let outcome = match why {
            NoToken::Deadline => {
                return self.not_attempted(
                    Reason::DeadlineExceeded,
                    "no access token for the push service came before the deadline",
                );
            }
            NoToken::Refused(_) => Outcome::Credential,
            NoToken::Unavailable(_) => Outcome::UpstreamUnavailable,
        };
        let mut result = PushResult::unsent(outcome, Reason::CredentialMissing, why.to_string());
        if outcome == Outcome::UpstreamUnavailable {
            result.retryable = true;
            result.retry_after = Some(Duration::from_secs(1));
        }
        self.complete(result)
    }

    /// The request was provably not processed, and resending it has come to its end.
    pub(super) fn unsent(mut self, why: &Unsent) -> PushResult {
        let (outcome, reason, retry_after) = match why {
            Unsent::Deadline => {
                return self.not_attempted(
                    Reason::DeadlineExceeded,
                    "no stream to the push service was free before the deadline",
                );
            }
            Unsent::ShuttingDown => return self.draining(),
            Unsent::Forbidden(_) => {
                // Only a subscription names a peer that is held to public addresses. Its host may have one another
                // day: nothing is said against the subscription.
                let refusal =
                    Refusal::field("target.web_push.endpoint", Reason::FieldInvalid, why.to_string());
                return self.refused_so(refusal, TokenAction::Keep);
            }
            Unsent::TooManyWaiters(_) => {
                (Outcome::NotAttempted, Reason::Overloaded, Some(Duration::from_secs(1)))
            }
            Unsent::Refused { .. } => {
                (Outcome::UpstreamUnavailable, Reason::UpstreamRefused, Some(Duration::from_secs(1)))
            }
            Unsent::Unreachable(_) | Unsent::DeadlineUnreachable(_) => {
                (Outcome::UpstreamUnavailable, Reason::UpstreamUnreachable, Some(Duration::from_secs(1)))
            }
        };
        let mut result = PushResult::unsent(outcome, reason, why.to_string());
        result.retryable = true;
        result.retry_after = retry_after;
        self.complete(result)
    }

    /// The push service answered.
    pub(super) fn answered(mut self, verdict: Verdict, status: Option<u16>) -> (Self, Next) {
        self.made += 1;
        let retry = verdict.retry;
        let result = self.result_of(verdict, status);
        // A proxy may answer that it does not know either.
        let unknown = result.delivery == Delivery::Maybe;
        self.unanswered |= unknown;
        let again = match retry {
            Retry::Never => None,
            _ if unknown && !self.repeatable => None,
            Retry::IfRepeatable => Some(REPEAT_AFTER),
            Retry::Once | Retry::OnceThen(_) if !self.resent_at_once => {
                self.resent_at_once = true;
                Some(Duration::ZERO)
            }
            Retry::Once => None,
            Retry::OnceThen(wait) | Retry::After(wait) => Some(wait),
        };
        self.again_or(again, result)
    }

    /// The request was sent and not answered.
    pub(super) fn unanswered(mut self, why: &Unanswered) -> (Self, Next) {
        self.made += 1;
        let reason = match why.cause {
            Lost::Deadline | Lost::AnswerTimeout => Reason::AnswerTimeout,
            Lost::Reset(_) | Lost::ConnectionLost => Reason::ConnectionLost,
            Lost::Unreadable => Reason::AnswerUnreadable,
        };
        let mut result = PushResult::unsent(Outcome::Unconfirmed, reason, why.to_string());
        result.retryable = true;
        result.upstream_status = why.status();
        if self.dry_run {
            // Whatever became of the question, nothing was delivered.
            result.outcome = Outcome::UpstreamUnavailable;
        } else {
            self.unanswered = true;
        }
        let again = (self.repeatable || self.dry_run).then_some(REPEAT_AFTER);
        self.again_or(again, result)
    }

    fn again_or(mut self, again: Option<Duration>, mut result: PushResult) -> (Self, Next) {
        self.keep_last_answer(&mut result);
        let in_time = |wait: &Duration| Instant::now() + *wait < self.deadline;
        match again.filter(in_time) {
            Some(wait) if self.made < self.most => {
                self.last = Some(Box::new(result));
                (self, Next::Again(wait))
            }
            Some(_) | None => {
                let result = self.complete(result);
                (self, Next::Answer(result))
            }
        }
    }

    /// What the push service said last stands, where this attempt heard nothing.
    fn keep_last_answer(&mut self, result: &mut PushResult) {
        if let Some(last) = self.last.take().filter(|_| result.upstream_status.is_none()) {
            result.upstream_status = last.upstream_status;
            result.upstream_reason = last.upstream_reason;
        }
    }

    /// What all attempts together say.
    fn complete(&mut self, mut result: PushResult) -> PushResult {
        result.provider = Some(self.provider);
        result.attempts = self.made;
        self.keep_last_answer(&mut result);
        if result.delivery == Delivery::No && self.unanswered {
            result.delivery = Delivery::Maybe;
            // Not sent this time, but an earlier time it may have been: nobody knows.
            if result.outcome == Outcome::NotAttempted {
                result.outcome = Outcome::Unconfirmed;
            }
        }
        result
    }

    fn result_of(&self, verdict: Verdict, status: Option<u16>) -> PushResult {
        let accepted = verdict.outcome == Outcome::Accepted;
        let outcome = if accepted && self.dry_run {
            Outcome::Validated
        } else if verdict.outcome == Outcome::Unconfirmed && self.dry_run {
            // Whatever became of the question, nothing was delivered.
            Outcome::UpstreamUnavailable
        } else {
            verdict.outcome
        };
        let delivery = if outcome == Outcome::Accepted {
            Delivery::Accepted
        } else if outcome == Outcome::Unconfirmed {
            Delivery::Maybe
        } else {
            Delivery::No
        };
        PushResult {
            outcome,
            delivery,
            token_action: verdict.token_action,
            retryable: verdict.retryable,
            retry_after: verdict.retry.wait(),
            reason: (!accepted).then_some(verdict.reason),
            detail: verdict.detail,
            field: verdict.field,
            provider: None,
            upstream_status: status,
            upstream_reason: verdict.upstream_reason,
            upstream_id: verdict.upstream_id,
            token_invalid_since: verdict.token_invalid_since,
            attempts: 0,
        }
    }
}

#[cfg(test)]
mod tests;
