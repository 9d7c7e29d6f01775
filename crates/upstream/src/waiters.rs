//! Who waits for a stream of a peer: the interactive first, and within a class each flow in turn.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Flow;
use super::connect_error::ConnectError;
use super::connection::Granted;
use super::error::Unsent;
use crate::ServiceClass;

/// Whether a request comes for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    New,
    /// A connection gave it back. It has waited already, and goes first.
    Returned,
}

pub(super) type Grant = Result<Granted, Unsent>;

pub(super) struct Waiter {
    sender: oneshot::Sender<Grant>,
    since: Instant,
    connect_failures: u32,
}

impl Waiter {
    /// # Errors
    /// Gives the grant back where the waiter has left.
    pub(super) fn grant(self, grant: Grant) -> Result<(), Grant> {
        self.sender.send(grant)
    }
}

/// The waiters of one peer. A waiter leaves by dropping its receiver; its entry is passed over, and swept
/// when such entries are the most.
#[derive(Default)]
pub(super) struct Waiters {
    interactive: Line,
    bulk: Line,
}

impl Waiters {
    /// The live ones, and entries of some that left.
    pub(super) fn len(&self) -> usize {
        self.interactive.len + self.bulk.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether one of this class, or of one that goes first, waits already.
    pub(super) fn is_ahead_of(&self, class: ServiceClass) -> bool {
        match class {
            ServiceClass::Interactive => self.interactive.len > 0,
            ServiceClass::Bulk => !self.is_empty(),
        }
    }

    pub(super) fn push(&mut self, flow: Flow, now: Instant, arrival: Arrival) -> oneshot::Receiver<Grant> {
        let (sender, receiver) = oneshot::channel();
        self.line(flow.class).push(flow.id, Waiter { sender, since: now, connect_failures: 0 }, arrival);
        receiver
    }

    pub(super) fn pop(&mut self, class: ServiceClass) -> Option<Waiter> {
        self.line(class).pop()
    }

    /// Since when the one that waits longest has waited.
    pub(super) fn oldest(&mut self) -> Option<Instant> {
        self.sweep();
        [&self.interactive, &self.bulk].into_iter().filter_map(Line::oldest).min()
    }

    /// Tells all of a failed connect; those for whom it was one too many get the error.
    pub(super) fn connect_failed(&mut self, error: &Arc<ConnectError>, patience: u32) {
        for line in [&mut self.interactive, &mut self.bulk] {
            line.retain(
                |_, waiter| {
                    waiter.connect_failures += 1;
                    waiter.connect_failures < patience
                },
                || Err(Unsent::Unreachable(Arc::clone(error))),
            );
        }
    }

    /// Tells all that connections to the peer may not be made.
    pub(super) fn forbid(&mut self, error: &Arc<ConnectError>) {
        for line in [&mut self.interactive, &mut self.bulk] {
            line.retain(|_, _| false, || Err(Unsent::Forbidden(Arc::clone(error))));
        }
    }

    /// Tells all that nothing more is granted.
    pub(super) fn shut_down(&mut self) {
        for line in [&mut self.interactive, &mut self.bulk] {
            line.retain(|_, _| false, || Err(Unsent::ShuttingDown));
        }
    }

    /// Tells the items of batches that nothing more is granted.
    pub(super) fn shut_down_batches(&mut self) {
        for line in [&mut self.interactive, &mut self.bulk] {
            line.retain(|flow, _| flow == Flow::SINGLE.id, || Err(Unsent::ShuttingDown));
        }
    }

    /// Forgets those that left.
    pub(super) fn sweep(&mut self) {
        for line in [&mut self.interactive, &mut self.bulk] {
            line.retain(|_, _| true, || Err(Unsent::ShuttingDown));
        }
    }

    fn line(&mut self, class: ServiceClass) -> &mut Line {
        match class {
            ServiceClass::Interactive => &mut self.interactive,
            ServiceClass::Bulk => &mut self.bulk,
        }
    }
}

/// One class: flows in turn, each a queue.
#[derive(Default)]
struct Line {
    turn: VecDeque<u64>,
    flows: HashMap<u64, VecDeque<Waiter>>,
    len: usize,
}

impl Line {
    fn push(&mut self, flow: u64, waiter: Waiter, arrival: Arrival) {
        let queue = self.flows.entry(flow).or_default();
        if queue.is_empty() {
            self.turn.push_back(flow);
        }
        match arrival {
            Arrival::New => queue.push_back(waiter),
            Arrival::Returned => queue.push_front(waiter),
        }
        self.len += 1;
    }

    fn pop(&mut self) -> Option<Waiter> {
        while let Some(flow) = self.turn.pop_front() {
            let Some(queue) = self.flows.get_mut(&flow) else { continue };
            let mut found = None;
            while let Some(waiter) = queue.pop_front() {
                self.len -= 1;
                if !waiter.sender.is_closed() {
                    found = Some(waiter);
                    break;
                }
            }
            if queue.is_empty() {
                self.flows.remove(&flow);
            } else {
                self.turn.push_back(flow);
            }
            if found.is_some() {
                return found;
            }
        }
        None
    }

