//! The history of one push: how often it was tried, what the last answer was, whether an earlier attempt may have been
//! delivered, and what follows from that.

mod stayed;

use std::time::Duration;

use fanfare_upstream::{NoAnswerCause, Unanswered, Unsent};
use tokio::time::Instant;

use super::RunMode;
use super::learn::Learned;
use super::request::useless_from;
use crate::provider::{Retry, Verdict};
use crate::push::{Delivery, Expiry, Options, Outcome, PushResult, Reason};

/// The first backoff. It doubles with each attempt.
const BACKOFF: Duration = Duration::from_secs(1);
/// The backoff doubles at most this often, to about a minute.
const MOST_DOUBLINGS: u32 = 6;

/// What follows an attempt.
#[derive(Debug)]
pub(super) enum Next {
    /// The push has its verdict.
    Answer(PushResult),
    /// Another attempt follows after this wait.
    Again(Duration),
}

/// When another attempt may follow.
#[derive(Debug, Clone, Copy)]
enum Again {
    /// At once, since what was wrong is mended.
    AtOnce,
    /// After at least this wait.
    After(Duration),
}

/// The history of one push.
#[derive(Debug)]
pub(super) struct Attempts {
    repeatable: bool,
    /// How what becomes of it is judged.
    mode: RunMode,
    most: u32,
    deadline: Instant,
    expiry: Expiry,
    made: u32,
    /// Whether an attempt was sent and not answered, so the push may have been delivered.
    unanswered: bool,
    /// Whether the one resend at once that an answer may ask for was used.
    resent_at_once: bool,
    /// The result of the last attempt. It is boxed because few pushes have a second attempt.
    last: Option<Box<PushResult>>,
}

impl Attempts {
    pub(super) fn new(options: &Options, most: u32, deadline: Instant) -> Self {
        Self {
            repeatable: options.repeatable,
            mode: RunMode::of(options),
            most,
            deadline,
            expiry: options.expiry,
            made: 0,
            unanswered: false,
            resent_at_once: false,
            last: None,
        }
    }

    /// Whether the push service is asked to deliver nothing.
    fn is_dry_run(&self) -> bool {
        self.mode == RunMode::DryRun
    }

    /// How many attempts were made.
    pub(super) fn made(&self) -> u32 {
        self.made
    }

    /// How many attempts were made, where one of them may have been delivered; else 0.
    pub(super) fn in_doubt(&self) -> u32 {
        if self.unanswered { self.made } else { 0 }
    }

    /// What follows from what an attempt came to: the verdict, or another attempt.
    pub(super) fn next(&mut self, learned: Learned) -> Next {
        match learned {
            Learned::Answered { verdict, status } => self.answered(verdict, Some(status)),
            Learned::Unanswered(why) => self.unanswered(&why),
            // It waited to be sent again, and its credential was refused meanwhile. The next attempt is told why.
            Learned::Unsent(Unsent::TurnedAway) => Next::Again(Duration::ZERO),
            Learned::Unsent(why) => Next::Answer(self.unsent(&why)),
        }
    }

    /// What follows where the push service answered.
    fn answered(&mut self, verdict: Verdict, status: Option<u16>) -> Next {
        self.made += 1;
        let retry = verdict.retry;
        let result = self.result_of(verdict, status);
        // A proxy may answer that it does not know whether the push was sent.
        let unknown = result.delivery == Delivery::Maybe;
        self.unanswered |= unknown;
        let again = match retry {
            Retry::Never => None,
            _ if unknown && !self.repeatable => None,
            Retry::IfRepeatable => Some(Again::After(Duration::ZERO)),
            Retry::Once | Retry::OnceThen(_) if !self.resent_at_once => {
                self.resent_at_once = true;
                Some(Again::AtOnce)
            }
            Retry::Once => None,
            Retry::OnceThen(wait) | Retry::After(wait) => Some(Again::After(wait)),
        };
        self.again_or(again, result)
    }

