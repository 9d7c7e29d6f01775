//! The requests that wait for a stream of a peer. The interactive go first, and the flows of a class take turns, in which a
//! flow is given as many streams as its weight says.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use slotmap::SlotMap;

use super::event::{Standing, StreamAsk};
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
    since: Instant,
    until: Instant,
    connect_failures: u32,
}

/// The waiters of one peer. The place of a waiter that left stays in its queue, is passed over, and is swept out when
/// such places are more than the others.
#[derive(Debug)]
pub(super) struct Waiters<W> {
    waiting: SlotMap<WaiterId, Waiter<W>>,
    interactive: Line,
    bulk: Line,
}

impl<W> Default for Waiters<W> {
    fn default() -> Self {
        Self { waiting: SlotMap::with_key(), interactive: Line::default(), bulk: Line::default() }
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
        match class {
            ServiceClass::Interactive => self.interactive.waiting > 0,
            ServiceClass::Bulk => self.bulk.waiting > 0,
        }
    }

    pub(super) fn push(&mut self, now: Instant, ask: StreamAsk, teller: W) -> WaiterId {
        let StreamAsk { flow, until, standing } = ask;
        let id = self.waiting.insert(Waiter { teller, flow, since: now, until, connect_failures: 0 });
        self.line(flow.class).push(flow, id, standing);
        id
    }

    /// Removes the next waiter of a class. Those before it whose time is up are removed too, and are handed to `late`.
    pub(super) fn pop(&mut self, now: Instant, class: ServiceClass, late: impl FnMut(W)) -> Option<W> {
        let Self { waiting, interactive, bulk } = self;
        let line = match class {
            ServiceClass::Interactive => interactive,
            ServiceClass::Bulk => bulk,
        };
        line.pop(now, waiting, late)
    }

    /// Whether this one waits.
    pub(super) fn contains(&self, id: WaiterId) -> bool {
        self.waiting.contains_key(id)
    }

    /// Removes a waiter that has not been told anything.
    pub(super) fn leave(&mut self, id: WaiterId) {
        let Some(waiter) = self.waiting.remove(id) else { return };
        let Self { waiting, interactive, bulk } = self;
        match waiter.flow.class {
            ServiceClass::Interactive => interactive.left(waiting),
            ServiceClass::Bulk => bulk.left(waiting),
        }
    }

    /// Since when the waiter that has waited the longest waits.
    pub(super) fn oldest(&self) -> Option<Instant> {
        [&self.interactive, &self.bulk].into_iter().filter_map(|line| line.oldest(&self.waiting)).min()
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
        let removed: Vec<_> = ids.into_iter().filter_map(|id| self.waiting.remove(id)).collect();
        for line in [&mut self.interactive, &mut self.bulk] {
            line.sweep(&self.waiting);
        }
        removed.into_iter().map(|waiter| waiter.teller).collect::<Vec<_>>().into_iter()
    }

    fn line(&mut self, class: ServiceClass) -> &mut Line {
        match class {
            ServiceClass::Interactive => &mut self.interactive,
            ServiceClass::Bulk => &mut self.bulk,
        }
    }
}

/// The waiters of one class. Each flow has a queue, and the flows take turns.
#[derive(Debug, Default)]
struct Line {
    turn: VecDeque<u64>,
    flows: HashMap<u64, Queue>,
    /// How many wait.
    waiting: usize,
    /// How many places are those of waiters that left.
    empty: usize,
}

/// The waiters of one flow.
#[derive(Debug, Default)]
struct Queue {
    ids: VecDeque<WaiterId>,
    /// How many streams the flow has been given in this turn.
    given: u8,
    weight: u8,
}

/// The places of waiters that left are swept out when they are more than those that wait, and more than this.
const SWEEP_ABOVE: usize = 64;

impl Line {
    fn push(&mut self, flow: Flow, id: WaiterId, standing: Standing) {
        let queue = self.flows.entry(flow.id).or_default();
        queue.weight = flow.weight;
        let queue = &mut queue.ids;
        if queue.is_empty() {
            self.turn.push_back(flow.id);
        }
        match standing {
            Standing::New => queue.push_back(id),
            Standing::Returned => queue.push_front(id),
        }
        self.waiting += 1;
    }

    fn pop<W>(
        &mut self,
        now: Instant,
        waiting: &mut SlotMap<WaiterId, Waiter<W>>,
        mut late: impl FnMut(W),
    ) -> Option<W> {
        while let Some(flow) = self.turn.pop_front() {
            let Some(queue) = self.flows.get_mut(&flow) else { continue };
            let mut found = None;
            while found.is_none()
                && let Some(id) = queue.ids.pop_front()
            {
                match waiting.remove(id) {
                    Some(waiter) => {
                        self.waiting -= 1;
                        // A waiter that is late does not cost its flow the turn.
                        if waiter.until <= now { late(waiter.teller) } else { found = Some(waiter.teller) }
                    }
                    None => self.empty -= 1,
                }
            }
            queue.given += u8::from(found.is_some());
            if queue.ids.is_empty() {
                self.flows.remove(&flow);
            } else if queue.given < queue.weight {
                self.turn.push_front(flow);
            } else {
                queue.given = 0;
                self.turn.push_back(flow);
            }
            if found.is_some() {
                return found;
            }
        }
        None
    }

    fn left<W>(&mut self, waiting: &SlotMap<WaiterId, Waiter<W>>) {
        self.waiting -= 1;
        self.empty += 1;
        if self.empty > self.waiting.max(SWEEP_ABOVE) {
            self.sweep(waiting);
        }
    }

    fn oldest<W>(&self, waiting: &SlotMap<WaiterId, Waiter<W>>) -> Option<Instant> {
        let first = |queue: &Queue| queue.ids.iter().find_map(|id| waiting.get(*id));
        self.flows.values().filter_map(first).map(|waiter| waiter.since).min()
    }

    fn sweep<W>(&mut self, waiting: &SlotMap<WaiterId, Waiter<W>>) {
        self.flows.retain(|_, queue| {
            queue.ids.retain(|id| waiting.contains_key(*id));
            !queue.ids.is_empty()
        });
        let flows = &self.flows;
        self.turn.retain(|flow| flows.contains_key(flow));
        (self.waiting, self.empty) = (flows.values().map(|queue| queue.ids.len()).sum(), 0);
    }
}
