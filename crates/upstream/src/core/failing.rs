//! What the failures and the answers of a peer do to its pool.

use std::time::{Duration, Instant};

use super::Core;
use super::event::{ConnectionId, Effect, Effects, Refusal};
use crate::breaker::BreakerChange;
use crate::cause::EndCause;
use crate::failure::{PeerFailure, Symptom};

impl<H: Clone, W, E: Clone> Core<H, W, E> {
    /// Whether an answer would change anything. While this is false, nobody has to tell of answers, but of the first of
    /// each connection.
    pub(crate) fn counts_answers(&self) -> bool {
        self.health.counts_answers()
    }

    /// Why everybody is refused now, if the peer is left alone.
    pub(crate) fn left_alone(&self, now: Instant) -> Option<Refusal<E>> {
        self.health.refusal(now)
    }

    /// A connection will take no more streams. If it brought no answer, and that speaks of the peer, it is one more that
    /// brought none.
    pub(super) fn departs(
        &mut self,
        now: Instant,
        id: ConnectionId,
        why: EndCause,
        symptom: Symptom,
        effects: &mut Effects<H, W, E>,
    ) {
        // The end of a connection that a caller retired says nothing more than the caller does by `Answer::failed`.
        if !self.connections.is_fruitless(id) || why.is_ours() || why == EndCause::Retired {
            return;
        }
        self.shows(now, id, symptom, None, effects);
        if self.connections.is_blamed(id) {
            self.fruitless(now, effects);
        }
    }

    /// The peer showed a symptom on a connection.
    pub(super) fn shows(
        &mut self,
        now: Instant,
        id: ConnectionId,
        symptom: Symptom,
        asked: Option<Duration>,
        effects: &mut Effects<H, W, E>,
    ) {
        let is_an_end = matches!(symptom, Symptom::Violation { .. } | Symptom::GoAway(_) | Symptom::Ended(_));
        if !is_an_end || self.connections.blame(id) {
            self.failed(now, PeerFailure::Symptom(symptom), asked, effects);
        }
    }

    /// The peer failed. If that opens its breaker, nobody waits any longer.
    pub(super) fn failed(
        &mut self,
        now: Instant,
        why: PeerFailure<E>,
        asked: Option<Duration>,
        effects: &mut Effects<H, W, E>,
    ) {
        let change = self.health.failed(now, why, asked);
        self.changed(now, change, effects);
    }

    pub(super) fn fruitless(&mut self, now: Instant, effects: &mut Effects<H, W, E>) {
        let change = self.health.fruitless(now, !self.connections.any_answered());
        self.changed(now, change, effects);
    }

    /// Answers came that say that the peer is well.
    pub(super) fn answered(
        &mut self,
        now: Instant,
        id: ConnectionId,
        count: u32,
        effects: &mut Effects<H, W, E>,
    ) {
        self.connections.answered(id);
        let change = self.health.answered(now, count);
        self.changed(now, change, effects);
    }

    fn changed(&mut self, now: Instant, change: Option<BreakerChange>, effects: &mut Effects<H, W, E>) {
        let Some(change) = change.filter(|_| !self.shut_down) else { return };
        effects.push(Effect::Breaker(change, self.health.why()));
        match change {
            BreakerChange::Opened(wait) | BreakerChange::Reopened(wait) => {
                let (why, all) = (self.health.left_alone(wait), self.waiters.remove_all());
                effects.extend(all.map(|waiter| Effect::Refuse { waiter, why: why.clone() }));
            }
            BreakerChange::Closed => {
                self.backoff.skip();
                self.grant_rate.begin();
                self.grow(now, effects);
            }
        }
    }

    /// A probe that waits no more, and was granted nothing, leaves the right to probe to another.
    pub(super) fn look_after_probe(&mut self) {
        if self.health.waiting_probe().is_some_and(|waiter| !self.waiters.contains(waiter)) {
            self.health.probe_left();
        }
    }

    /// Why no connection may be made, if there is none and the last connect found that.
    pub(super) fn forbidden(&self) -> Option<E> {
        self.backoff.forbidden().filter(|_| self.connections.live_count() == 0)
    }
}
