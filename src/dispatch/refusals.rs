//! Whether the push service takes the app's credential: asked before an attempt, and told after it.

use fanfare_upstream::{PeerFailure, PeerPool, Unsent};

use super::acquire::NoLeave;
use super::{Ask, Route};
use crate::credential::{Credential, Heard, HeardOfPush, Pass, Refused, RefusingAnswer};
use crate::provider::{Provider, Refuses, Verdict};

impl<'a, P: Provider> Ask<'a, P> {
    /// Asks for leave to show the credential on the way to the target.
    pub(super) fn pass(&self, payload: &P::Payload) -> Result<Pass<'a>, NoLeave> {
        let (route, target) = (self.route, self.target);
        let door = route.doors.door(&route.provider, target);
        Pass::ask(door, || route.provider.topic(target, payload)).map_err(NoLeave::Refused)
    }

    /// Tells the credential's door what an answer says of it. Where that shuts the door, those who wait with this
    /// credential are told.
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
        let answer = || RefusingAnswer {
            status: Some(status),
            reason: verdict.upstream_reason.clone(),
            detail: verdict.detail.to_string(),
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
        // Beside a token, the certificate is shown to what stands before the push service, and the door is the token's.
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
