//! The connections of one peer: which takes the next stream, and how each of them ends.

use std::time::Instant;

use super::event::{ConnectionId, Effect, Effects, Grant};
use super::phase::Phase;
use crate::cause::EndCause;
use crate::flow::ServiceClass;

#[derive(Debug)]
pub(super) struct Connection<H> {
    pub(super) id: ConnectionId,
    /// None while it drains: its task ends when the last clone is gone.
    pub(super) handle: Option<H>,
    pub(super) phase: Phase,
    /// It brought a good answer.
    pub(super) proven: bool,
    /// Why it drains.
    pub(super) ending: Option<EndCause>,
    /// It drains as soon as another is open.
    pub(super) old: bool,
    pub(super) used: usize,
    pub(super) limit: usize,
    /// When the peer last lowered the limit, where it did not raise it since.
    pub(super) limit_fell: Option<Instant>,
}

/// What was known of a connection when it ended, or began to.
pub(super) struct Ended {
    /// It brought no good answer, and this is the first that is seen of its end.
    pub(super) ended_unproven: bool,
    /// It has streams in use.
    pub(super) busy: bool,
}

/// All of them. There are few, so that they are searched one by one.
#[derive(Debug)]
pub(super) struct Connections<H> {
    all: Vec<Connection<H>>,
}

impl<H> Default for Connections<H> {
    fn default() -> Self {
        Self { all: Vec::new() }
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
        self.all.push(Connection {
            id,
            handle: Some(handle),
            phase,
            proven: false,
            ending: None,
            old: false,
            used: 0,
            limit,
            limit_fell: None,
        });
        effects.push(Effect::Moved { from: None, to: Some(phase) });
        effects.push(Effect::Allowed(streams(limit)));
    }

    /// Fills one connection before it spreads to the next, so that writes gather: the fullest with room takes the next
    /// stream, the old ones last. Bulk never takes the last fifth of the peer's streams.
    fn pick(&self, class: ServiceClass) -> Option<usize> {
        if class == ServiceClass::Bulk {
            let limit: usize = self.live().map(|it| it.limit).sum();
            let used: usize = self.live().map(|it| it.used).sum();
            if used >= limit - limit / 5 {
                return None;
            }
        }
        let with_room =
            self.all.iter().enumerate().filter(|(_, it)| it.phase != Phase::Draining && it.used < it.limit);
        with_room.max_by_key(|(_, it)| (!it.old, it.used)).map(|(at, _)| at)
    }

    /// Takes a stream, where there is one.
    pub(super) fn take(&mut self, class: ServiceClass) -> Option<Grant<H>> {
        let at = self.pick(class)?;
        let it = self.all.get_mut(at)?;
        let handle = it.handle.clone()?;
        it.used += 1;
        Some(Grant { connection: it.id, handle })
    }

    pub(super) fn give_back(&mut self, id: ConnectionId) {
        if let Some(it) = self.find(id) {
            debug_assert!(it.used > 0, "a grant came back twice");
            it.used = it.used.saturating_sub(1);
        }
    }

    pub(super) fn proven<W, E>(&mut self, id: ConnectionId, effects: &mut Effects<H, W, E>) {
        if let Some(it) = self.find(id) {
            it.proven = true;
            if it.phase == Phase::Warming {
                it.enter(Phase::Open, effects);
            }
        }
    }

    pub(super) fn set_limit<W, E>(
        &mut self,
        now: Instant,
        id: ConnectionId,
        limit: usize,
        effects: &mut Effects<H, W, E>,
    ) {
        let Some(it) = self.find(id) else { return };
        effects.push(Effect::Allowed(streams(limit) - streams(it.limit)));
        if limit < it.limit {
            it.limit_fell = Some(now);
        } else if limit > it.limit {
            it.limit_fell = None;
        }
        it.limit = limit;
    }

    /// Marks a connection as old; false where it was already, or is not there.
    pub(super) fn age(&mut self, id: ConnectionId) -> bool {
        self.find(id).is_some_and(|it| !std::mem::replace(&mut it.old, true))
    }

    /// The old connections, where another is open to take their streams.
    pub(super) fn replaced(&self) -> Vec<ConnectionId> {
        if !self.all.iter().any(|it| it.phase == Phase::Open && !it.old) {
            return Vec::new();
        }
        self.live().filter(|it| it.old).map(|it| it.id).collect()
    }

    /// Lets a connection take no new streams; None where it drains already, or is not there.
    pub(super) fn drain<W, E>(
        &mut self,
        id: ConnectionId,
        why: EndCause,
        effects: &mut Effects<H, W, E>,
    ) -> Option<Ended> {
        let it = self.find(id).filter(|it| it.phase != Phase::Draining)?;
        it.enter(Phase::Draining, effects);
        it.ending = Some(why);
        if let Some(handle) = it.handle.take() {
            effects.push(Effect::Retire { connection: id, why, handle });
        }
        Some(Ended { ended_unproven: !it.proven, busy: it.used > 0 })
    }

    /// Forgets a connection whose task has ended for `why`.
    pub(super) fn remove<W, E>(
        &mut self,
        id: ConnectionId,
        why: EndCause,
        effects: &mut Effects<H, W, E>,
    ) -> Option<Ended> {
        let at = self.all.iter().position(|it| it.id == id)?;
        let it = self.all.swap_remove(at);
        effects.push(Effect::Moved { from: Some(it.phase), to: None });
        effects.push(Effect::Allowed(-streams(it.limit)));
        // What began the end is its cause, unless that was a stream which only saw it.
        let why = it.ending.filter(|first| *first != EndCause::Lost).unwrap_or(why);
        effects.push(Effect::Closed { connection: id, why, handle: it.handle });
        Some(Ended { ended_unproven: it.phase != Phase::Draining && !it.proven, busy: it.used > 0 })
    }

    pub(super) fn in_use(&self, id: ConnectionId) -> usize {
        self.all.iter().find(|it| it.id == id).map_or(0, |it| it.used)
    }

    pub(super) fn any_in_use(&self) -> bool {
        self.all.iter().any(|it| it.used > 0)
    }

    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    pub(super) fn ids(&self) -> Vec<ConnectionId> {
        self.all.iter().map(|it| it.id).collect()
    }

    /// Those that take streams.
    pub(super) fn live(&self) -> impl Iterator<Item = &Connection<H>> {
        self.all.iter().filter(|it| it.phase != Phase::Draining)
    }

    /// How many take streams.
    pub(super) fn live_count(&self) -> usize {
        self.live().count()
    }

    fn find(&mut self, id: ConnectionId) -> Option<&mut Connection<H>> {
        self.all.iter_mut().find(|it| it.id == id)
    }
}

impl<H> Connection<H> {
    fn enter<W, E>(&mut self, phase: Phase, effects: &mut Effects<H, W, E>) {
        effects.push(Effect::Moved { from: Some(self.phase), to: Some(phase) });
        self.phase = phase;
    }
}

fn streams(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
