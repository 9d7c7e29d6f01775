//! How a request asks for a stream, and waits for one.

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{AskOutcome, Effects, Pool};
use crate::connection::Hub;
use crate::core::{Event, Seniority, StreamAsk, WaiterId};
use crate::error::Unsent;
use crate::failure::PeerFailure;
use crate::flow::Flow;
use crate::observe::Report;

impl Pool {
    /// Waits for a place on the connection that takes the next stream, at most until the deadline.
    ///
    /// # Cancel safety
    /// When this future is dropped, its place in the line is given up. A connect that it caused goes on for others.
    pub(crate) async fn acquire(&self, flow: Flow, deadline: Instant, seniority: Seniority) -> AskOutcome {
        match self.ask(flow, deadline, seniority) {
            Ok(told) => told,
            // The wait is boxed, so that it takes no room in the future of a request that finds a stream at once.
            Err((place, told)) => Box::pin(place.wait(told, deadline)).await,
        }
    }

    /// Asks for a place. `Ok` is what the request is told at once, and `Err` its wait.
    fn ask(
        &self,
        flow: Flow,
        deadline: Instant,
        seniority: Seniority,
    ) -> Result<AskOutcome, (PlaceInLine<'_>, oneshot::Receiver<AskOutcome>)> {
        let mut state = self.lock();
        let now = Instant::now();
        let ask = StreamAsk { flow, until: deadline.into_std(), seniority };
        let mut effects = Effects::new();
        if state.sleep_watch.slept(now) {
            self.tell_core(&mut state, now, Event::Slept, &mut effects);
        }
        let asked = state.core.ask(now.into_std(), ask).map(|grant| {
            grant.ok_or_else(|| {
                let (tell, told) = oneshot::channel();
                (state.core.wait(now.into_std(), ask, tell, &mut effects), told)
            })
        });
        drop(state);
        let told = match asked {
            Ok(Ok(grant)) => Ok(Ok(self.granted(grant, now))),
            Ok(Err((id, told))) => Err((PlaceInLine::begin(self, id, now), told)),
            Err(refusal) => Ok(Err(self.refused(refusal))),
        };
        self.perform(now, effects);
        told
    }
}

/// The place in the line of a request that waits for a stream. When it is dropped, the place is given up.
struct PlaceInLine<'a> {
    pool: &'a Pool,
    id: WaiterId,
    since: Instant,
    told: bool,
}

impl<'a> PlaceInLine<'a> {
    fn begin(pool: &'a Pool, id: WaiterId, since: Instant) -> Self {
        pool.report(Report::WaitBegan);
        Self { pool, id, since, told: false }
    }

    /// Waits to be told, at most until the deadline.
    async fn wait(mut self, told: oneshot::Receiver<AskOutcome>, deadline: Instant) -> AskOutcome {
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
