//! Counts the requests in flight.
//!
//! A request whose caller has left goes on counting until its end, so that nobody can have more in flight by leaving.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Counts requests in flight, and bounds them.
///
/// A program has one for each group of requests that has a limit of its own. A request is in flight from
/// [`begin`](Self::begin) until its [`Share`] is dropped, or until the pool is done with it, whichever is later.
pub struct InFlight {
    all: AtomicUsize,
    /// How many of them are requests whose callers have left.
    orphans: AtomicUsize,
    /// It is called with each change of the count.
    changed: Box<dyn Fn(i64) + Send + Sync>,
    /// It wakes those who wait for room. All of them are woken, since the first of them may be one that may not take
    /// the room.
    ended: Notify,
}

impl InFlight {
    /// A counter at 0. `changed` is told each change of the count, 1 or -1, by the thread that changed it.
    #[must_use]
    pub fn new(changed: impl Fn(i64) + Send + Sync + 'static) -> Arc<Self> {
        let (all, orphans) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { all, orphans, changed: Box::new(changed), ended: Notify::new() })
    }

    /// One more request is in flight, unless there are `limit` of them.
    pub fn begin(self: &Arc<Self>, limit: usize) -> Option<Share> {
        let more = |all: usize| (all < limit).then_some(all + 1);
        self.all.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok()?;
        (self.changed)(1);
        Some(Share(Arc::clone(self)))
    }

    /// How many requests are in flight.
    #[must_use]
    pub fn count(&self) -> usize {
        self.all.load(Ordering::Acquire)
    }

    /// Waits until a request ends. It sees the ends from the moment that it was polled or
    /// [enabled](Notified::enable).
    ///
    /// # Cancel safety
    /// When it is dropped, nothing is lost: every end wakes all who wait.
    pub fn ended(&self) -> Notified<'_> {
        self.ended.notified()
    }

    /// Wakes all who wait for an end, so that they look again.
    pub fn wake(&self) {
        self.ended.notify_waiters();
    }

    /// How many requests are in flight whose callers still wait.
    #[must_use]
    pub fn awaited(&self) -> usize {
        // An orphan is counted in `all` before it is counted in `orphans`, and longer.
        let orphans = self.orphans.load(Ordering::Acquire);
        self.count().saturating_sub(orphans)
    }
}

impl std::fmt::Debug for InFlight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InFlight").field("count", &self.count()).field("awaited", &self.awaited()).finish()
    }
}

/// One request in flight. It ends when this is dropped.
#[derive(Debug)]
pub struct Share(Arc<InFlight>);

impl Share {
    /// A share that goes on counting for the same request when its caller leaves. Both count until this one is dropped.
    pub(crate) fn orphan(&self) -> OrphanShare {
        let Self(in_flight) = self;
        in_flight.all.fetch_add(1, Ordering::AcqRel);
        (in_flight.changed)(1);
        in_flight.orphans.fetch_add(1, Ordering::AcqRel);
        OrphanShare(Self(Arc::clone(in_flight)))
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

/// One request in flight whose caller has left. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct OrphanShare(Share);

impl Drop for OrphanShare {
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
