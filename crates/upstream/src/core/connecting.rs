//! When connections open, and what comes of a connect.

use std::time::Instant;

use super::Core;
use super::event::{ConnectionId, Effect, Effects, Refusal};
use super::growth::NextConnection;
use super::phase::Phase;
use crate::cause::EndCause;
use crate::failure::PeerFailure;

impl<H: Clone, W, E: Clone> Core<H, W, E> {
    /// A connect has a connection, of so many streams, which may take one request at a time.
    pub(super) fn opened(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        handle: H,
        (streams, one_at_a_time): (usize, bool),
        effects: &mut Effects<H, W, E>,
    ) {
        self.growth.opening -= 1;
        self.backoff.connected();
        if self.shut_down {
            effects.push(Effect::Retire { connection, why: EndCause::Shutdown, handle });
            return;
        }
        self.growth.one_at_a_time = one_at_a_time;
        let phase = if self.limits.proves_credential { Phase::Warming } else { Phase::Open };
        let limit = streams.min(self.limits.max_streams);
        self.connections.add(connection, handle, phase, limit, effects);
        self.grant_rate.begin();
        self.serve(now, effects);
        self.drain_old(now, effects);
    }

    /// A connect failed.
    pub(super) fn connect_failed(
        &mut self,
        now: Instant,
        error: E,
        forbidden: bool,
        crowded: bool,
        effects: &mut Effects<H, W, E>,
    ) {
        self.growth.opening -= 1;
        // Of several connects that fail together, one counts.
        let counts = !forbidden && !crowded && !self.backoff.holds(now);
        self.backoff.failed(now, error.clone(), forbidden);
        let refused = match self.forbidden() {
            // Another connect would resolve the same name again, and find the same.
            Some(_) => self.waiters.remove_all(),
            None if self.gives_up_early() => self.waiters.remove_all(),
            None => self.waiters.connect_failed(self.limits.connect_patience),
        };
        let why = if self.forbidden().is_some() { Refusal::Forbidden } else { Refusal::Unreachable };
        effects.extend(refused.map(|waiter| Effect::Refuse { waiter, why: why(error.clone()) }));
        if counts {
            self.failed(now, PeerFailure::Connect(error), None, effects);
            self.fruitless(now, effects);
        }
        self.grow(now, effects);
    }

    /// Opens another connection if it helps those who wait, or asks to be woken when one may open. Before that, those that
    /// were silent are asked whether they live.
    pub(super) fn grow(&mut self, now: Instant, effects: &mut Effects<H, W, E>) {
        while !self.shut_down && self.health.may_connect() {
            match self.growth.next(now, &self.connections, &self.waiters, &self.backoff) {
                NextConnection::Open(why) => {
                    self.growth.opening += 1;
                    self.growth.successor = false;
                    effects.push(Effect::Open(why));
                }
                NextConnection::Probe(silent) => self.probe(silent, effects),
                NextConnection::LookAgain(moment) => {
                    if self.growth.wake_at.is_none_or(|armed| moment < armed) {
                        self.growth.wake_at = Some(moment);
                        effects.push(Effect::WakeAt(moment));
                    }
                    return;
                }
                NextConnection::Nothing => return,
            }
        }
    }

    /// Whether one failed connect is enough to refuse those who wait.
    pub(super) fn gives_up_early(&self) -> bool {
        self.limits.gives_up_early && !self.proven
    }
}
