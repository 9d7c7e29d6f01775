//! The connections of one peer: which of them takes the next stream, and how each of them ends.

use std::time::Instant;

use super::event::{ConnectionId, Effect, Effects, Grant};
use super::phase::Phase;
use super::silence::Silence;
use crate::cause::EndCause;
use crate::flow::ServiceClass;

/// What is known of one connection.
#[derive(Debug)]
pub(super) struct ConnectionRecord<H> {
    pub(super) id: ConnectionId,
    /// It is `None` while the connection drains, since its task ends when the last clone is gone.
    pub(super) handle: Option<H>,
    pub(super) phase: Phase,
    /// The connection brought a good answer.
    pub(super) proven: bool,
    /// The connection brought an answer that says that the peer is well, which one about a credential does too.
    pub(super) answered: bool,
    /// How many losses were counted when it opened.
    pub(super) born: u64,
    /// Whether its end is a failure of the peer, once that was looked at.
    pub(super) blamed: Option<bool>,
    /// Why the connection drains.
    pub(super) ending: Option<EndCause>,
    /// The connection drains as soon as another is open.
    pub(super) old: bool,
    /// How many of its streams are in use.
    pub(super) used: usize,
    /// How many streams it may have.
    pub(super) limit: usize,
    /// When the peer last lowered the limit, if it did not raise it since.
    pub(super) limit_fell: Option<Instant>,
    /// Whether the network may have forgotten the connection.
    pub(super) silence: Silence,
}

/// What was known of a connection when it closed, or began to drain.
pub(super) struct Departure {
    /// The connection brought no good answer. Its end has not been counted yet: it did not drain before. One that was
    /// silent for long is none of these, since the network may have ended it.
    pub(super) unproven: bool,
    /// The connection has streams in use.
    pub(super) busy: bool,
}

/// All connections of the peer. There are few, so they are searched one by one.
#[derive(Debug)]
pub(super) struct Connections<H> {
    all: Vec<ConnectionRecord<H>>,
    /// How often the end of connections was counted as a failure of the peer.
    losses: u64,
}

impl<H> Default for Connections<H> {
    fn default() -> Self {
        Self { all: Vec::new(), losses: 0 }
    }
}

impl<H: Clone> Connections<H> {
    pub(super) fn add<W, E>(
        &mut self,
        id: ConnectionId,
        handle: H,
        phase: Phase,
        limit: usize,
        effects: &mut Effects<H, W, E>,
    ) {
        self.all.push(ConnectionRecord {
            id,
            handle: Some(handle),
            phase,
            proven: false,
            answered: false,
            born: self.losses,
            blamed: None,
            ending: None,
            old: false,
            used: 0,
            limit,
            limit_fell: None,
            silence: Silence::Heard,
        });
        effects.push(Effect::Moved { from: None, to: Some(phase) });
        effects.push(Effect::Allowed(streams(limit)));
    }

    /// Chooses the fullest connection that has room, and an old one only if no other has. So one connection is filled
    /// before the next is used, and writes gather. Bulk never takes the last fifth of the peer's streams.
    fn pick(&self, class: ServiceClass) -> Option<usize> {
        if class == ServiceClass::Bulk {
            let limit: usize = self.ready().map(|connection| connection.limit).sum();
            let used: usize = self.ready().map(|connection| connection.used).sum();
            if used >= limit - limit / 5 {
                return None;
            }
        }
        let with_room = self
            .all
            .iter()
            .enumerate()
            .filter(|(_, connection)| connection.is_ready() && connection.used < connection.limit);
        with_room.max_by_key(|(_, connection)| (!connection.old, connection.used)).map(|(at, _)| at)
    }

    /// Takes a stream, if there is one for the class.
    pub(super) fn take(&mut self, class: ServiceClass) -> Option<Grant<H>> {
        let at = self.pick(class)?;
        let connection = self.all.get_mut(at)?;
        let handle = connection.handle.clone()?;
        connection.used += 1;
        Some(Grant { connection: connection.id, handle, probe: None })
    }

    /// A stream is in use no more.
    pub(super) fn give_back(&mut self, id: ConnectionId, grants: usize) {
        if let Some(connection) = self.find(id) {
            debug_assert!(connection.used >= grants, "a grant came back twice");
            connection.used = connection.used.saturating_sub(grants);
        }
    }

    /// A connection brought a good answer. Returns whether it was the first.
    pub(super) fn proven<W, E>(&mut self, id: ConnectionId, effects: &mut Effects<H, W, E>) -> bool {
        let Some(connection) = self.find(id) else { return false };
        if connection.phase == Phase::Warming {
            connection.enter(Phase::Open, effects);
        }
        !std::mem::replace(&mut connection.proven, true)
    }

    /// A connection brought an answer that says that the peer is well.
    pub(super) fn answered(&mut self, id: ConnectionId) {
        if let Some(connection) = self.find(id) {
            connection.answered = true;
        }
    }

    /// Whether the end of a connection has to be counted as a failure of the peer. All that a connection takes with it is
    /// one failure, and so is the end of all connections that were open when one was lost, as where a proxy restarts.
    pub(super) fn blame(&mut self, id: ConnectionId) -> bool {
        let losses = self.losses;
        let Some(connection) = self.find(id).filter(|connection| connection.blamed.is_none()) else {
            return false;
        };
        let counts = connection.born == losses;
        connection.blamed = Some(counts);
        self.losses += u64::from(counts);
        counts
    }

