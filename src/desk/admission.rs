//! Admission: bounds the pushes in flight, and keeps a part of the room from bulk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fanfare_upstream::InFlight;
use fanfare_upstream::ServiceClass;
use prometheus_client::metrics::gauge::Gauge;

use crate::dispatch::Room;
use crate::push::{AppId, Reason};
use crate::sharer::{Apps, Sharer};

/// What a caller that found no room is told to wait.
pub(crate) const NO_ROOM_WAIT: Duration = Duration::from_millis(200);

/// Why there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRoom {
    /// `limits.max_in_flight` pushes are in flight.
    Full,
    /// The bytes of callers fill `limits.max_held_bytes`, or those of one caller its share of it.
    OverBudget,
    /// The gateway is shutting down.
    Draining,
    /// The caller is over its rate. Its next turn comes after this wait.
    OverRate(Duration),
}

impl NoRoom {
    /// The same as a code.
    #[must_use]
    pub(crate) fn reason(self) -> Reason {
        match self {
            Self::Full | Self::OverBudget => Reason::Overloaded,
            Self::Draining => Reason::Draining,
            Self::OverRate(_) => Reason::CallerOverRate,
        }
    }

    /// When it is worth trying again; none where this gateway will have no room at all.
    #[must_use]
    pub(crate) fn wait(self) -> Option<Duration> {
        match self {
            Self::Full | Self::OverBudget => Some(NO_ROOM_WAIT),
            Self::Draining => None,
            Self::OverRate(wait) => Some(wait),
        }
    }
}

/// Bounds the pushes in flight.
#[derive(Debug)]
pub struct Admission {
    limit: usize,
    in_flight: Arc<InFlight>,
    draining: AtomicBool,
    apps: Apps,
}

impl Admission {
    /// There is room for `limit` pushes; `gauge` says how many have it.
    #[must_use]
    pub fn new(limit: usize, gauge: Gauge) -> Self {
        Self {
            limit,
            in_flight: InFlight::new(move |change| _ = gauge.inc_by(change)),
            draining: AtomicBool::new(false),
            apps: Apps::default(),
        }
    }

    /// An app as one who shares room and streams with others.
    pub(crate) fn app(&self, app: &AppId) -> Arc<Sharer> {
        self.apps.sharer(app)
    }

    /// Takes room for one push. Bulk never takes the last fifth, so that the interactive find some.
    ///
    /// # Errors
    /// Fails if there is no room, or none is given any more.
    pub fn admit(&self, class: ServiceClass) -> Result<Room, NoRoom> {
        if self.is_draining() {
            return Err(NoRoom::Draining);
        }
        let limit = match class {
            ServiceClass::Interactive => self.limit,
            ServiceClass::Bulk => self.limit - self.limit / 5,
        };
        let share = self.in_flight.begin(limit).ok_or(NoRoom::Full)?;
        Ok(Room::new(share))
    }

    /// Waits until there is room for one push, and takes it.
    ///
    /// # Errors
    /// Fails if none is given any more.
    ///
    /// # Cancel safety
    /// Dropping the future takes nothing.
    pub async fn admitted(&self, class: ServiceClass) -> Result<Room, NoRoom> {
        loop {
            let mut ended = std::pin::pin!(self.in_flight.ended());
            // Enabled before the look, so that room which comes free after it is not missed.
            ended.as_mut().enable();
            match self.admit(class) {
                Ok(room) => return Ok(room),
                Err(NoRoom::Full) => ended.await,
                Err(why @ (NoRoom::Draining | NoRoom::OverBudget | NoRoom::OverRate(_))) => return Err(why),
            }
        }
    }

    /// Gives no more room.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
        self.in_flight.wake();
    }

    /// Whether no more room is given.
    #[must_use]
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Waits until no caller waits for a push; orphans do not count. It is called after [`Admission::drain`]; before
    /// that, more pushes may come.
    pub(crate) async fn idle(&self) {
        loop {
            let mut ended = std::pin::pin!(self.in_flight.ended());
            ended.as_mut().enable();
            if self.in_flight() == 0 {
                return;
            }
            ended.await;
        }
    }

    /// How many pushes are in flight for which somebody waits.
    #[must_use]
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.awaited()
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
        let seat = room().with_seat(window.try_enter().unwrap()).into_seat().unwrap();
        assert_eq!(admission.in_flight(), 0, "a result takes nothing of what may be in flight");
        assert!(seat.hold_until_delivered());
        assert!(window.try_enter().is_none());
        window.delivered(1);
        assert!(window.try_enter().is_some());
        assert!(room().into_seat().is_none(), "a push that is no item has none");
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