    /// What follows where the request was sent and not answered.
    fn unanswered(&mut self, why: &Unanswered) -> Next {
        self.made += 1;
        let reason = match why.cause {
            NoAnswerCause::Deadline | NoAnswerCause::AnswerTimeout => Reason::AnswerTimeout,
            NoAnswerCause::Reset(_) | NoAnswerCause::ConnectionLost => Reason::ConnectionLost,
            NoAnswerCause::Unreadable => Reason::AnswerUnreadable,
        };
        let mut result = PushResult::unsent(Outcome::Unconfirmed, reason, why.to_string());
        result.retryable = true;
        result.upstream_status = why.status();
        if self.is_dry_run() {
            // Whatever became of the question, nothing was delivered.
            result.outcome = Outcome::UpstreamUnavailable;
        } else {
            self.unanswered = true;
        }
        let again = (self.repeatable || self.is_dry_run()).then_some(Again::After(Duration::ZERO));
        self.again_or(again, result)
    }

    fn again_or(&mut self, again: Option<Again>, mut result: PushResult) -> Next {
        self.keep_last_answer(&mut result);
        match again.and_then(|again| self.wait(again, result.retry_after)) {
            Some(wait) if self.made < self.most => {
                self.last = Some(Box::new(result));
                Next::Again(wait)
            }
            Some(_) | None => Next::Answer(self.complete(result)),
        }
    }

    /// The wait before another attempt; none if that would come too late. No wait is shorter than the one that was named by
    /// this answer or, where none came, by the one before it; and its random part grows with each attempt, so that pushes which failed together do not come back together ("full
    /// jitter": AWS Architecture Blog, "Exponential Backoff And Jitter").
    fn wait(&self, again: Again, advice: Option<Duration>) -> Option<Duration> {
        let useless_from = useless_from(self.deadline, self.expiry);
        let left = useless_from.saturating_duration_since(Instant::now());
        let wait = match again {
            Again::AtOnce => Duration::ZERO,
            Again::After(named) => {
                let named = advice.map_or(named, |advice| advice.max(named));
                let backoff = BACKOFF * (1 << self.made.saturating_sub(1).min(MOST_DOUBLINGS));
                let random = backoff.min(left.saturating_sub(named)).mul_f64(fastrand::f64());
                named.saturating_add(random)
            }
        };
        (wait < left).then_some(wait)
    }

    /// Keeps what the push service said last, where this result brings nothing newer from it.
    fn keep_last_answer(&mut self, result: &mut PushResult) {
        let newer = result.upstream_status.is_some() || !result.upstream_reason.is_empty();
        let Some(last) = self.last.take().filter(|_| !newer) else { return };
        result.upstream_status = last.upstream_status;
        result.upstream_reason = last.upstream_reason;
        if result.retryable {
            result.retry_after = result.retry_after.max(last.retry_after);
        }
    }

    /// Adds to a result what all attempts together say.
    fn complete(&mut self, mut result: PushResult) -> PushResult {
        result.attempts = self.made;
        self.keep_last_answer(&mut result);
        if result.delivery == Delivery::No && self.unanswered {
            result.delivery = Delivery::Maybe;
            // It was not sent this time, but an earlier attempt may have been delivered, and nobody knows.
            if result.outcome == Outcome::NotAttempted {
                result.outcome = Outcome::Unconfirmed;
            }
        }
        result
    }

    fn result_of(&self, verdict: Verdict, status: Option<u16>) -> PushResult {
        let accepted = verdict.outcome == Outcome::Accepted;
        let outcome = if accepted && self.is_dry_run() {
            Outcome::Validated
        } else if verdict.outcome == Outcome::Unconfirmed && self.is_dry_run() {
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
            of_first: false,
        }
    }
}

#[cfg(test)]
mod stays;
#[cfg(test)]
mod tests;
