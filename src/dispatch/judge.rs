//! What an answer means, with what is broken on our side mended.

use std::time::SystemTime;

use super::route::Route;
use crate::provider::{Heal, ReplyContext, Verdict};
use crate::upstream::{Answer, Origin};

pub(super) fn judge(
    route: &Route,
    origin: &Origin,
    context: ReplyContext,
    answer: &Answer,
    generation: Option<u64>,
) -> Verdict {
    let mut verdict = route.provider.classify(context, &answer.reply, SystemTime::now());
    verdict.token_action = route.suspicion.judge(verdict.outcome, verdict.token_action);
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
