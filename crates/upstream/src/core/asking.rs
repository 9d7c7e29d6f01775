//! How a request asks for a stream, and waits for one.

use std::time::{Duration, Instant};

use super::Core;
use super::event::{Effects, Grant, Refusal, Seniority, StreamAsk};
use super::waiters::WaiterId;
use crate::failure::PeerFailure;
use crate::flow::Flow;

/// A line of fewer waiters is never too long.
const LONG_LINE: usize = 100;

/// A wait is too long where it is so many times as long as there is time, since it is only estimated.
const DOUBT: u32 = 2;

impl<H: Clone, W, E: Clone> Core<H, W, E> {
    /// A request asks for a stream. It is granted one at once, is refused at once, or has to [`wait`](Self::wait),
    /// which is `None`. A request that is granted a stream at once costs no allocation.
    pub(crate) fn ask(&mut self, now: Instant, ask: StreamAsk) -> Result<Option<Grant<H>>, Refusal<E>> {
        let StreamAsk { flow, until, seniority } = ask;
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
        if seniority == Seniority::New && self.waiters.len() >= self.limits.max_waiters {
            return Err(Refusal::TooManyWaiters(self.limits.max_waiters));
        }
        if seniority == Seniority::New
            && let Some(wait) = self.too_long(now, flow, until)
        {
            return Err(Refusal::TooLong(wait));
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
        if self.waiters.is_empty() {
            self.grant_rate.begin();
        }
        let id = self.waiters.push(now, ask, waiter);
        if self.health.begin_to_wait(now, id) {
            self.backoff.skip();
        }
        self.grow(now, effects);
        id
    }

    /// How long somebody would wait, where that is far beyond its deadline. A wait is not judged before it is known: while
    /// few wait, while another connection is opening, or while the rate of grants was not measured.
    fn too_long(&self, now: Instant, flow: Flow, until: Instant) -> Option<Duration> {
        if self.waiters.len() < LONG_LINE || self.growth.opening > 0 {
            return None;
        }
        let patience = until.saturating_duration_since(now).saturating_mul(DOUBT);
        let too_long = |grants| self.grant_rate.wait(now, grants).filter(|wait| *wait > patience);
        // Nobody waits for longer than all before it, which is known at once; whose turns come first is looked for only then.
        too_long(self.waiters.len() + 1).and_then(|_| too_long(self.waiters.turns_until(flow)))
    }

    /// A waiter left before it was told anything. Returns what is wrong with the peer, if that is why there was no
    /// connection.
    pub(crate) fn left(&mut self, waiter: WaiterId) -> Option<PeerFailure<E>> {
        self.waiters.leave(waiter);
        self.look_after_probe();
        // Where the peer is well as far as is known, there may have been no room for a connect.
        let why = self.health.why().or_else(|| self.backoff.last_error().map(PeerFailure::Connect));
        why.filter(|_| self.connections.live_count() == 0)
    }
}
