//! What the pool of one peer decides, and nothing else. It has no socket, clock, task or lock, and keeps no metrics.
//!
//! It is told the time and what happened, and answers with what is to be done. Its shell (`pool/`) holds it under a
//! lock, and does what it says after the lock was released, so that nothing can be done under the lock by mistake. Two
//! threads may do what they were told in any order:
//!
//! - A grant whose waiter has left comes back as [`ConnectionEvent::Returned`], and is granted to another.
//! - A wake-up that comes too early finds nothing to do, and another is asked for.
//!
//! Three things are opaque to the core, and are handed back without being looked at: `H` is what a grant carries, so
//! that its connection can be used; `W` is how a waiter is told; `E` is why a connect failed.

mod asking;
mod backoff;
mod connecting;
mod connections;
mod core_look;
mod draining;
mod event;
mod failing;
mod grant_rate;
mod growth;
mod health;
mod limits;
mod looking;
mod pacing;
mod phase;
mod probing;
mod ring;
mod shares;
mod silence;
mod waiters;

use std::time::Instant;

pub(crate) use core_look::CoreLook;
pub(crate) use event::{ConnectionEvent, ConnectionId, Effect, Effects, Event, Grant, Refusal};
pub(crate) use event::{Seniority, StreamAsk};
pub(crate) use limits::PoolLimits;
pub use pacing::PaceSettings;
pub(crate) use pacing::{Limited, PaceEffect, Pacing, Refusal as PaceRefusal};
pub(crate) use phase::Phase;
pub(crate) use waiters::WaiterId;

use crate::cause::EndCause;
use crate::failure::Symptom;
use crate::flow::{Flow, ServiceClass};
use backoff::Backoff;
use connections::Connections;
use grant_rate::GrantRate;
use growth::Growth;
use health::Health;
use waiters::Waiters;

/// What is known of the pool of one peer.
#[derive(Debug)]
pub(crate) struct Core<H, W, E> {
    limits: PoolLimits,
    connections: Connections<H>,
    waiters: Waiters<W>,
    backoff: Backoff<E>,
    growth: Growth,
    grant_rate: GrantRate,
    health: Health<E>,
    last_asked: Option<Instant>,
    /// Whether a good answer ever came.
    proven: bool,
    shut_down: bool,
    /// Requests of batches that would have to wait are refused, since the pool is shutting down.
    batches_drained: bool,
}

impl<H: Clone, W, E: Clone> Core<H, W, E> {
    /// A pool without connections. `seed` draws the random part of backoffs.
    pub(crate) fn new(limits: PoolLimits, seed: u64) -> Self {
        Self {
            backoff: Backoff::new(limits.backoff_min, limits.backoff_max, seed),
            growth: Growth::new(limits.max_connections),
            health: Health::new(&limits, seed),
            limits,
            connections: Connections::default(),
            waiters: Waiters::default(),
            grant_rate: GrantRate::default(),
            last_asked: None,
            proven: false,
            shut_down: false,
            batches_drained: false,
        }
    }

    /// Grants came back while nobody waits, which needs no clock. It is false where somebody waits; then each comes back as
    /// [`ConnectionEvent::Returned`].
    pub(crate) fn returned_to_nobody(&mut self, id: ConnectionId, grants: usize) -> bool {
        let nobody = self.waiters.is_empty();
        if nobody {
            self.connections.give_back(id, grants);
        }
        nobody
    }

    /// Something happened.
    pub(crate) fn on(&mut self, now: Instant, event: Event<H, E>, effects: &mut Effects<H, W, E>) {
        self.happened(now, event, effects);
        self.look_after_probe();
    }

    fn happened(&mut self, now: Instant, event: Event<H, E>, effects: &mut Effects<H, W, E>) {
        match event {
            Event::Connection(id, event) => self.on_connection(now, id, event, effects),
            Event::Opened { connection, handle, streams, one_at_a_time } => {
                self.opened(now, connection, handle, (streams, one_at_a_time), effects);
            }
            Event::ConnectFailed { error, forbidden, crowded } => {
                self.connect_failed(now, error, forbidden, crowded, effects);
            }
            Event::ConnectAbandoned => {
                self.growth.opening -= 1;
                // What ended this connect without a result may end the next one, so it begins after a wait.
                self.backoff.back_off(now);
                self.grow(now, effects);
            }
            Event::Woken => {
                self.growth.wake_at = None;
                self.grow(now, effects);
            }
            Event::Slept => self.slept(now, effects),
            Event::DrainBatches => {
                self.batches_drained = true;
                let batches = self.waiters.remove_if(|flow| flow.id != Flow::SINGLE.id);
                effects.extend(batches.map(|waiter| Effect::Refuse { waiter, why: Refusal::ShuttingDown }));
            }
            Event::TurnAway(what) => {
                let all = self.waiters.remove_if(|flow| flow.depends_on == what);
                effects.extend(all.map(|waiter| Effect::Refuse { waiter, why: Refusal::TurnedAway }));
            }
            Event::ShutDown(why) => {
                let ill = self.health.is_ill() && !self.shut_down;
                self.shut_down = true;
                let all = self.waiters.remove_all();
                effects.extend(all.map(|waiter| Effect::Refuse { waiter, why: Refusal::ShuttingDown }));
                if ill {
                    effects.push(Effect::BreakerForgotten);
                }
                self.drain(now, self.connections.ids(), why, effects);
            }
        }
    }