    /// Whether the end of a connection was counted as a failure of the peer.
    pub(super) fn is_blamed(&self, id: ConnectionId) -> bool {
        self.all.iter().any(|connection| connection.id == id && connection.blamed == Some(true))
    }

    /// Whether requests are on a connection that takes streams and has brought no answer which says that the peer is
    /// well. One that was silent for long is none of these, since the network may have ended it.
    pub(super) fn is_fruitless(&self, id: ConnectionId) -> bool {
        self.all.iter().any(|it| it.id == id && it.is_ready() && it.used > 0 && !it.answered)
    }

    /// Whether a connection that takes streams has brought an answer which says that the peer is well.
    pub(super) fn any_answered(&self) -> bool {
        self.live().any(|connection| connection.answered)
    }

    /// The peer allows another number of streams on a connection.
    pub(super) fn set_limit<W, E>(
        &mut self,
        now: Instant,
        id: ConnectionId,
        limit: usize,
        effects: &mut Effects<H, W, E>,
    ) {
        let Some(connection) = self.find(id) else { return };
        effects.push(Effect::Allowed(streams(limit) - streams(connection.limit)));
        if limit < connection.limit {
            connection.limit_fell = Some(now);
        } else if limit > connection.limit {
            connection.limit_fell = None;
        }
        connection.limit = limit;
    }

    /// Marks a connection as old. Returns false if it was old already, or is not there.
    pub(super) fn age(&mut self, id: ConnectionId) -> bool {
        self.find(id).is_some_and(|connection| !std::mem::replace(&mut connection.old, true))
    }

    /// The old connections, if another is open to take their streams.
    pub(super) fn replaced(&self) -> Vec<ConnectionId> {
        if !self.all.iter().any(|connection| connection.phase == Phase::Open && !connection.old) {
            return Vec::new();
        }
        self.live().filter(|connection| connection.old).map(|connection| connection.id).collect()
    }

    /// Lets a connection take no new streams. Returns `None` if it drains already, or is not there.
    pub(super) fn drain<W, E>(
        &mut self,
        id: ConnectionId,
        why: EndCause,
        effects: &mut Effects<H, W, E>,
    ) -> Option<Departure> {
        let connection = self.find(id).filter(|connection| connection.phase != Phase::Draining)?;
        connection.enter(Phase::Draining, effects);
        connection.ending = Some(why);
        if let Some(handle) = connection.handle.take() {
            effects.push(Effect::Retire { connection: id, why, handle });
        }
        let unproven = !connection.proven && connection.silence == Silence::Heard;
        Some(Departure { unproven, busy: connection.used > 0 })
    }

    /// Forgets a connection whose task has ended for `why`.
    pub(super) fn remove<W, E>(
        &mut self,
        id: ConnectionId,
        why: EndCause,
        effects: &mut Effects<H, W, E>,
    ) -> Option<Departure> {
        let at = self.all.iter().position(|connection| connection.id == id)?;
        let connection = self.all.swap_remove(at);
        effects.push(Effect::Moved { from: Some(connection.phase), to: None });
        effects.push(Effect::Allowed(-streams(connection.limit)));
        // The cause of an end is what began it.
        let why = connection.ending.unwrap_or(why);
        let (unproven, busy) = (connection.is_ready() && !connection.proven, connection.used > 0);
        effects.push(Effect::Closed { connection: id, why, handle: connection.handle });
        Some(Departure { unproven, busy })
    }

    pub(super) fn in_use(&self, id: ConnectionId) -> usize {
        self.all.iter().find(|connection| connection.id == id).map_or(0, |connection| connection.used)
    }

    pub(super) fn any_in_use(&self) -> bool {
        self.all.iter().any(|connection| connection.used > 0)
    }

    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    pub(super) fn ids(&self) -> Vec<ConnectionId> {
        self.all.iter().map(|connection| connection.id).collect()
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &ConnectionRecord<H>> {
        self.all.iter()
    }

    /// The connections that do not drain.
    pub(super) fn live(&self) -> impl Iterator<Item = &ConnectionRecord<H>> {
        self.all.iter().filter(|connection| connection.phase != Phase::Draining)
    }

    /// The same, to be changed.
    pub(super) fn live_mut(&mut self) -> impl Iterator<Item = &mut ConnectionRecord<H>> {
        self.all.iter_mut().filter(|connection| connection.phase != Phase::Draining)
    }

    /// The connections that take streams now.
    fn ready(&self) -> impl Iterator<Item = &ConnectionRecord<H>> {
        self.all.iter().filter(|connection| connection.is_ready())
    }

    /// How many connections do not drain.
    pub(super) fn live_count(&self) -> usize {
        self.live().count()
    }

    pub(super) fn find(&mut self, id: ConnectionId) -> Option<&mut ConnectionRecord<H>> {
        self.all.iter_mut().find(|connection| connection.id == id)
    }
}

impl<H> ConnectionRecord<H> {
    /// Whether the connection takes streams now.
    fn is_ready(&self) -> bool {
        self.phase != Phase::Draining && self.silence == Silence::Heard
    }

    fn enter<W, E>(&mut self, phase: Phase, effects: &mut Effects<H, W, E>) {
        effects.push(Effect::Moved { from: Some(self.phase), to: Some(phase) });
        self.phase = phase;
    }
}

fn streams(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
