//! What a push waits for before an attempt: a token, its turn, a permit, and again a token that is still good.

use std::sync::Arc;

use fanfare_upstream::{NoTurn, PeerPool, Permit, Unsent};
use futures_util::FutureExt;
use tokio::time::Instant;

use super::{Ask, Dispatcher};
use crate::credential::{Credential, NoToken, Stamp};
use crate::provider::Provider;

/// What an attempt leaves with.
pub(super) struct Leave {
    /// The right to one stream.
    pub(super) permit: Permit,
    /// The newest token, where requests carry one.
    pub(super) stamp: Option<Arc<Stamp>>,
}

/// Why an attempt does not leave.
pub(super) enum NoLeave {
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
    /// Waits for all that an attempt needs, in this order: a token, so that a push without one takes no turn; a turn, so
    /// that a push that waits for one holds no permit; a permit; then it looks whether the push has expired while it
    /// waited, and loads the newest token, because a push may have waited longer than a token lives. `refused` is the
    /// generation of a token that the push service refused.
    pub(super) async fn acquire<P: Provider>(
        &self,
        ask: &Ask<'_, P>,
        peer: &PeerPool,
        refused: Option<u64>,
    ) -> Result<Leave, NoLeave> {
        let (credential, terms) = (&ask.route.credential, ask.terms);
        loop {
            self.token(credential, terms.deadline, refused).await?;
            self.turn(ask, peer).await?;
            let permit = peer.permit(terms.flow, terms.deadline).await.map_err(NoLeave::Unsent)?;
            if ask.has_expired() {
                return Err(NoLeave::Expired);
            }
            let stamp = credential.stamp(peer.origin());
            if stamp.is_some() || !credential.stamps() {
                return Ok(Leave { permit, stamp });
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
