//! Room: pushes in flight are bounded, and bulk leaves some of it to others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::Notify;

use super::window::{Seat, WaitingSetFull};
use crate::push::ServiceClass;

/// Why there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRoom {
    /// `limits.max_in_flight` pushes are in flight.
    Full,
    /// The gateway is shutting down.
    Draining,
}

/// Counts the pushes in flight.
#[derive(Debug)]
pub struct Admission {
    limit: usize,
    in_flight: AtomicUsize,
    draining: AtomicBool,
    gauge: Gauge,
    /// Told when a draining gateway has nothing in flight any more.
    idle: Notify,
    /// Told when room comes free. All who wait are: one of them may be of a class that may not take it.
    freed: Notify,
}

impl Admission {
    /// Room for `limit` pushes, counted in `gauge`.
    #[must_use]
    pub fn new(limit: usize, gauge: Gauge) -> Arc<Self> {
        let in_flight = AtomicUsize::new(0);
        let draining = AtomicBool::new(false);
        Arc::new(Self { limit, in_flight, draining, gauge, idle: Notify::new(), freed: Notify::new() })
    }

    /// Takes room for one push. Bulk never takes the last fifth.
    ///
    /// # Errors
    /// Where there is no room, or none is given any more.
    pub fn admit(self: &Arc<Self>, class: ServiceClass) -> Result<Room, NoRoom> {
        if self.draining.load(Ordering::Acquire) {
            return Err(NoRoom::Draining);
        }
        let limit = match class {
            ServiceClass::Interactive => self.limit,
            ServiceClass::Bulk => self.limit - self.limit / 5,
        };
        let more = |in_flight: usize| (in_flight < limit).then_some(in_flight + 1);
        if self.in_flight.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_err() {
            return Err(NoRoom::Full);
        }
        self.gauge.inc();
        Ok(Room { admission: Arc::clone(self), seat: None })
    }

    /// Takes room for one push, when there is some.
    ///
    /// # Errors
    /// Where none is given any more.
    ///
    /// # Cancel safety
    /// Dropping the future takes nothing.
    pub async fn admitted(self: &Arc<Self>, class: ServiceClass) -> Result<Room, NoRoom> {
        loop {
            let freed = self.freed.notified();
            let mut freed = std::pin::pin!(freed);
            // Before the look, so that room which comes free after it is not missed.
            freed.as_mut().enable();
            match self.admit(class) {
                Ok(room) => return Ok(room),
                Err(NoRoom::Draining) => return Err(NoRoom::Draining),
                Err(NoRoom::Full) => freed.await,
            }
        }
    }

    /// Gives no more room.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
        self.freed.notify_waiters();
    }

    /// Whether no more room is given.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Waits until nothing is in flight. Only after [`Admission::drain`]: before it, more may come.
    pub async fn idle(&self) {
        loop {
            let told = self.idle.notified();
            if self.in_flight() == 0 {
                return;
            }
            told.await;
        }
    }

    /// Pushes in flight.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Acquire)
    }
}

/// Room for one push. Returned when dropped.
#[derive(Debug)]
pub struct Room {
    admission: Arc<Admission>,
    /// Of an item of a batch.
    seat: Option<Seat>,
}

impl Room {
    /// The room of an item of a batch, with its place in the stream's window.
    #[must_use]
    pub fn with_seat(mut self, seat: Seat) -> Self {
        self.seat = Some(seat);
        self
    }

    /// Waits between two attempts.
    ///
    /// # Errors
    /// Where an item of a batch would have to join a full waiting set; nothing was waited.
    pub(super) async fn wait(&mut self, wait: Duration) -> Result<(), WaitingSetFull> {
        match &mut self.seat {
            Some(seat) => seat.wait(wait).await,
            None => {
                tokio::time::sleep(wait).await;
                Ok(())
            }
        }
    }

    /// The item has its result, which holds the seat until it is delivered; false where there is none to hold.
    pub fn into_result(mut self) -> bool {
        self.seat.take().is_some_and(Seat::into_result)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let last = self.admission.in_flight.fetch_sub(1, Ordering::AcqRel) == 1;
        self.admission.gauge.dec();
        self.admission.freed.notify_waiters();
        if last && self.admission.is_draining() {
            self.admission.idle.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bulk_leaves_a_fifth_to_others() {
        let admission = Admission::new(10, Gauge::default());
        let bulk: Vec<_> = std::iter::from_fn(|| admission.admit(ServiceClass::Bulk).ok()).collect();
        let interactive: Vec<_> =
            std::iter::from_fn(|| admission.admit(ServiceClass::Interactive).ok()).collect();
        assert_eq!((bulk.len(), interactive.len()), (8, 2));
        assert_eq!(admission.admit(ServiceClass::Interactive).unwrap_err(), NoRoom::Full);
        drop((bulk, interactive));
        assert_eq!(admission.in_flight(), 0);
    }

    #[test]
    fn a_draining_gateway_admits_nothing() {
        let admission = Admission::new(10, Gauge::default());
        let room = admission.admit(ServiceClass::Interactive).unwrap();
        admission.drain();
        assert_eq!(admission.admit(ServiceClass::Interactive).unwrap_err(), NoRoom::Draining);
        assert_eq!(admission.in_flight(), 1);
        drop(room);
    }
}
