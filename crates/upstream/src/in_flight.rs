//! What is in flight, counted. A request whose caller has left goes on counting until its end, so that nobody
//! can have more in flight by leaving.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Counts what is in flight.
pub struct InFlight {
    all: AtomicUsize,
    /// Those of them whose callers have left.
    orphans: AtomicUsize,
    /// Told of each change of the count.
    changed: Box<dyn Fn(i64) + Send + Sync>,
    /// Told of each end. All who wait are: one of them may be of a class that may not take it.
    ended: Notify,
}

impl InFlight {
    /// Begins at none; `changed` is told of each change of the count.
    #[must_use]
    pub fn new(changed: impl Fn(i64) + Send + Sync + 'static) -> Arc<Self> {
        let (all, orphans) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { all, orphans, changed: Box::new(changed), ended: Notify::new() })
    }

    /// One more, unless there are `limit`.
    pub fn begin(self: &Arc<Self>, limit: usize) -> Option<Share> {
        let more = |all: usize| (all < limit).then_some(all + 1);
        self.all.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok()?;
        (self.changed)(1);
        Some(Share(Arc::clone(self)))
    }

    /// All.
    #[must_use]
    pub fn count(&self) -> usize {
        self.all.load(Ordering::Acquire)
    }

    /// Waits for one to end, from the moment it is enabled.
    pub fn ended(&self) -> Notified<'_> {
        self.ended.notified()
    }

    /// Lets those who wait look again.
    pub fn wake(&self) {
        self.ended.notify_waiters();
    }

    /// Those whose callers wait.
    #[must_use]
    pub fn awaited(&self) -> usize {
        // An orphan begins to count in all first, and stops last.
        let orphans = self.orphans.load(Ordering::Acquire);
        self.count().saturating_sub(orphans)
    }
}

impl std::fmt::Debug for InFlight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InFlight").field("count", &self.count()).field("awaited", &self.awaited()).finish()
    }
}

/// One in flight. Ends when dropped.
#[derive(Debug)]
pub struct Share(Arc<InFlight>);

impl Share {
    /// The share of the same request when its caller leaves; both count until this one ends.
    pub(super) fn orphan(&self) -> Orphaned {
        let Self(in_flight) = self;
        in_flight.all.fetch_add(1, Ordering::AcqRel);
        (in_flight.changed)(1);
        in_flight.orphans.fetch_add(1, Ordering::AcqRel);
        Orphaned(Self(Arc::clone(in_flight)))
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Self(in_flight) = self;
        in_flight.all.fetch_sub(1, Ordering::AcqRel);
        (in_flight.changed)(-1);
        in_flight.wake();
    }
}

/// One in flight whose caller has left.
#[derive(Debug)]
pub(super) struct Orphaned(Share);

impl Drop for Orphaned {
    fn drop(&mut self) {
        let Share(in_flight) = &self.0;
        in_flight.orphans.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_orphan_holds_its_share_until_its_end() {
        let in_flight = InFlight::new(|_| {});
        let share = in_flight.begin(1).unwrap();
        assert!(in_flight.begin(1).is_none());
        let orphan = share.orphan();
        drop(share);
        assert_eq!((in_flight.count(), in_flight.awaited()), (1, 0));
        assert!(in_flight.begin(1).is_none());
        drop(orphan);
        assert_eq!((in_flight.count(), in_flight.awaited()), (0, 0));
        let _next = in_flight.begin(1).unwrap();
        assert_eq!((in_flight.count(), in_flight.awaited()), (1, 1), "the orphan is forgotten");
    }
}
