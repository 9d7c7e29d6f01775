//! How a request waits for a stream.

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{AskOutcome, Pool};
use crate::connection::Hub;
use crate::core::WaiterId;
use crate::error::Unsent;
use crate::failure::PeerFailure;
use crate::observe::Report;

/// The place in the line of a request that waits for a stream. When it is dropped, the place is given up.
pub(super) struct PlaceInLine<'a> {
    pool: &'a Pool,
    id: WaiterId,
    since: Instant,
    told: bool,
}

impl<'a> PlaceInLine<'a> {
    pub(super) fn begin(pool: &'a Pool, id: WaiterId, since: Instant) -> Self {
        pool.report(Report::WaitBegan);
        Self { pool, id, since, told: false }
    }

    /// Waits to be told, at most until the deadline.
    pub(super) async fn wait(mut self, told: oneshot::Receiver<AskOutcome>, deadline: Instant) -> AskOutcome {
        match tokio::time::timeout_at(deadline, told).await {
            Ok(told) => {
                self.told = true;
                // The core drops no waiter before it was told, so this is an error only if the pool is gone.
                told.unwrap_or(Err(Unsent::ShuttingDown))
            }
            Err(_) => {
                let host = self.pool.peer.origin.host();
                Err(self.leave().map_or(Unsent::Deadline, |why| Unsent::deadline_failing(host, why)))
            }
        }
    }

    /// Leaves the line. Returns what is wrong with the peer, if that is why there was no connection.
    fn leave(mut self) -> Option<PeerFailure> {
        self.told = true;
        self.pool.lock().core.left(self.id)
    }
}

impl Drop for PlaceInLine<'_> {
    fn drop(&mut self) {
        self.pool.report(Report::WaitEnded(self.since.elapsed()));
        if !self.told {
            let left = self.pool.lock().core.left(self.id);
            drop(left);
        }
    }
}
