//! Room: pushes in flight are bounded, and bulk leaves some of it to others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;

use super::window::{Seat, WaitingSetFull};
use crate::push::ServiceClass;
use crate::upstream::{InFlight, Share};

/// Why there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRoom {
    /// `limits.max_in_flight` pushes are in flight.
    Full,
    /// The gateway is shutting down.
    Draining,
}

/// Bounds the pushes in flight.
#[derive(Debug)]
pub struct Admission {
    limit: usize,
    in_flight: Arc<InFlight>,
    draining: AtomicBool,
}

impl Admission {
    /// Room for `limit` pushes, counted in `gauge`.
    #[must_use]
    pub fn new(limit: usize, gauge: Gauge) -> Self {
        Self {
            limit,
            in_flight: InFlight::new(move |change| _ = gauge.inc_by(change)),
            draining: AtomicBool::new(false),
        }
    }

    /// Takes room for one push. Bulk never takes the last fifth.
    ///
    /// # Errors
    /// Where there is no room, or none is given any more.
    pub fn admit(&self, class: ServiceClass) -> Result<Room, NoRoom> {
        if self.is_draining() {
            return Err(NoRoom::Draining);
        }
        let limit = match class {
            ServiceClass::Interactive => self.limit,
            ServiceClass::Bulk => self.limit - self.limit / 5,
        };
        let share = self.in_flight.begin(limit).ok_or(NoRoom::Full)?;
        Ok(Room { share, seat: None })
    }

    /// Takes room for one push, when there is some.
    ///
    /// # Errors
    /// Where none is given any more.
    ///
    /// # Cancel safety
    /// Dropping the future takes nothing.
    pub async fn admitted(&self, class: ServiceClass) -> Result<Room, NoRoom> {
        loop {
            let mut ended = std::pin::pin!(self.in_flight.ended());
            // Before the look, so that room which comes free after it is not missed.
            ended.as_mut().enable();
            match self.admit(class) {
                Ok(room) => return Ok(room),
                Err(NoRoom::Draining) => return Err(NoRoom::Draining),
                Err(NoRoom::Full) => ended.await,
            }
        }
    }

    /// Gives no more room.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
        self.in_flight.wake();
    }

    /// Whether no more room is given.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Waits until nobody waits for a push any more. Only after [`Admission::drain`]: before it, more may come.
    pub async fn idle(&self) {
        loop {
            let mut ended = std::pin::pin!(self.in_flight.ended());
            ended.as_mut().enable();
            if self.in_flight() == 0 {
                return;
            }
            ended.await;
        }
    }

    /// Pushes in flight for which somebody waits.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.awaited()
    }
}

/// Room for one push. Returned when dropped; where its caller leaves when the push is written, when that has
/// its answer.
#[derive(Debug)]
pub struct Room {
    share: Share,
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

    /// What the push takes of what may be in flight.
    pub(super) fn share(&self) -> &Share {
        &self.share
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

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::dispatch::Window;

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
    fn who_waits_for_room_is_told_when_there_is_some_and_when_there_will_be_none() {
        let admission = Admission::new(1, Gauge::default());
        let room = admission.admit(ServiceClass::Interactive).unwrap();
        let mut waits = Box::pin(admission.admitted(ServiceClass::Interactive));
        assert!(waits.as_mut().now_or_never().is_none());
        drop(room);
        let _room = waits.now_or_never().unwrap().unwrap();
        let mut waits = Box::pin(admission.admitted(ServiceClass::Interactive));
        assert!(waits.as_mut().now_or_never().is_none());
        admission.drain();
        assert_eq!(waits.now_or_never().unwrap().unwrap_err(), NoRoom::Draining);
    }

    #[test]
    fn a_drained_gateway_is_idle_when_the_last_push_ends() {
        let admission = Admission::new(1, Gauge::default());
        let room = admission.admit(ServiceClass::Interactive).unwrap();
        admission.drain();
        let mut idle = Box::pin(admission.idle());
        assert!(idle.as_mut().now_or_never().is_none());
        drop(room);
        assert!(idle.now_or_never().is_some());
    }

    #[test]
    fn a_result_holds_the_seat_of_its_item_until_it_is_delivered() {
        let admission = Admission::new(2, Gauge::default());
        let window = Window::new(1, 0);
        let room = || admission.admit(ServiceClass::Interactive).unwrap();
        let seat = window.try_enter().unwrap();
        assert!(room().with_seat(seat).into_result());
        assert!(window.try_enter().is_none());
        window.delivered(1);
        assert!(window.try_enter().is_some());
        assert!(!room().into_result(), "a push that is no item has none");
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
