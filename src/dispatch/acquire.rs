//! What a push needs before an attempt: a push service that does not fail, a credential that is not refused, a token, a
//! turn, a permit, and again credential and token as they are then.

use std::sync::Arc;

use fanfare_upstream::{Flow, NoTurn, PeerPool, Permit, Unsent};
use futures_util::FutureExt;
use tokio::time::Instant;

use super::breaker::{HeldBack, RouteBreaker, RouteProbe};
use super::{Ask, Dispatcher};
use crate::credential::{Credential, NoToken, Pass, Refused, Stamp};
use crate::provider::Provider;

/// What an attempt leaves with.
pub(super) struct Leave<'a> {
    /// The right to one stream.
    pub(super) permit: Permit,
    /// The newest token, where requests carry one.
    pub(super) stamp: Option<Arc<Stamp>>,
    /// The right to probe, where the push service fails for a part of it. It is kept until the attempt was learned from.
    pub(super) probe: Option<RouteProbe<'a>>,
    /// The leave to show the credential.
    pub(super) pass: Pass<'a>,
}

/// Why an attempt does not leave.
pub(super) enum NoLeave {
    /// The push service fails for a part of it, such as a project, whose pushes are held back.
    HeldBack(HeldBack),
    /// The push service refuses the credential, for all pushes or for those to its topic.
    Refused(Box<Refused>),
    /// There is no token to send it with.
    NoToken(NoToken),
    /// The pace of its push service left no turn.
    NoTurn(NoTurn),
    /// No stream was to be had.
    Unsent(Unsent),
    /// The push expired while it waited.
    Expired,
    /// The gateway drains, and no token has come yet.
    Draining,
}

impl Dispatcher {
    /// Waits for all that an attempt needs, in this order:
    ///
    /// 1. Leave to show the credential, and the breaker of its part of the push service, so that a push that has no use waits
    ///    for nothing.
    /// 2. A token, so that a push without one takes no turn.
    /// 3. A turn at the pace of the push service, so that a push that waits for one holds no permit.
    /// 4. A permit of the pool.
    ///
    /// Then it looks whether the push has expired while it waited, it is held back, or its credential was refused, and
    /// loads the newest token, because a push may have waited longer than a token lives. `refused` is the generation of a
    /// token that the push service refused.
    pub(super) async fn acquire<'a, P: Provider>(
        &self,
        ask: &'a Ask<'a, P>,
        payload: &P::Payload,
        peer: &PeerPool,
        refused: Option<u64>,
    ) -> Result<Leave<'a>, NoLeave> {
        let (credential, terms) = (&ask.route.credential, ask.terms);
        let breaker = ask.route.breaker.as_deref();
        let held_back = || breaker.map(RouteBreaker::ask).transpose().map_err(NoLeave::HeldBack);
        let mut probe = None;
        loop {
            let mut pass = ask.pass(payload)?;
            if probe.is_none() {
                probe = held_back()?.flatten();
            }
            self.token(credential, terms.deadline, refused).await?;
            let flow = Flow { depends_on: pass.number(), ..terms.flow };
            match self.turn(ask, flow, peer).await {
                Ok(()) => {}
                // The credential was shut while the push waited, or the peer fails, so it asks again and is told why.
                Err(NoLeave::NoTurn(NoTurn::TurnedAway)) => continue,
                Err(NoLeave::Unsent(why)) => return Err(ask.route.without_stream(pass, why, peer)),
                Err(why) => return Err(why),
            }
            let permit = match peer.permit(flow, terms.deadline).await {
                Ok(permit) => permit,
                // The credential was shut while the push waited, so it asks for leave again, and is told why.
                Err(Unsent::TurnedAway) => continue,
                Err(why) => return Err(ask.route.without_stream(pass, why, peer)),
            };
            if ask.has_expired() {
                return Err(NoLeave::Expired);
            }
            if probe.is_none() {
                probe = held_back()?.flatten();
            }
            if !pass.holds() {
                pass = ask.pass(payload)?;
            }
            let stamp = credential.stamp(peer.origin());
            if stamp.is_some() || !credential.stamps() {
                return Ok(Leave { permit, stamp, probe, pass });
            }
            // The token expired while the push waited for its permit.
            if let Some(why) = credential.unable() {
                return Err(NoLeave::NoToken(why));
            }
        }
    }

    /// Waits for a token that is newer than the refused one, unless the gateway drains first.
    async fn token(
        &self,
        credential: &Credential,
        deadline: Instant,
        refused: Option<u64>,
    ) -> Result<(), NoLeave> {
        let ready = match credential.ready(deadline, refused).now_or_never() {
            Some(ready) => ready,
            None => {
                // The wait is boxed, so that it takes no room in the future of a push that need not wait.
                let wait = async {
                    tokio::select! {
                        biased;
                        ready = credential.ready(deadline, refused) => Some(ready),
                        () = self.draining().cancelled() => None,
                    }
                };
                Box::pin(wait).await.ok_or(NoLeave::Draining)?
            }
        };
        ready.map_err(NoLeave::NoToken)
    }
}
