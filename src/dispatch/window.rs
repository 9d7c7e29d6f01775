//! The window of one batch: it bounds the items in flight together with the results that are not delivered yet. An
//! item that waits long for its next attempt makes room for others.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::metrics::{BatchMetrics, OpenBatch};

/// An item that waits longer than this leaves the window meanwhile.
const LONG: Duration = Duration::from_secs(1);

/// The seats of one batch, and its waiting set.
#[derive(Debug)]
pub(crate) struct Window {
    seats: Arc<Semaphore>,
    /// How many seats there are.
    most: usize,
    waiting: AtomicUsize,
    most_waiting: usize,
}

impl Window {
    /// A window of `seats` items, beside which `most_waiting` items may wait for their next attempt.
    #[must_use]
    pub(crate) fn new(seats: usize, most_waiting: usize) -> Arc<Self> {
        let most = seats.min(u32::MAX as usize);
        let (seats, waiting) = (Arc::new(Semaphore::new(most)), AtomicUsize::new(0));
        Arc::new(Self { seats, most, waiting, most_waiting })
    }

    /// Has metrics show how full it is, until what is returned is dropped.
    pub(crate) fn shown_by(&self, metrics: &BatchMetrics) -> OpenBatch {
        metrics.open(&self.seats, self.most)
    }

    /// A seat, where one is free.
    #[must_use]
    pub(crate) fn try_enter(self: &Arc<Self>) -> Option<Seat> {
        let permit = Arc::clone(&self.seats).try_acquire_owned().ok()?;
        Some(Seat { window: Arc::clone(self), permit: Some(permit) })
    }

    /// The next free seat. Items that come back from a long wait are served in turn with new ones.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the place in the line.
    pub(crate) async fn enter(self: &Arc<Self>) -> Seat {
        // The semaphore is never closed.
        let permit = Arc::clone(&self.seats).acquire_owned().await.ok();
        Seat { window: Arc::clone(self), permit }
    }

    /// So many results were delivered, and their seats return.
    pub(crate) fn delivered(&self, results: usize) {
        self.seats.add_permits(results);
    }
}

/// One item's place in its window.
#[derive(Debug)]
pub(crate) struct Seat {
    window: Arc<Window>,
    permit: Option<OwnedSemaphorePermit>,
}

/// An item may not wait that long, since the waiting set is full.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WaitingSetFull;

impl Seat {
    /// Waits between two attempts. A long wait leaves the window and joins the waiting set.
    ///
    /// # Errors
    /// Fails if the waiting set is full. Then it did not wait.
    pub(super) async fn wait(&mut self, wait: Duration) -> Result<(), WaitingSetFull> {
        if wait <= LONG {
            tokio::time::sleep(wait).await;
            return Ok(());
        }
        let waiting = Waiting::join(&self.window).ok_or(WaitingSetFull)?;
        self.permit = None;
        tokio::time::sleep(wait).await;
        *self = self.window.enter().await;
        drop(waiting);
        Ok(())
    }

    /// Holds the seat for the item's result until [`Window::delivered`] returns it. False where the item has no seat,
    /// since its deadline ended a long wait.
    #[must_use]
    pub(crate) fn hold_until_delivered(self) -> bool {
        self.permit.map(OwnedSemaphorePermit::forget).is_some()
    }
}

/// A place in the waiting set.
struct Waiting(Arc<Window>);

impl Waiting {
    fn join(window: &Arc<Window>) -> Option<Self> {
        let most = window.most_waiting;
        let join = |waiting: usize| (waiting < most).then_some(waiting + 1);
        window.waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, join).ok()?;
        Some(Self(Arc::clone(window)))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_long_wait_makes_room_and_comes_back_in_turn() {
        let window = Window::new(1, 1);
        let mut first = window.try_enter().unwrap();
        assert!(window.try_enter().is_none());
        let waits = tokio::spawn(async move {
            first.wait(Duration::from_secs(5)).await.unwrap();
            first
        });
        let second = window.enter().await;
        tokio::time::advance(Duration::from_secs(6)).await;
        assert!(!waits.is_finished());
        // The result of the second is delivered: its seat goes to the first.
        assert!(second.hold_until_delivered());
        window.delivered(1);
        let first = waits.await.unwrap();
        assert!(window.try_enter().is_none());
        drop(first);
        assert!(window.try_enter().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_wait_keeps_its_seat_and_a_full_set_takes_no_more() {
        let window = Window::new(3, 1);
        let mut seats: Vec<_> = (0..3).filter_map(|_| window.try_enter()).collect();
        seats[0].wait(Duration::from_millis(1)).await.unwrap();
        assert!(window.try_enter().is_none());
        let mut leaves = seats.remove(0);
        let waits = tokio::spawn(async move { leaves.wait(Duration::from_secs(5)).await });
        tokio::task::yield_now().await;
        assert_eq!(seats[0].wait(Duration::from_secs(5)).await, Err(WaitingSetFull));
        waits.await.unwrap().unwrap();
        seats[0].wait(Duration::from_secs(5)).await.unwrap();
    }
}