    fn on_connection(
        &mut self,
        now: Instant,
        id: ConnectionId,
        event: ConnectionEvent,
        effects: &mut Effects<H, W, E>,
    ) {
        match event {
            ConnectionEvent::Returned => {
                self.connections.give_back(id, 1);
                self.serve(now, effects);
            }
            ConnectionEvent::Proven => {
                self.backoff.proven();
                self.proven = true;
                if self.connections.proven(id, effects) {
                    self.grant_rate.begin();
                }
                self.answered(now, id, 1, effects);
                self.serve(now, effects);
                self.drain_old(now, effects);
            }
            ConnectionEvent::Answered(count) => self.answered(now, id, count, effects),
            ConnectionEvent::Failed(symptom, asked) => self.shows(now, id, symptom, asked, effects),
            ConnectionEvent::ProbeOver(probe) => self.health.probe_over(probe),
            ConnectionEvent::Limit(streams) => {
                self.connections.set_limit(now, id, streams.min(self.limits.max_streams), effects);
                self.grant_rate.begin();
                // The new limit may allow or forbid another connection.
                self.growth.wake_at = None;
                self.serve(now, effects);
            }
            ConnectionEvent::Quiet => self.quiet(now, id, effects),
            ConnectionEvent::Alive => self.alive(now, id, effects),
            ConnectionEvent::Aged => {
                if !self.connections.age(id) {
                    return;
                }
                // If no other connection may open, this one drains at once. Else another opens first.
                let full = self.growth.is_full(self.connections.live_count());
                self.grow(now, effects);
                if full {
                    self.drain(now, [id], EndCause::Age, effects);
                } else {
                    self.drain_old(now, effects);
                }
            }
            ConnectionEvent::GoesAway { code, owes } => {
                // What the peer owes, it mostly answers. If it does not, the requests that the connection takes with it say so.
                let symptom = (!owes || self.in_use(id) == 0).then_some(Symptom::GoAway(code));
                self.drain_as(now, [id], EndCause::GoAway, symptom, effects);
            }
            ConnectionEvent::Drains(why) => {
                self.drain(now, self.connections.end_with(id, why), why, effects);
            }
            ConnectionEvent::Closed(why) => {
                self.departs(now, id, why, Symptom::Ended(why), effects);
                let Some(closed) = self.connections.remove(id, why, effects) else { return };
                if closed.unproven {
                    self.backoff.back_off(now);
                }
                self.growth.wake_at = None;
                self.grant_rate.begin();
                self.serve(now, effects);
                self.grow(now, effects);
            }
        }
    }

    /// How many streams of a connection are in use.
    pub(crate) fn in_use(&self, id: ConnectionId) -> usize {
        self.connections.in_use(id)
    }

    /// When the pool was last asked for a stream, or `now` if never. It is `None` if anything is in use or waited for.
    pub(crate) fn idle_since(&self, now: Instant) -> Option<Instant> {
        let busy = self.growth.opening > 0 || !self.waiters.is_empty() || self.connections.any_in_use();
        if busy { None } else { Some(self.last_asked.unwrap_or(now)) }
    }

    /// Grants what is free to those who wait, and opens another connection if that helps the rest.
    fn serve(&mut self, now: Instant, effects: &mut Effects<H, W, E>) {
        if self.waiters.is_empty() {
            return;
        }
        for class in [ServiceClass::Interactive, ServiceClass::Bulk] {
            while self.waiters.any(class)
                && let Some(grant) = self.connections.take(class)
            {
                let late = |waiter| effects.push(Effect::Refuse { waiter, why: Refusal::Deadline });
                let Some(waiter) = self.waiters.pop(now, class, late) else {
                    self.connections.give_back(grant.connection, 1);
                    break;
                };
                self.grant_rate.granted(now);
                let grant = Grant { probe: self.health.granted(), ..grant };
                effects.push(Effect::Grant { waiter, grant });
            }
        }
        self.grow(now, effects);
    }
}

#[cfg(test)]
mod tests;
