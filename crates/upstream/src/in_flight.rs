//! Counts the requests in flight.
//!
//! A request whose caller has left goes on counting until its end, so that nobody can have more in flight by leaving.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Counts requests in flight, and bounds them.
///
/// A program has one for each group of requests that has a limit of its own. A request is in flight from
/// [`begin`](Self::begin) until its [`Share`] is dropped, or until the pool is done with it, whichever is later.
#[derive(Default)]
pub struct InFlight {
    all: AtomicUsize,
    /// How many of them are requests whose callers have left.
    orphans: AtomicUsize,
    /// It wakes those who wait for room. All of them are woken, since the first of them may be one that may not take
    /// the room.
    ended: Notify,
    /// How many wait for an end. Nobody is woken where there are none, since that takes a lock.
    watchers: AtomicUsize,
}

impl InFlight {
    /// One more request is in flight, unless there are `limit` of them.
    pub fn begin(self: &Arc<Self>, limit: usize) -> Option<Share> {
        let more = |all: usize| (all < limit).then_some(all + 1);
        self.all.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok()?;
        Some(Share { in_flight: Arc::clone(self), parties: [None, None] })
    }

    /// The same for a request of two parties, each of which may have only so many in flight. `most` says how many, and is
    /// told how many places of the limit are free. A party that is none is not counted.
    ///
    /// # Errors
    /// Fails with which of the parties has as many as it may; it is the last where there is no place for anybody.
    pub fn begin_for(
        self: &Arc<Self>,
        limit: usize,
        parties: [Option<&Arc<PartyInFlight>>; 2],
        most: impl FnOnce(usize) -> [usize; 2],
    ) -> Result<Share, usize> {
        // The parties are asked first, since a share that is taken and given back would wake those who wait.
        let [first, second] = parties;
        let free = limit.saturating_sub(self.count());
        if free == 0 {
            return Err(1);
        }
        let [most_of_first, most_of_second] = most(free);
        let begin = |party: Option<&Arc<PartyInFlight>>, most| party.is_none_or(|party| party.begin(most));
        let end = |party: Option<&Arc<PartyInFlight>>| party.into_iter().for_each(|party| party.end());
        if !begin(first, most_of_first) {
            return Err(0);
        }
        if !begin(second, most_of_second) {
            end(first);
            return Err(1);
        }
        let Some(mut share) = self.begin(limit) else {
            end(first);
            end(second);
            return Err(1);
        };
        share.parties = parties.map(Option::<&_>::cloned);
        Ok(share)
    }

    /// How many requests are in flight.
    #[must_use]
    pub fn count(&self) -> usize {
        self.all.load(Ordering::Acquire)
    }

    /// Watches for requests that end.
    pub fn watch(&self) -> EndWatch<'_> {
        self.watchers.fetch_add(1, Ordering::SeqCst);
        EndWatch(self)
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

/// Sees the ends of requests, as long as it is held.
pub struct EndWatch<'a>(&'a InFlight);

impl EndWatch<'_> {
    /// Waits until a request ends. It sees the ends from the moment that it was polled or
    /// [enabled](Notified::enable). Whoever has enabled it looks at the counts by [`look`](Self::look).
    ///
    /// # Cancel safety
    /// When it is dropped, nothing is lost: every end wakes all who wait.
    pub fn ended(&self) -> Notified<'_> {
        self.0.ended.notified()
    }

    /// Looks at counts. What ends before the look is seen by it, and what ends after it wakes whoever has enabled
    /// [`ended`](Self::ended) before.
    pub fn look<T>(&self, look: impl FnOnce() -> T) -> T {
        // Whoever ends a request counts that first and then looks for watchers; a watcher is counted first and then looks
        // at the counts. With all four in one order, one of them sees the other.
        fence(Ordering::SeqCst);
        look()
    }
}

impl Drop for EndWatch<'_> {
    fn drop(&mut self) {
        self.0.watchers.fetch_sub(1, Ordering::SeqCst);
    }
}

impl std::fmt::Debug for InFlight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InFlight").field("count", &self.count()).field("awaited", &self.awaited()).finish()
    }
}

/// How many requests of one party are in flight.
#[derive(Debug, Default)]
pub struct PartyInFlight(AtomicUsize);

impl PartyInFlight {
    /// How many requests of the party are in flight.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }

    fn begin(&self, limit: usize) -> bool {
        let more = |count: usize| (count < limit).then_some(count + 1);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_ok()
    }

    fn end(&self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// One request in flight. It ends when this is dropped.
#[derive(Debug)]
pub struct Share {
    in_flight: Arc<InFlight>,
    /// Whose request it is, where parties are counted.
    parties: [Option<Arc<PartyInFlight>>; 2],
}

impl Share {
    /// A share that goes on counting for the same request when its caller leaves. Both count until this one is dropped.
    pub(crate) fn orphan(&self) -> OrphanShare {
        let Self { in_flight, parties } = self;
        in_flight.all.fetch_add(1, Ordering::AcqRel);
        in_flight.orphans.fetch_add(1, Ordering::AcqRel);
        for party in parties.iter().flatten() {
            party.0.fetch_add(1, Ordering::AcqRel);
        }
        OrphanShare(Self { in_flight: Arc::clone(in_flight), parties: parties.clone() })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Self { in_flight, parties } = self;
        for party in parties.iter().flatten() {
            party.end();
        }
        in_flight.all.fetch_sub(1, Ordering::SeqCst);
        if in_flight.watchers.load(Ordering::SeqCst) > 0 {
            in_flight.wake();
        }
    }
}

/// One request in flight whose caller has left. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct OrphanShare(Share);

impl Drop for OrphanShare {
    fn drop(&mut self) {
        let Self(share) = self;
        share.in_flight.orphans.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_orphan_holds_its_share_until_its_end() {
        let in_flight = Arc::<InFlight>::default();
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

    #[test]
    fn a_party_has_as_many_as_it_may_and_its_orphans_count() {
        let in_flight = Arc::<InFlight>::default();
        let [caller, app, other] = [(); 3].map(|()| Arc::<PartyInFlight>::default());
        let begin = |app, most: [usize; 2]| in_flight.begin_for(3, [Some(&caller), Some(app)], |_| most);
        let share = begin(&app, [9, 1]).unwrap();
        assert_eq!(begin(&app, [9, 1]).unwrap_err(), 1, "the app has one");
        assert_eq!(begin(&other, [1, 9]).unwrap_err(), 0, "the caller has one");
        let orphan = share.orphan();
        drop(share);
        assert_eq!((caller.count(), app.count(), other.count()), (1, 1, 0));
        let _two = [begin(&other, [9, 9]).unwrap(), begin(&other, [9, 9]).unwrap()];
        assert_eq!(begin(&app, [9, 9]).unwrap_err(), 1, "there is no place for anybody");
        drop(orphan);
        assert_eq!((caller.count(), app.count(), in_flight.count()), (2, 0, 2));
    }
}
