//! Room: pushes in flight are bounded, and bulk leaves some of it to others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::Notify;

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
}

impl Admission {
    /// Room for `limit` pushes, counted in `gauge`.
    #[must_use]
    pub fn new(limit: usize, gauge: Gauge) -> Arc<Self> {
        let in_flight = AtomicUsize::new(0);
        let draining = AtomicBool::new(false);
        Arc::new(Self { limit, in_flight, draining, gauge, idle: Notify::new() })
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
        if self.in_flight.fetch_add(1, Ordering::AcqRel) >= limit {
            self.in_flight.fetch_sub(1, Ordering::AcqRel);
            return Err(NoRoom::Full);
        }
        self.gauge.inc();
        Ok(Room(Arc::clone(self)))
    }

    /// Gives no more room.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
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
pub struct Room(Arc<Admission>);

impl Drop for Room {
    fn drop(&mut self) {
        let last = self.0.in_flight.fetch_sub(1, Ordering::AcqRel) == 1;
        self.0.gauge.dec();
        if last && self.0.is_draining() {
            self.0.idle.notify_waiters();
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
