//! The one place that sees every attempt: what it means for the push, for the target, for the credential and for the
//! connection.

use fanfare_upstream::{Answer, Head, Origin, PeerPool, Unanswered, Unsent, UpstreamError, coarse_now};
use tokio::time::Instant;
use tracing::Span;

use super::kinds::Logged;
use super::{Ask, Route, RunMode, pacing};
use crate::credential::{Pass, Renewal};
use crate::provider::{Heal, Provider, Retry, Verdict};
use crate::push::{Outcome, PushId};
use crate::telemetry::traces;

/// One exchange with a push service, as it ended.
pub(super) struct Attempt<'a, P: Provider> {
    /// The peer that it went to.
    pub(super) peer: &'a PeerPool,
    /// What it carried.
    pub(super) payload: &'a P::Payload,
    /// When it had its permit.
    pub(super) begun: Instant,
    /// What its answer is read by.
    pub(super) context: P::Context,
    /// The generation of the token that it carried.
    pub(super) generation: Option<u64>,
    /// Whether the token is newer than one that the attempt before was refused with.
    pub(super) renewed: bool,
    /// Its leave to show the credential.
    pub(super) pass: Pass<'a>,
    /// Its span, which is told how it ended.
    pub(super) span: &'a Span,
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

    /// Whether another attempt takes from the budget of retries. One with a newer token, or on another connection, mends what
    /// was broken on this side; one that was limited waits for its turn; and one that was not processed is no retry. None of
    /// them multiplies an outage.
    pub(super) fn costs_retry_budget(&self) -> bool {
        match self {
            Self::Answered { verdict, .. } => {
                verdict.retry != Retry::Once && verdict.outcome != Outcome::RateLimited
            }
            Self::Unanswered(_) => true,
            // Only one follows that was turned away while it waited: nothing was sent.
            Self::Unsent(_) => false,
        }
    }

    /// Tells the span of the attempt how it ended.
    fn record(&self, span: &Span) {
        if span.is_disabled() {
            return;
        }
        let (outcome, status, reason) = match self {
            Self::Answered { verdict, status } => {
                (verdict.outcome.name(), Some(*status), Logged(&verdict.upstream_reason).to_string())
            }
            Self::Unanswered(unanswered) => {
                ("unanswered", unanswered.status(), unanswered.cause.name().to_owned())
            }
            Self::Unsent(why) => ("unsent", None, why.to_string()),
        };
        let is_well = outcome == Outcome::Accepted.name() || outcome == Outcome::Validated.name();
        // The log has the reason in quotes.
        let reason = Some(reason.trim_matches('"')).filter(|reason| !reason.is_empty());
        traces::ended(span, outcome, status, reason, (!is_well).then_some(outcome));
    }
}

impl<P: Provider> Ask<'_, P> {
    /// Takes note of an attempt. Whatever learns from attempts begins here.
    pub(super) fn learn(&self, attempt: Attempt<'_, P>) -> Learned {
        let span = attempt.span;
        let _within = span.enter();
        let learned = self.learned(attempt);
        learned.record(span);
        learned
    }

    fn learned(&self, attempt: Attempt<'_, P>) -> Learned {
        let Attempt { peer, payload, begun, context, generation, renewed, pass, ended, .. } = attempt;
        let (route, mode) = (self.route, RunMode::of(&self.body.options));
        let (verdict, status, fresh) = match ended {
            Ok(answer) => {
                route.metrics.attempted(begun.elapsed());
                let status = answer.reply.status.as_u16();
                let verdict = route.provider.classify(context, &answer.reply, coarse_now());
                route.metrics.answered(status, &verdict.upstream_reason);
                let verdict = route.judge(self.id, verdict, status, mode);
                route.hold_against(&verdict, &answer);
                let mended = route.mend(verdict.heal, peer.origin(), generation, &answer);
                // A renewed token is fresh, although another is fetched when it is refused.
                let fresh = !mended || (renewed && verdict.heal == Heal::Renew);
                (verdict, status, fresh)
            }
            Err(UpstreamError::Unanswered(unanswered)) => {
                route.metrics.attempted(begun.elapsed());
                let decided =
                    unanswered.head.as_deref().and_then(|it| route.head_verdict(self.id, context, it, mode));
                let Some((verdict, status)) = decided else { return Learned::Unanswered(unanswered) };
                (verdict, status, true)
            }
            Err(UpstreamError::Unsent(unsent)) => return Learned::Unsent(unsent),
        };
        self.heard(pass, &verdict, status, fresh, payload, peer);
        pacing::tell(route.pacer(peer), begun, self.target, verdict.pace, status);
        Learned::Answered { verdict, status }
    }
}

impl<P: Provider> Route<P> {
    /// What the head of an answer decides whose body did not come whole. A push that was taken must not be sent again,
    /// whatever became of the body.
    fn head_verdict(
        &self,
        id: &PushId,
        context: P::Context,
        head: &Head,
        mode: RunMode,
    ) -> Option<(Verdict, u16)> {
        let verdict = self.provider.classify_head(context, head, coarse_now())?;
        let status = head.status.as_u16();
        self.metrics.answered(status, &verdict.upstream_reason);
        Some((self.judge(id, verdict, status, mode), status))
    }

    /// Tells the guard of one more answer, adds to the verdict what the other recent answers make of it, and logs an
    /// answer that is the first of its kind.
    fn judge(&self, id: &PushId, mut verdict: Verdict, status: u16, mode: RunMode) -> Verdict {
        let proved = verdict.token_invalid_since.is_some();
        let action = self.guard().judge(verdict.outcome, verdict.token_action, proved, mode);
        if verdict.outcome == Outcome::Accepted {
            return verdict;
        }
        if let Some(advice) = self.guard().advice(verdict.token_action, action, proved) {
            verdict.detail = format!("{}; {advice}", verdict.detail).into();
        }
        verdict.token_action = action;
        self.kinds.note(id, self.guard(), &verdict, status);
        verdict
    }

    /// Mends on this side of the wire what the answer says is broken, and says whether there was something to mend: a token
    /// that was old, or a connection that had brought good answers before. Where there was not, a refusal is one of the
    /// credential itself.
    fn mend(&self, heal: Heal, origin: &Origin, generation: Option<u64>, answer: &Answer) -> bool {
        match heal {
            Heal::Nothing => false,
            Heal::Renew => self.renew(origin, generation),
            Heal::Retire => {
                answer.retire_connection();
                answer.is_of_proven_connection()
            }
            Heal::RenewAndRetire => {
                answer.retire_connection();
                self.renew(origin, generation) || answer.is_of_proven_connection()
            }
            Heal::HoldToken => {
                self.credential.hold();
                false
            }
        }
    }

    /// Asks for a newer token than the one that was refused, and says whether there is one or will be. There will be none
    /// where the request carried none, or the refused one is fresh.
    fn renew(&self, origin: &Origin, generation: Option<u64>) -> bool {
        let Some(generation) = generation else { return false };
        match self.credential.renew(origin, generation) {
            Ok(renewal) => {
                tracing::debug!(%renewal, "the push service refused the token as expired");
                !matches!(renewal, Renewal::TooSoon | Renewal::Impossible)
            }
            Err(error) => {
                let (app, provider) = (self.guard().app(), P::KIND.name());
                tracing::error!(%app, provider, %error, "the token cannot be renewed; the old one stays");
                false
            }
        }
    }
}
