//! Whether the peer is well: its breaker, what is wrong with it, and who probes it.

use std::time::{Duration, Instant};

use super::event::Refusal;
use super::limits::PoolLimits;
use super::waiters::WaiterId;
use crate::breaker::{Breaker, BreakerChange, Probe};
use crate::failure::{PeerFailure, Symptom};

/// The fewest connects in a row without an answer after which the peer is left alone. One that fails may be an accident
/// of the network.
const LEAST_CONNECTS: u32 = 3;

/// Whether the peer is well.
#[derive(Debug)]
pub(super) struct Health<E> {
    breaker: Breaker,
    /// After how many connects in a row without an answer the breaker opens, whatever else it counts.
    patience: u32,
    /// How many connects in a row failed, or brought a connection that ended before any answer.
    fruitless: u32,
    /// The last failure since the peer was well.
    why: Option<PeerFailure<E>>,
    /// The probe that waits for a stream. While the breaker is half open, nobody else waits.
    waiting: Option<(WaiterId, Probe)>,
}

impl<E: Clone> Health<E> {
    pub(super) fn new(limits: &PoolLimits, seed: u64) -> Self {
        Self {
            breaker: Breaker::new(limits.breaker, seed),
            patience: limits.connect_patience.max(LEAST_CONNECTS),
            fruitless: 0,
            why: None,
            waiting: None,
        }
    }

    /// Why nobody may be granted a stream now, if that is so.
    pub(super) fn refusal(&self, now: Instant) -> Option<Refusal<E>> {
        self.breaker.held(now).map(|retry_after| self.left_alone(retry_after))
    }

    /// What those are told who are refused because the peer is left alone.
    pub(super) fn left_alone(&self, retry_after: Duration) -> Refusal<E> {
        // A breaker opens by a failure, so there is one.
        let why = self.why.clone().unwrap_or(PeerFailure::Symptom(Symptom::NoAnswer));
        Refusal::BreakerOpen { why, retry_after }
    }

    /// A request that may have a stream begins. It may be the probe.
    pub(super) fn begin(&mut self, now: Instant) -> Option<Probe> {
        self.breaker.ask(now).ok().flatten()
    }

    /// A request that may have a stream has to wait for it. Returns whether it is the probe.
    pub(super) fn begin_to_wait(&mut self, now: Instant, waiter: WaiterId) -> bool {
        let probe = self.begin(now);
        self.waiting = probe.map(|probe| (waiter, probe)).or(self.waiting);
        probe.is_some()
    }

    /// The probe among those that wait, if there is one, is granted a stream.
    pub(super) fn granted(&mut self) -> Option<Probe> {
        self.waiting.take().map(|(_, probe)| probe)
    }

    /// The waiter that is to probe the peer.
    pub(super) fn waiting_probe(&self) -> Option<WaiterId> {
        self.waiting.map(|(waiter, _)| waiter)
    }

    /// The probe that is under way, or waits for a stream.
    #[cfg(test)]
    pub(super) fn probe(&self) -> Option<Probe> {
        self.breaker.probe()
    }

    /// The probe left the line.
    pub(super) fn probe_left(&mut self) {
        if let Some((_, probe)) = self.waiting.take() {
            self.breaker.probe_over(probe);
        }
    }

    /// A probe that was granted a stream ended, with an outcome or without one.
    pub(super) fn probe_over(&mut self, probe: Probe) {
        self.breaker.probe_over(probe);
    }

    /// Whether connections may open. While the peer is left alone, only the probe opens one.
    pub(super) fn may_connect(&self) -> bool {
        !self.breaker.is_open()
    }

    /// Whether an answer would change anything.
    pub(super) fn counts_answers(&self) -> bool {
        self.fruitless > 0 || self.breaker.counts_successes()
    }

    /// The last failure, if no answer came since.
    pub(super) fn why(&self) -> Option<PeerFailure<E>> {
        self.why.clone()
    }

    /// Since when the peer is left alone or probed, and how long until it may be asked again.
    pub(super) fn ill(&self, now: Instant) -> Option<(Instant, Duration)> {
        Some((self.breaker.ill_since()?, self.breaker.held(now).unwrap_or_default()))
    }

    /// Whether the peer is left alone, or probed.
    pub(super) fn is_ill(&self) -> bool {
        !self.breaker.is_closed()
    }

    /// Answers came that say that the peer is well.
    pub(super) fn answered(&mut self, now: Instant, count: u32) -> Option<BreakerChange> {
        self.fruitless = 0;
        let change = self.breaker.succeeded(now, count);
        if self.breaker.is_closed() {
            (self.why, self.waiting) = (None, None);
        }
        change
    }

    /// The peer failed. `asked` is how long it asks to be left alone.
    pub(super) fn failed(
        &mut self,
        now: Instant,
        why: PeerFailure<E>,
        asked: Option<Duration>,
    ) -> Option<BreakerChange> {
        if self.may_connect() {
            // What fails while the peer is left alone was begun before.
            self.why = Some(why);
        }
        self.breaker.failed(now, asked)
    }

    /// A connect failed, or its connection ended before any answer. It may be counted as a failure already. `alone` says
    /// that no other connection has brought an answer.
    pub(super) fn fruitless(&mut self, now: Instant, alone: bool) -> Option<BreakerChange> {
        self.fruitless = self.fruitless.saturating_add(1);
        (alone && self.fruitless >= self.patience).then(|| self.breaker.trip(now)).flatten()
    }
}
