//! The verdicts on a push of which no attempt is made now.

use std::borrow::Cow;
use std::time::Duration;

use fanfare_upstream::{NoTurn, TooManyPeers, Unsent};

use super::Attempts;
use crate::credential::{NoToken, Refused};
use crate::dispatch::acquire::NoLeave;
use crate::dispatch::guard::{Guard, Unsendable};
use crate::dispatch::subscriptions::not_public;
use crate::push::{Outcome, PushResult, Reason, Refusal};

/// The wait that a caller is told where the gateway has no better advice.
const COME_BACK_AFTER: Duration = Duration::from_secs(1);

/// The shortest and the longest wait that a caller is told where too many wait before it.
const SHORTEST_LINE: Duration = Duration::from_millis(200);
const LONGEST_LINE: Duration = Duration::from_secs(60);

impl Attempts {
    /// The verdict where an attempt does not leave.
    pub(in crate::dispatch) fn stayed(&mut self, why: &NoLeave) -> PushResult {
        match why {
            NoLeave::HeldBack(why) => {
                self.not_attempted(Reason::BreakerOpen, why.to_string(), Some(why.retry_after))
            }
            NoLeave::Refused(why) => self.shut(why),
            NoLeave::NoToken(why) => self.without_token(why),
            NoLeave::NoTurn(why) => self.without_turn(*why),
            NoLeave::Unsent(why) => self.unsent(why),
            NoLeave::Expired => self.expired(),
            NoLeave::Draining => self.last(),
        }
    }

    /// The verdict where the push cannot be said to its provider, or its target may not be sent to.
    pub(in crate::dispatch) fn refused(&mut self, refusal: Refusal, guard: &Guard) -> PushResult {
        self.unsendable(guard.refuse(refusal, self.mode))
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
        self.not_attempted(Reason::Overloaded, why.to_string(), Some(COME_BACK_AFTER))
    }

    /// The verdict where its turn to be encrypted did not come before the deadline.
    pub(in crate::dispatch) fn too_late(&mut self) -> PushResult {
        self.not_attempted(Reason::DeadlineExceeded, "it could not be encrypted before the deadline", None)
    }

    /// The verdict on a dry run that would have been sent.
    pub(in crate::dispatch) fn validated(&mut self) -> PushResult {
        let mut result = PushResult::unsent(Outcome::Validated, Reason::UpstreamAnswered, "");
        result.reason = None;
        self.complete(result)
    }

    /// The verdict where the push expired before it could be sent.
    fn expired(&mut self) -> PushResult {
        self.not_attempted(Reason::Expired, "the push expired before it could be sent", None)
    }

    /// The verdict where no attempt can follow: the last answer, with its advice when to come back.
    pub(in crate::dispatch) fn last(&mut self) -> PushResult {
        self.draining()
    }

    /// The verdict where the gateway shuts down before the push could be sent.
    fn draining(&mut self) -> PushResult {
        self.not_attempted(Reason::Draining, "the gateway is shutting down", None)
    }

    /// The verdict where no attempt is made now. The last answer stands where there is one, with the longer of its wait and
    /// this one.
    fn not_attempted(
        &mut self,
        reason: Reason,
        detail: impl Into<Cow<'static, str>>,
        retry_after: Option<Duration>,
    ) -> PushResult {
        if let Some(mut last) = self.last.take() {
            last.retry_after = last.retry_after.max(retry_after);
            return self.complete(*last);
        }
        let mut result = PushResult::unsent(Outcome::NotAttempted, reason, detail);
        result.retryable = reason != Reason::Expired;
        result.retry_after = retry_after;
        self.complete(result)
    }

    /// The verdict where the pace of the push service leaves no turn for it.
    fn without_turn(&mut self, why: NoTurn) -> PushResult {
        let wait = match why {
            NoTurn::TooLong(wait) | NoTurn::Full(wait) => wait,
            // Such a push looks at its credential and its peer again, which say why.
            NoTurn::TurnedAway => COME_BACK_AFTER,
            NoTurn::ShuttingDown => return self.draining(),
        };
        let detail = format!("pushes to this push service are paced: {why}");
        self.not_attempted(Reason::Paced, detail, Some(wait))
    }

    /// The verdict where the push service refuses the credential. No advice is given when to come back, because an operator
    /// has to act first.
    fn shut(&mut self, why: &Refused) -> PushResult {
        let Refused { answer, detail } = why;
        // Where the refusal was no answer, it ended a connect.
        let reason = answer.status.map_or(Reason::UpstreamUnreachable, |_| Reason::UpstreamAnswered);
        let mut result = PushResult::unsent(Outcome::Credential, reason, detail.clone());
        result.upstream_status = answer.status;
        result.upstream_reason.clone_from(&answer.reason);
        self.complete(result)
    }

    /// The verdict where there is no token to send it with.
    pub(in crate::dispatch) fn without_token(&mut self, why: &NoToken) -> PushResult {
        let (outcome, retry_after) = match why {
            NoToken::Deadline => {
                return self.not_attempted(
                    Reason::DeadlineExceeded,
                    "no access token for the push service came before the deadline",
                    None,
                );
            }
            NoToken::Refused(_) => (Outcome::Credential, None),
            NoToken::Unavailable(_) => (Outcome::UpstreamUnavailable, Some(COME_BACK_AFTER)),
            NoToken::LeftAlone { retry_after, .. } => (Outcome::UpstreamUnavailable, Some(*retry_after)),
        };
        let mut result = PushResult::unsent(outcome, Reason::CredentialMissing, why.to_string());
        (result.retryable, result.retry_after) = (retry_after.is_some(), retry_after);
        self.complete(result)
    }

    /// The verdict where the request was provably not processed, and resending it has come to its end.
    pub(super) fn unsent(&mut self, why: &Unsent) -> PushResult {
        let reason = match why {
            Unsent::Deadline => {
                return self.not_attempted(
                    Reason::DeadlineExceeded,
                    "no stream to the push service was free before the deadline",
                    None,
                );
            }
            Unsent::ShuttingDown => return self.draining(),
            Unsent::BreakerOpen(left) => {
                return self.not_attempted(Reason::BreakerOpen, why.to_string(), Some(left.retry_after));
            }
            Unsent::Forbidden(_) => {
                // Only a subscription names a peer that is held to public addresses.
                return self.unsendable(not_public(why).into());
            }
            Unsent::TooManyWaiters(_) => return self.overloaded(why, COME_BACK_AFTER),
            Unsent::TooLong(wait) => return self.overloaded(why, (*wait).clamp(SHORTEST_LINE, LONGEST_LINE)),
            Unsent::Unreachable(error) | Unsent::DeadlineUnreachable(error) if error.is_crowded() => {
                return self.overloaded(why, COME_BACK_AFTER);
            }
            Unsent::Unreachable(_) | Unsent::DeadlineUnreachable(_) => Reason::UpstreamUnreachable,
            // `Attempts::next` has a push that is turned away look at its credential again, which says why.
            Unsent::Refused { .. } | Unsent::DeadlineFailing(_) | Unsent::TurnedAway => {
                Reason::UpstreamRefused
            }
        };
        let mut result = PushResult::unsent(Outcome::UpstreamUnavailable, reason, why.to_string());
        result.retryable = true;
        result.retry_after = Some(COME_BACK_AFTER);
        self.complete(result)
    }

    /// The verdict where too many wait before it.
    fn overloaded(&mut self, why: &Unsent, retry_after: Duration) -> PushResult {
        self.not_attempted(Reason::Overloaded, why.to_string(), Some(retry_after))
    }
}
