//! The one place that sees every attempt: what it means for the push, for the target, for the credential and for the
//! connection.

use std::time::SystemTime;

use fanfare_upstream::{Answer, Head, Origin, Unanswered, Unsent, UpstreamError};
use tracing::Span;

use super::{Route, Sight};
use crate::provider::{Heal, Provider, Verdict};
use crate::push::Outcome;

/// One exchange with a push service, as it ended.
pub(super) struct Attempt<'a, C> {
    /// Where it went.
    pub(super) origin: &'a Origin,
    /// What its answer is read by.
    pub(super) context: C,
    /// The generation of the token that it carried.
    pub(super) generation: Option<u64>,
    /// Its span, which is told how it ended.
    pub(super) span: &'a Span,
    /// Whether the push service was asked to deliver nothing.
    pub(super) sight: Sight,
    /// Its answer, or why there is none.
    pub(super) ended: Result<Answer, UpstreamError>,
}

/// What an attempt came to.
pub(super) enum Learned {
    /// The push service answered, or the head of its answer decided.
    Answered { verdict: Verdict, status: u16 },
    /// It was sent, and no answer came that decides.
    Unanswered(Unanswered),
    /// It provably was not processed.
    Unsent(Unsent),
}

impl Learned {
    /// Whether the push service refused the token, so the next attempt waits for a newer one.
    pub(super) fn refuses_token(&self) -> bool {
        match self {
            Self::Answered { verdict, .. } => verdict.heal.renews(),
            Self::Unanswered(_) | Self::Unsent(_) => false,
        }
    }

    /// Tells the span of the attempt how it ended.
    fn record(&self, span: &Span) {
        let (outcome, status) = match self {
            Self::Answered { verdict, status } => (verdict.outcome.name(), Some(*status)),
            Self::Unanswered(unanswered) => ("unanswered", unanswered.status()),
            Self::Unsent(_) => ("unsent", None),
        };
        span.record("outcome", outcome);
        if let Some(status) = status {
            span.record("status", status);
        }
    }
}

impl<P: Provider> Route<P> {
    /// Takes note of an attempt. Whatever learns from attempts begins here.
    pub(super) fn learn(&self, attempt: Attempt<'_, P::Context>) -> Learned {
        let Attempt { origin, context, generation, span, sight, ended } = attempt;
        let _within = span.enter();
        let learned = match ended {
            Ok(answer) => {
                self.metrics.attempted();
                let status = answer.reply.status.as_u16();
                let verdict = self.provider.classify(context, &answer.reply, SystemTime::now());
                let verdict = self.judge(verdict, status, sight);
                self.mend(verdict.heal, origin, generation, &answer);
                Learned::Answered { verdict, status }
            }
            Err(UpstreamError::Unanswered(unanswered)) => {
                self.metrics.attempted();
                match unanswered.head.as_deref().and_then(|head| self.head_verdict(context, head, sight)) {
                    Some((verdict, status)) => Learned::Answered { verdict, status },
                    None => Learned::Unanswered(unanswered),
                }
            }
            Err(UpstreamError::Unsent(unsent)) => Learned::Unsent(unsent),
        };
        learned.record(span);
        learned
    }

    /// What the head of an answer decides whose body did not come whole. A push that was taken must not be sent again,
    /// whatever became of the body.
    fn head_verdict(&self, context: P::Context, head: &Head, sight: Sight) -> Option<(Verdict, u16)> {
        let verdict = self.provider.classify_head(context, head, SystemTime::now())?;
        let status = head.status.as_u16();
        Some((self.judge(verdict, status, sight), status))
    }

    /// Tells the guard of one more answer, adds to the verdict what the other recent answers make of it, and logs an
    /// answer that is the first of its kind.
    fn judge(&self, mut verdict: Verdict, status: u16, sight: Sight) -> Verdict {
        let proved = verdict.token_invalid_since.is_some();
        let action = self.guard().judge(verdict.outcome, verdict.token_action, proved, sight);
        if verdict.outcome == Outcome::Accepted {
            return verdict;
        }
        if let Some(advice) = self.guard().advice(verdict.token_action, action, proved) {
            verdict.detail = format!("{}; {advice}", verdict.detail).into();
        }
        verdict.token_action = action;
        self.kinds.note(self.guard(), &verdict, status);
        verdict
    }

    /// Mends on this side of the wire what the answer says is broken.
    fn mend(&self, heal: Heal, origin: &Origin, generation: Option<u64>, answer: &Answer) {
        match heal {
            Heal::Nothing => {}
            Heal::Renew => self.renew(origin, generation),
            Heal::Retire => answer.retire_connection(),
            Heal::RenewAndRetire => {
                self.renew(origin, generation);
                answer.retire_connection();
            }
            Heal::HoldToken => self.credential.hold(),
        }
    }

    /// Asks for a newer token than the one that was refused, where the request carried one.
    fn renew(&self, origin: &Origin, generation: Option<u64>) {
        let Some(generation) = generation else { return };
        match self.credential.renew(origin, generation) {
            Ok(renewal) => tracing::debug!(%renewal, "the push service refused the token as expired"),
            Err(error) => tracing::error!(%error, "the token cannot be renewed; the old one stays"),
        }
    }
}
