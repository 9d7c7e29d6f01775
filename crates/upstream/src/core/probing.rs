//! How connections that were silent are asked whether they live, and what becomes of them.

use std::time::Instant;

use super::Core;
use super::connections::{ConnectionRecord, Connections};
use super::event::{ConnectionId, Effect, Effects};
use super::silence::Silence;
use crate::cause::EndCause;

impl<H: Clone, W, E: Clone> Core<H, W, E> {
    /// A connection is silent for long.
    pub(super) fn quiet(&mut self, now: Instant, id: ConnectionId, effects: &mut Effects<H, W, E>) {
        if let Some(connection) = self.connections.find(id)
            && connection.silence == Silence::Heard
        {
            connection.silence = Silence::Quiet;
            self.grant_rate.begin();
            // Its streams count for the share of bulk no more, and it may be the one that is asked next.
            self.serve(now, effects);
        }
    }

    /// Something was read on a connection that was silent.
    pub(super) fn alive(&mut self, now: Instant, id: ConnectionId, effects: &mut Effects<H, W, E>) {
        if let Some(connection) = self.connections.find(id) {
            connection.silence = Silence::Heard;
            self.grant_rate.begin();
            self.serve(now, effects);
        }
    }

    /// The machine slept, so that any connection may have been forgotten. Those that owe answers are asked at once.
    pub(super) fn slept(&mut self, now: Instant, effects: &mut Effects<H, W, E>) {
        if self.growth.one_at_a_time {
            // HTTP/1.1 has nothing by which a connection could be asked.
            self.drain(now, self.connections.ids(), EndCause::Idle, effects);
            return;
        }
        for connection in self.connections.live_mut() {
            match connection.silence {
                Silence::Probed => {}
                Silence::Heard | Silence::Quiet if connection.used > 0 => connection.probe(effects),
                Silence::Heard | Silence::Quiet => connection.silence = Silence::Quiet,
            }
        }
        self.grant_rate.begin();
        self.serve(now, effects);
    }

    /// Asks a connection whether it lives.
    pub(super) fn probe(&mut self, id: ConnectionId, effects: &mut Effects<H, W, E>) {
        if let Some(connection) = self.connections.find(id) {
            connection.probe(effects);
        }
    }
}

impl<H: Clone> Connections<H> {
    /// Whether a connection is being asked whether it lives.
    pub(super) fn any_probed(&self) -> bool {
        self.live().any(|connection| connection.silence == Silence::Probed)
    }

    /// The connection that is asked next whether it lives: one that would take the next stream if it did.
    pub(super) fn next_probe(&self) -> Option<ConnectionId> {
        let has_room = |it: &&ConnectionRecord<H>| it.silence == Silence::Quiet && it.used < it.limit;
        self.live().filter(has_room).max_by_key(|it| (!it.old, it.used)).map(|it| it.id)
    }

    /// The connections that end with one. If it did not say that it lives, the network has most likely forgotten all
    /// that were as silent, and nobody should wait to find that out of each of them.
    pub(super) fn end_with(&self, id: ConnectionId, why: EndCause) -> Vec<ConnectionId> {
        let silent = |it: &&ConnectionRecord<H>| it.silence != Silence::Heard;
        if why == EndCause::PingLost && self.live().filter(silent).any(|it| it.id == id) {
            self.live().filter(silent).map(|it| it.id).collect()
        } else {
            vec![id]
        }
    }
}

impl<H: Clone> ConnectionRecord<H> {
    fn probe<W, E>(&mut self, effects: &mut Effects<H, W, E>) {
        if let Some(handle) = self.handle.clone() {
            self.silence = Silence::Probed;
            effects.push(Effect::Probe(handle));
        }
    }
}
