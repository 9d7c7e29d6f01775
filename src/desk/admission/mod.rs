//! Admission: bounds the pushes in flight, and keeps one app or caller from taking the room of the others.
//!
//! An app may take room while it holds less than some times what is free, and so may a caller. So the room that is left
//! shrinks as it is taken, whoever takes it leaves some for those who hold little, and nothing is kept free for those who
//! do not come. Source: Choudhury and Hahne, "Dynamic queue length thresholds for shared-memory packet switches", IEEE/ACM
//! Transactions on Networking 6 (2), 1998.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use fanfare_upstream::{InFlight, ServiceClass};

use crate::dispatch::Room;
use crate::push::{AppId, Reason};
use crate::sharer::{Apps, Sharer};

/// What a caller is told to wait that found no room for its connection, streams or bytes.
pub(crate) const NO_ROOM_WAIT: Duration = Duration::from_millis(200);

/// An app may take room for a bulk push while it holds less than so many times what is free. One that comes alone takes four
/// fifths.
const BULK: usize = 4;

/// The same for interactive pushes.
const INTERACTIVE: usize = 16;

/// A caller may hold so many times as much as one app, so that an app of its that holds what it may leaves room for its
/// other apps.
const OF_CALLER: usize = 4;

/// Whoever waits for room looks again at most so often. Others may end many pushes meanwhile, and most of them leave nothing
/// for one who holds a lot.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Why there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRoom {
    /// `limits.max_in_flight` pushes are in flight, or the caller or the app has its share of them. There may be room after
    /// this wait.
    Full(Duration),
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
            Self::Full(_) | Self::OverBudget => Reason::Overloaded,
            Self::Draining => Reason::Draining,
            Self::OverRate(_) => Reason::CallerOverRate,
        }
    }

    /// When it is worth trying again; none where this gateway will have no room at all.
    #[must_use]
    pub(crate) fn wait(self) -> Option<Duration> {
        match self {
            Self::OverBudget => Some(NO_ROOM_WAIT),
            Self::Draining => None,
            Self::Full(wait) | Self::OverRate(wait) => Some(wait),
        }
    }
}

/// Why a push is not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unadmitted {
    /// Its caller holds as much as it may.
    CallerFull,
    /// Its app holds as much as it may, or there is no room for anybody.
    AppFull,
    /// No more room is given.
    Draining,
}

impl Unadmitted {
    /// The same for whoever handed the push in, with a wait that grows while the caller or the app is refused.
    #[must_use]
    pub(super) fn told(self, [caller, app]: [&Sharer; 2]) -> NoRoom {
        match self {
            Self::CallerFull => NoRoom::Full(caller.refused()),
            Self::AppFull => NoRoom::Full(app.refused()),
            Self::Draining => NoRoom::Draining,
        }
    }
}

/// Bounds the pushes in flight.
#[derive(Debug)]
pub struct Admission {
    limit: AtomicUsize,
    in_flight: Arc<InFlight>,
    draining: AtomicBool,
    apps: Apps,
}

impl Admission {
    /// There is room for `limit` pushes, which `in_flight` counts.
    #[must_use]
    pub fn new(limit: usize, in_flight: Arc<InFlight>) -> Self {
        let (draining, apps) = Default::default();
        Self { limit: AtomicUsize::new(limit), in_flight, draining, apps }
    }

    /// Has room for `limit` pushes from now on. Those above it that are in flight stay so.
    pub(crate) fn resize(&self, limit: usize) {
        self.limit.store(limit, Ordering::Relaxed);
        // Whoever waits for room may find it now.
        self.in_flight.wake();
    }

    /// An app as one who shares room and streams with others.
    pub(crate) fn app(&self, app: &AppId) -> Arc<Sharer> {
        self.apps.sharer(app)
    }

    /// Takes room for one push of a caller and an app.
    ///
    /// # Errors
    /// Fails if there is no room, or none is given any more.
    pub fn admit(&self, class: ServiceClass, [caller, app]: [&Sharer; 2]) -> Result<Room, Unadmitted> {
        if self.is_draining() {
            return Err(Unadmitted::Draining);
        }
        let limit = self.limit.load(Ordering::Relaxed);
        let share = self.in_flight.begin_for(limit, [caller.in_flight(), app.in_flight()], |free| {
            let of_app = free.saturating_mul(match class {
                ServiceClass::Interactive => INTERACTIVE,
                ServiceClass::Bulk => BULK,
            });
            [of_app.saturating_mul(OF_CALLER), of_app]
        });
        match share {
            Ok(share) => {
                caller.admitted();
                app.admitted();
                Ok(Room::new(share))
            }
            Err(0) => Err(Unadmitted::CallerFull),
            Err(_) => Err(Unadmitted::AppFull),
        }
    }

    /// Waits until there is room for one push, and takes it. `None` says that none is given any more.
    ///
    /// # Cancel safety
    /// Dropping the future takes nothing.
    pub async fn admitted(&self, class: ServiceClass, sharers: [&Sharer; 2]) -> Option<Room> {
        let (ends, mut looked_again) = (self.in_flight.watch(), false);
        loop {
            let mut ended = std::pin::pin!(ends.ended());
            // Enabled before the look, so that room which comes free after it is not missed.
            ended.as_mut().enable();
            match ends.look(|| self.admit(class, sharers)) {
                Ok(room) => return Some(room),
                Err(Unadmitted::Draining) => return None,
                Err(Unadmitted::CallerFull | Unadmitted::AppFull) => ended.await,
            }
            if std::mem::replace(&mut looked_again, true) {
                tokio::time::sleep(LOOK_AGAIN).await;
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
        let ends = self.in_flight.watch();
        loop {
            let mut ended = std::pin::pin!(ends.ended());
            ended.as_mut().enable();
            if ends.look(|| self.in_flight()) == 0 {
                return;
            }
            ended.await;
        }
    }

    /// How many pushes may be in flight.
    #[must_use]
    pub(crate) fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// How many pushes are in flight for which somebody waits.
    #[must_use]
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.awaited()
    }
}

#[cfg(test)]
mod tests;
