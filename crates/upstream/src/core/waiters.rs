//! The requests that wait for a stream of a peer. The interactive go first, and `shares.rs` says who of a class is next.

use std::time::Instant;

use slotmap::SlotMap;

use super::event::{Seniority, StreamAsk};
use super::ring::{Member, Place, Ring};
use super::shares::{GroupId, Shares};
use crate::flow::{Flow, ServiceClass};

slotmap::new_key_type! {
    /// Names one wait. No other wait ever gets the same name.
    pub(crate) struct WaiterId;
}

#[derive(Debug)]
struct Waiter<W> {
    /// How the waiter is told.
    teller: W,
    flow: Flow,
    /// Its flow among those of which somebody waits.
    group: GroupId,
    /// Its place among the waiters of its flow.
    place: Place<WaiterId>,
    since: Instant,
    until: Instant,
    connect_failures: u32,
}

impl<W> Member<WaiterId> for Waiter<W> {
    fn place(&mut self) -> &mut Place<WaiterId> {
        &mut self.place
    }
}

/// The waiters of one peer.
#[derive(Debug)]
pub(super) struct Waiters<W> {
    waiting: SlotMap<WaiterId, Waiter<W>>,
    shares: Shares<Ring<WaiterId>>,
}

impl<W> Default for Waiters<W> {
    fn default() -> Self {
        Self { waiting: SlotMap::with_key(), shares: Shares::default() }
    }
}

impl<W> Waiters<W> {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether somebody of a class waits.
    pub(super) fn any(&self, class: ServiceClass) -> bool {
        self.shares.waiting(class) > 0
    }

    /// About how many streams are granted until somebody of this flow has one who begins to wait now.
    pub(super) fn turns_until(&self, flow: Flow) -> usize {
        self.shares.turns_until(flow)
    }

    /// Of how many parties and flows somebody waits.
    #[cfg(test)]
    pub(super) fn groups(&self) -> usize {
        self.shares.groups()
    }

    pub(super) fn push(&mut self, now: Instant, ask: StreamAsk, teller: W) -> WaiterId {
        let StreamAsk { flow, until, seniority } = ask;
        let (group, place) = (self.shares.join(flow), Place::default());
        let waiter = Waiter { teller, flow, group, place, since: now, until, connect_failures: 0 };
        let id = self.waiting.insert(waiter);
        if let Some(queue) = self.shares.queue(group) {
            match seniority {
                Seniority::New => queue.push_last(id, &mut self.waiting),
                Seniority::Returned => queue.push_first(id, &mut self.waiting),
            }
        }
        id
    }

    /// Removes the next waiter of a class. Those before it whose time is up are removed too, and are handed to `late`.
    pub(super) fn pop(&mut self, now: Instant, class: ServiceClass, mut late: impl FnMut(W)) -> Option<W> {
        loop {
            let flow = self.shares.next(class);
            let id = self.shares.queue(flow)?.first()?;
            // A waiter that is late does not cost its flow the turn.
            let is_late = self.waiting.get(id).is_some_and(|waiter| waiter.until <= now);
            if !is_late {
                self.shares.served(flow);
            }
            let waiter = self.remove(id)?;
            if !is_late {
                return Some(waiter.teller);
            }
            late(waiter.teller);
        }
    }

    /// Whether this one waits.
    pub(super) fn contains(&self, id: WaiterId) -> bool {
        self.waiting.contains_key(id)
    }

    /// Removes a waiter that has not been told anything.
    pub(super) fn leave(&mut self, id: WaiterId) {
        self.remove(id);
    }

    /// Since when the waiter that has waited the longest waits.
    pub(super) fn oldest(&self) -> Option<Instant> {
        let first = |queue: &Ring<WaiterId>| self.waiting.get(queue.first()?);
        self.shares.queues().filter_map(first).map(|waiter| waiter.since).min()
    }

    /// Counts a failed connect for all waiters, and removes those for whom it was one too many.
    pub(super) fn connect_failed(&mut self, patience: u32) -> std::vec::IntoIter<W> {
        for waiter in self.waiting.values_mut() {
            waiter.connect_failures += 1;
        }
        self.remove_where(|waiter| waiter.connect_failures >= patience)
    }

    /// Removes all waiters.
    pub(super) fn remove_all(&mut self) -> std::vec::IntoIter<W> {
        self.remove_where(|_| true)
    }

    /// Removes the waiters of some flows.
    pub(super) fn remove_if(&mut self, of: impl Fn(Flow) -> bool) -> std::vec::IntoIter<W> {
        self.remove_where(|waiter| of(waiter.flow))
    }

    fn remove_where(&mut self, which: impl Fn(&Waiter<W>) -> bool) -> std::vec::IntoIter<W> {
        let ids: Vec<_> = self.waiting.iter().filter(|(_, waiter)| which(waiter)).map(|(id, _)| id).collect();
        let removed: Vec<_> = ids.into_iter().filter_map(|id| self.remove(id)).collect();
        removed.into_iter().map(|waiter| waiter.teller).collect::<Vec<_>>().into_iter()
    }

    fn remove(&mut self, id: WaiterId) -> Option<Waiter<W>> {
        let group = self.waiting.get(id)?.group;
        if let Some(queue) = self.shares.queue(group) {
            queue.remove(id, &mut self.waiting);
        }
        self.shares.left(group);
        self.waiting.remove(id)
    }
}
