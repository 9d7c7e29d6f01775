//! Who shares streams and room with others: each caller, and each app.

mod pressure;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use fanfare_upstream::{Party, PartyInFlight};

use crate::push::AppId;
use pressure::Pressure;

/// A caller or an app. It is the same one as long as the configuration names it.
#[derive(Debug)]
pub struct Sharer {
    number: u32,
    /// It is none where nobody is there to share room with.
    in_flight: Option<Arc<PartyInFlight>>,
    pressure: Pressure,
}

impl Default for Sharer {
    fn default() -> Self {
        Self { in_flight: Some(Arc::default()), ..Self::alone() }
    }
}

impl Sharer {
    /// One beside whom there is no other: it may take all the room, so what it has in flight is not counted.
    #[must_use]
    pub(crate) fn alone() -> Self {
        // 0 is the number of nobody in particular.
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { number, in_flight: None, pressure: Pressure::default() }
    }

    /// How it shares the streams of a push service.
    #[must_use]
    pub(crate) fn party(&self, weight: u8) -> Party {
        Party { id: self.number, weight }
    }

    /// How many of its pushes are in flight.
    pub(crate) fn in_flight(&self) -> Option<&Arc<PartyInFlight>> {
        self.in_flight.as_ref()
    }

    /// A push of its found room.
    pub(crate) fn admitted(&self) {
        self.pressure.admitted();
    }

    /// A push of its found no room. Returns how long whoever handed it in is told to wait.
    pub(crate) fn refused(&self) -> Duration {
        self.pressure.refused()
    }
}

/// The apps as those who share, by their names. An app that is named again is the same one as long as a push or a route is
/// its.
#[derive(Debug, Default)]
pub(crate) struct Apps(Mutex<HashMap<AppId, Weak<Sharer>>>);

impl Apps {
    pub(crate) fn sharer(&self, app: &AppId) -> Arc<Sharer> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sharer) = known.get(app).and_then(Weak::upgrade) {
            return sharer;
        }
        known.retain(|_, sharer| sharer.strong_count() > 0);
        let sharer = Arc::default();
        known.insert(app.clone(), Arc::downgrade(&sharer));
        sharer
    }
}
