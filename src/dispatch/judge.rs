//! What an answer means, with what is broken on our side mended, and what speaks for a wrong configuration set aside.

use std::time::SystemTime;

use super::route::Route;
use crate::provider::{Heal, ReplyContext, Verdict};
use crate::push::Outcome;
use crate::upstream::{Answer, Origin, Unanswered};

pub(super) fn judge(
    route: &Route,
    origin: &Origin,
    context: ReplyContext,
    answer: &Answer,
    generation: Option<u64>,
) -> Verdict {
    let verdict = route.provider.classify(context, &answer.reply, SystemTime::now());
    let verdict = learn(route, verdict, answer.reply.status().as_u16());
    let renew = || {
        if let Some(generation) = generation {
            match route.credential.renew(origin, generation) {
                Ok(renewal) => tracing::debug!(%renewal, "the push service refused the token as expired"),
                Err(error) => tracing::error!(%error, "the token cannot be renewed; the old one stays"),
            }
        }
    };
    match verdict.heal {
        Heal::Nothing => {}
        Heal::Renew => renew(),
        Heal::Retire => answer.retire_connection(),
        Heal::RenewAndRetire => {
            renew();
            answer.retire_connection();
        }
        Heal::HoldToken => route.credential.hold(),
    }
    verdict
}

/// An answer of which only the head came whole: some decide all the same, and what was taken must not be sent again.
pub(super) fn judge_head(route: &Route, context: ReplyContext, unanswered: &Unanswered) -> Option<Verdict> {
    let head = unanswered.head.as_deref()?;
    let verdict = route.provider.classify_head(context, head, SystemTime::now())?;
    Some(learn(route, verdict, head.status.as_u16()))
}

/// Tells the guard of one more answer, and adds to the verdict what the other recent answers make of it.
fn learn(route: &Route, mut verdict: Verdict, status: u16) -> Verdict {
    let proved = verdict.token_invalid_since.is_some();
    let action = route.guard(verdict.outcome, verdict.token_action, proved);
    if verdict.outcome == Outcome::Accepted {
        return verdict;
    }
    if let Some(advice) = route.advice(verdict.token_action, action, proved) {
        verdict.detail = format!("{}; {advice}", verdict.detail).into();
    }
    verdict.token_action = action;
    route.kinds.note(route, &verdict, status);
    verdict
}