    fn oldest(&self) -> Option<Instant> {
        self.flows.values().filter_map(|queue| queue.front()).map(|waiter| waiter.since).min()
    }

    fn retain(&mut self, mut keep: impl FnMut(u64, &mut Waiter) -> bool, otherwise: impl Fn() -> Grant) {
        let mut len = 0;
        self.flows.retain(|flow, queue| {
            let waiters = std::mem::take(queue);
            for mut waiter in waiters {
                if waiter.sender.is_closed() {
                    continue;
                }
                if keep(*flow, &mut waiter) {
                    queue.push_back(waiter);
                } else {
                    // It left just now: nothing is lost, an error holds no stream.
                    let _ = waiter.grant(otherwise());
                }
            }
            len += queue.len();
            !queue.is_empty()
        });
        self.len = len;
        let flows = &self.flows;
        self.turn.retain(|flow| flows.contains_key(flow));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(class: ServiceClass, id: u64) -> Flow {
        Flow { class, id }
    }

    fn told(receiver: &mut oneshot::Receiver<Grant>) -> bool {
        matches!(receiver.try_recv(), Ok(Err(Unsent::ShuttingDown)))
    }

    #[test]
    fn who_waits_is_ahead_of_its_class_and_of_the_one_that_yields() {
        use ServiceClass::{Bulk, Interactive};
        let ahead = |waiting: &[ServiceClass]| {
            let mut waiters = Waiters::default();
            let _receivers: Vec<_> = waiting
                .iter()
                .map(|class| waiters.push(flow(*class, 1), Instant::now(), Arrival::New))
                .collect();
            [Interactive, Bulk].map(|class| waiters.is_ahead_of(class))
        };
        assert_eq!(ahead(&[]), [false, false]);
        assert_eq!(ahead(&[Bulk]), [false, true]);
        assert_eq!(ahead(&[Interactive]), [true, true]);
    }

    #[test]
    fn flows_of_a_class_take_turns() {
        let mut waiters = Waiters::default();
        let now = Instant::now();
        let mut first: Vec<_> =
            (0..3).map(|_| waiters.push(flow(ServiceClass::Bulk, 1), now, Arrival::New)).collect();
        let mut second: Vec<_> =
            (0..2).map(|_| waiters.push(flow(ServiceClass::Bulk, 2), now, Arrival::New)).collect();
        let mut order = Vec::new();
        while let Some(waiter) = waiters.pop(ServiceClass::Bulk) {
            assert!(waiter.grant(Err(Unsent::ShuttingDown)).is_ok());
            order.extend(first.iter_mut().position(told).map(|_| 1));
            order.extend(second.iter_mut().position(told).map(|_| 2));
        }
        assert_eq!(order, [1, 2, 1, 2, 1]);
        assert!(waiters.is_empty());
    }

    #[test]
    fn what_was_given_back_goes_before_what_never_went() {
        let mut waiters = Waiters::default();
        let now = Instant::now();
        let flow = flow(ServiceClass::Bulk, 1);
        let mut new = waiters.push(flow, now, Arrival::New);
        let mut returned = waiters.push(flow, now, Arrival::Returned);
        assert!(waiters.pop(ServiceClass::Bulk).unwrap().grant(Err(Unsent::ShuttingDown)).is_ok());
        assert!(told(&mut returned) && !told(&mut new));
    }

    #[test]
    fn those_that_left_are_passed_over_and_swept() {
        let mut waiters = Waiters::default();
        let now = Instant::now();
        let left: Vec<_> = (0..1000)
            .map(|id| waiters.push(flow(ServiceClass::Interactive, id % 7), now, Arrival::New))
            .collect();
        let mut stays = waiters.push(flow(ServiceClass::Interactive, 3), now, Arrival::New);
        drop(left);
        assert_eq!(waiters.oldest(), Some(now));
        assert_eq!(waiters.len(), 1);
        assert!(waiters.pop(ServiceClass::Interactive).unwrap().grant(Err(Unsent::ShuttingDown)).is_ok());
        assert!(told(&mut stays));
        assert!(waiters.pop(ServiceClass::Interactive).is_none());
    }

    #[test]
    fn a_waiter_is_told_when_connects_have_failed_too_often() {
        let mut waiters = Waiters::default();
        let mut receiver = waiters.push(flow(ServiceClass::Interactive, 0), Instant::now(), Arrival::New);
        let error = Arc::new(ConnectError::NoAddress { host: "a".into() });
        waiters.connect_failed(&error, 2);
        assert!(receiver.try_recv().is_err());
        waiters.connect_failed(&error, 2);
        assert!(matches!(receiver.try_recv(), Ok(Err(Unsent::Unreachable(_)))));
        assert!(waiters.is_empty());
    }
}
