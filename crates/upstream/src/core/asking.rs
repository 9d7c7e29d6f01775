//! How a request asks for a stream, and waits for one.

use std::time::Instant;

use super::Core;
use super::event::{Effects, Grant, Refusal, Standing, StreamAsk};
use super::waiters::WaiterId;
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
        // Nobody is overtaken by this: if somebody waits, there is no room for the class of the waiter.
        if let Some(grant) = self.connections.take(flow.class) {
            return Ok(Some(grant));
        }
        if self.batches_drained && flow.id != Flow::SINGLE.id {
            return Err(Refusal::ShuttingDown);
        }
        if standing == Standing::New && self.waiters.len() >= self.limits.max_waiters {
            return Err(Refusal::TooManyWaiters(self.limits.max_waiters));
        }
        if self.growth.opening == 0 && self.backoff.holds(now) && self.connections.live_count() == 0 {
            // The next connect may begin only after the backoff, and nothing can change before.
            if let Some(error) = self.forbidden() {
                return Err(Refusal::Forbidden(error));
            }
            if self.gives_up_early()
                && let Some(error) = self.backoff.last_error()
            {
                return Err(Refusal::Unreachable(error));
            }
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
        self.grow(now, effects);
        id
    }

    /// A waiter left before it was told anything. Returns why no connection can be made, if that is what it waited for.
    pub(crate) fn left(&mut self, waiter: WaiterId) -> Option<E> {
        self.waiters.leave(waiter);
        self.backoff.last_error()
    }
}
