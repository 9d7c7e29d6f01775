//! Whether the push service takes the app's credential: asked before an attempt, and told after it.

use fanfare_upstream::{PeerFailure, PeerPool, Unsent};

use super::acquire::NoLeave;
use super::kinds::shortened;
use super::{Ask, Route};
use crate::credential::{Credential, Heard, HeardOfPush, Pass, Refused, RefusingAnswer};
use crate::provider::{Provider, Refuses, Verdict};

impl<'a, P: Provider> Ask<'a, P> {
    /// Asks for leave to show the credential on the way to the target.
    pub(super) fn pass(&self, payload: &P::Payload) -> Result<Pass<'a>, NoLeave> {
        let (route, target) = (self.route, self.target);
        let standing = route.standings.standing(&route.provider, target);
        Pass::ask(standing, || route.provider.topic(target, payload)).map_err(NoLeave::Refused)
    }

    /// Why the push would not be sent now, where its credential is refused. It takes no leave.
    pub(super) fn refusal(&self, payload: &P::Payload) -> Option<Box<Refused>> {
        let (route, target) = (self.route, self.target);
        let standing = route.standings.standing(&route.provider, target)?;
        standing.refusal(|| route.provider.topic(target, payload))
    }

    /// Tells the credential's standing what an answer says of it. Where that shuts the credential, those who wait with it
    /// are told.
    pub(super) fn heard(
        &self,
        pass: Pass<'_>,
        verdict: &Verdict,
        status: u16,
        fresh: bool,
        payload: &P::Payload,
        peer: &PeerPool,
    ) {
        let heard = match verdict.refuses {
            Refuses::Nothing => HeardOfPush { credential: Heard::Taken, topic: Heard::Taken },
            Refuses::Topic => HeardOfPush { credential: Heard::Taken, topic: Heard::Refused },
            Refuses::Credential if fresh => {
                HeardOfPush { credential: Heard::Refused, ..HeardOfPush::NOTHING }
            }
            Refuses::Credential => HeardOfPush { credential: Heard::RefusedOld, ..HeardOfPush::NOTHING },
        };
        // The log holds these words, and all who show the credential are told them, so they repeat no token of this push.
        let answer = || RefusingAnswer {
            status: Some(status),
            reason: shortened(&verdict.upstream_reason),
            detail: shortened(&verdict.detail),
        };
        let number = pass.number();
        if pass.hear(heard, answer, || self.route.provider.topic(self.target, payload)) {
            self.route.turn_away(number, peer);
        }
    }
}

impl<P: Provider> Route<P> {
    /// What a push is told that got no stream: that the client certificate is refused, where the peer said so.
    pub(super) fn without_stream(&self, pass: Pass<'_>, why: Unsent, peer: &PeerPool) -> NoLeave {
        let error = match &why {
            Unsent::Unreachable(error) | Unsent::DeadlineUnreachable(error) => Some(error),
            // Where connects fail for that, the peer is left alone for it too.
            Unsent::BreakerOpen(left) => match &left.peer.why {
                PeerFailure::Connect(error) => Some(error),
                PeerFailure::Symptom(_) => None,
            },
            Unsent::Deadline
            | Unsent::DeadlineFailing(_)
            | Unsent::Forbidden(_)
            | Unsent::Refused { .. }
            | Unsent::TooManyWaiters(_)
            | Unsent::TooLong(_)
            | Unsent::TurnedAway
            | Unsent::ShuttingDown => None,
        };
        let alert = error.and_then(|error| error.refused_certificate());
        let Some(alert) = alert.filter(|_| self.shows_certificate()) else {
            return NoLeave::Unsent(why);
        };
        let detail =
            format!("{why}: the push service does not take the app's client certificate; replace it");
        let answer = RefusingAnswer { status: None, reason: alert.to_owned(), detail: detail.clone() };
        let refused = Box::new(Refused { answer: answer.clone(), detail });
        // Beside a token, the certificate is shown to what stands before the push service, and the standing is the token's.
        if matches!(self.credential, Credential::Certificate) {
            let heard = HeardOfPush { credential: Heard::Refused, ..HeardOfPush::NOTHING };
            let number = pass.number();
            if pass.hear(heard, || answer.clone(), || None::<String>) {
                self.turn_away(number, peer);
            }
        }
        NoLeave::Refused(refused)
    }
}
