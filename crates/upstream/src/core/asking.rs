//! How a request asks for a stream, and waits for one.

use std::time::Instant;

use super::Core;
use super::event::{Effects, Grant, Refusal, Standing, StreamAsk};
use super::waiters::WaiterId;
use crate::failure::PeerFailure;
use crate::flow::Flow;

impl<H: Clone, W, E: Clone> Core<H, W, E> {
    /// A request asks for a stream. It is granted one at once, is refused at once, or has to [`wait`](Self::wait),
    /// which is `None`. A request that is granted a stream at once costs no allocation.
    pub(crate) fn ask(&mut self, now: Instant, ask: StreamAsk) -> Result<Option<Grant<H>>, Refusal<E>> {
        let StreamAsk { flow, until, standing } = ask;
        if self.shut_down {
            return Err(Refusal::ShuttingDown);
        }
        if until <= now {
            return Err(Refusal::Deadline);
        }
        self.last_asked = Some(now);
        if let Some(refusal) = self.health.refusal(now) {
            return Err(refusal);
        }
        // Nobody is overtaken by this: if somebody waits, there is no room for the class of the waiter.
        if let Some(grant) = self.connections.take(flow.class) {
            return Ok(Some(Grant { probe: self.health.begin(now), ..grant }));
        }
        if self.batches_drained && flow.id != Flow::SINGLE.id {
            return Err(Refusal::ShuttingDown);
        }
        if standing == Standing::New && self.waiters.len() >= self.limits.max_waiters {
            return Err(Refusal::TooManyWaiters(self.limits.max_waiters));
        }
        if self.growth.opening == 0
            && self.backoff.holds(now)
            && let Some(error) = self.forbidden()
        {
            // The next connect may begin only after the backoff, and nothing can change before.
            return Err(Refusal::Forbidden(error));
        }
        Ok(None)
    }

    /// A request that [`ask`](Self::ask) gave no stream waits for one until it is granted, refused or [`left`](Self::left).
    pub(crate) fn wait(
        &mut self,
        now: Instant,
        ask: StreamAsk,
        waiter: W,
        effects: &mut Effects<H, W, E>,
    ) -> WaiterId {
        let id = self.waiters.push(now, ask, waiter);
        if self.health.begin_to_wait(now, id) {
            self.backoff.skip();
        }
        self.grow(now, effects);
        id
    }

    /// A waiter left before it was told anything. Returns what is wrong with the peer, if that is why there was no
    /// connection.
    pub(crate) fn left(&mut self, waiter: WaiterId) -> Option<PeerFailure<E>> {
        self.waiters.leave(waiter);
        self.look_after_probe();
        self.health.why().filter(|_| self.connections.live_count() == 0)
    }
}
