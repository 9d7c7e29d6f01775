//! The verdicts on a push of which no attempt is made now.

use std::time::Duration;

use fanfare_upstream::{TooManyPeers, Unsent};

use super::Attempts;
use crate::credential::NoToken;
use crate::dispatch::Sight;
use crate::dispatch::acquire::NoLeave;
use crate::dispatch::guard::{Guard, Unsendable};
use crate::dispatch::subscriptions::not_public;
use crate::push::{Outcome, PushResult, Reason, Refusal};

/// The wait that a caller is told where the gateway has no better advice.
const COME_BACK_AFTER: Duration = Duration::from_secs(1);

impl Attempts {
    /// The verdict where an attempt does not leave.
    pub(in crate::dispatch) fn stayed(&mut self, why: &NoLeave) -> PushResult {
        match why {
            NoLeave::NoToken(why) => self.without_token(why),
            NoLeave::Unsent(why) => self.unsent(why),
            NoLeave::Expired => self.expired(),
            NoLeave::Draining => self.last(),
        }
    }

    /// The verdict where the push cannot be said to its provider, or its target may not be sent to.
    pub(in crate::dispatch) fn refused(&mut self, refusal: Refusal, guard: &Guard) -> PushResult {
        self.unsendable(guard.refuse(refusal, Sight::of(self.dry_run)))
    }

    fn unsendable(&mut self, unsendable: Unsendable) -> PushResult {
        let Unsendable { refusal, token_action, .. } = unsendable;
        let mut result = PushResult::unsent(refusal.outcome, refusal.reason, refusal.detail);
        result.field = refusal.field;
        result.token_action = token_action;
        self.complete(result)
    }

    /// The verdict where there is no peer to send it to.
    pub(in crate::dispatch) fn without_peer(&mut self, why: &TooManyPeers) -> PushResult {
        let mut result = PushResult::unsent(Outcome::NotAttempted, Reason::Overloaded, why.to_string());
        result.retryable = true;
        result.retry_after = Some(COME_BACK_AFTER);
        self.complete(result)
    }

    /// The verdict where its turn to be encrypted did not come before the deadline.
    pub(in crate::dispatch) fn too_late(&mut self) -> PushResult {
        self.not_attempted(Reason::DeadlineExceeded, "it could not be encrypted before the deadline")
    }

    /// The verdict on a dry run that would have been sent.
    pub(in crate::dispatch) fn validated(&mut self) -> PushResult {
        let mut result = PushResult::unsent(Outcome::Validated, Reason::UpstreamAnswered, "");
        result.reason = None;
        self.complete(result)
    }

    /// The verdict where the push expired before it could be sent.
    fn expired(&mut self) -> PushResult {
        self.not_attempted(Reason::Expired, "the push expired before it could be sent")
    }

    /// The verdict where no attempt can follow: the last answer, with its advice when to come back.
    pub(in crate::dispatch) fn last(&mut self) -> PushResult {
        self.draining()
    }

    /// The verdict where the gateway shuts down before the push could be sent.
    fn draining(&mut self) -> PushResult {
        self.not_attempted(Reason::Draining, "the gateway is shutting down")
    }

    /// The verdict where no attempt is made now. The last answer stands where there is one.
    fn not_attempted(&mut self, reason: Reason, detail: &'static str) -> PushResult {
        if let Some(last) = self.last.take() {
            return self.complete(*last);
        }
        let mut result = PushResult::unsent(Outcome::NotAttempted, reason, detail);
        result.retryable = reason != Reason::Expired;
        self.complete(result)
    }

    /// The verdict where there is no token to send it with.
    pub(in crate::dispatch) fn without_token(&mut self, why: &NoToken) -> PushResult {
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
            result.retry_after = Some(COME_BACK_AFTER);
        }
        self.complete(result)
    }

    /// The verdict where the request was provably not processed, and resending it has come to its end.
    pub(super) fn unsent(&mut self, why: &Unsent) -> PushResult {
        let (outcome, reason, retry_after) = match why {
            Unsent::Deadline => {
                return self.not_attempted(
                    Reason::DeadlineExceeded,
                    "no stream to the push service was free before the deadline",
                );
            }
            Unsent::ShuttingDown => return self.draining(),
            Unsent::Forbidden(_) => {
                // Only a subscription names a peer that is held to public addresses.
                return self.unsendable(not_public(why).into());
            }
            Unsent::TooManyWaiters(_) => (Outcome::NotAttempted, Reason::Overloaded, Some(COME_BACK_AFTER)),
            Unsent::Refused { .. } => {
                (Outcome::UpstreamUnavailable, Reason::UpstreamRefused, Some(COME_BACK_AFTER))
            }
            Unsent::Unreachable(_) | Unsent::DeadlineUnreachable(_) => {
                (Outcome::UpstreamUnavailable, Reason::UpstreamUnreachable, Some(COME_BACK_AFTER))
            }
        };
        let mut result = PushResult::unsent(outcome, reason, why.to_string());
        result.retryable = true;
        result.retry_after = retry_after;
        self.complete(result)
    }
}
