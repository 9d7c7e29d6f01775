//! Bounds the connections to many peers together. A peer that needs one more waits until a connection to any of them
//! closes, and connections without streams close for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Places for connections, over many peers.
#[derive(Debug)]
pub(crate) struct Budget {
    places: Arc<Semaphore>,
    /// How many connects wait for a place.
    waiting: AtomicUsize,
    /// How many connections are closing for them.
    giving_way: AtomicUsize,
}

impl Budget {
    pub(crate) fn new(places: usize) -> Arc<Self> {
        let places = Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS)));
        Arc::new(Self { places, waiting: AtomicUsize::new(0), giving_way: AtomicUsize::new(0) })
    }

    /// Takes a place, where one is free.
    pub(crate) fn try_take(self: &Arc<Self>) -> Option<ConnectionPlace> {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(self.place(Some(permit)))
    }

    /// Waits for a place. Those who asked first get theirs first.
    ///
    /// # Cancel safety
    /// When the future is dropped, it takes no place.
    pub(crate) async fn take(self: &Arc<Self>) -> ConnectionPlace {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = PlaceWait(self);
        // The semaphore is never closed, so that there is a permit.
        let permit = Arc::clone(&self.places).acquire_owned().await.ok();
        self.place(permit)
    }

    fn place(self: &Arc<Self>, permit: Option<OwnedSemaphorePermit>) -> ConnectionPlace {
        ConnectionPlace { budget: Arc::clone(self), gives_way: false, share: None, _permit: permit }
    }
}

/// Counts a wait for a place until it ends.
struct PlaceWait<'a>(&'a Budget);

impl Drop for PlaceWait<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The place of one connection. It returns when it is dropped.
#[derive(Debug)]
pub(crate) struct ConnectionPlace {
    budget: Arc<Budget>,
    gives_way: bool,
    /// The place in a narrower budget, where the connection counts in two.
    share: Option<Box<ConnectionPlace>>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl ConnectionPlace {
    /// The place of a connection that counts in a narrower budget too.
    pub(crate) fn within(mut self, share: Self) -> Self {
        self.share = Some(Box::new(share));
        self
    }

    /// Tells a connection without streams whether it is to close for a connect that waits. One connection closes for
    /// each.
    pub(crate) fn gives_way(&mut self) -> bool {
        let waiting = self.budget.waiting.load(Ordering::Relaxed);
        let one_more = |giving: usize| (giving < waiting).then_some(giving + 1);
        if self.share.as_mut().is_some_and(|share| share.gives_way()) {
            return true;
        }
        let gives = !self.gives_way
            && self.budget.giving_way.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok();
        self.gives_way |= gives;
        gives
    }
}

impl Drop for ConnectionPlace {
    fn drop(&mut self) {
        if self.gives_way {
            self.budget.giving_way.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn one_gives_way_to_each_that_waits() {
        let budget = Budget::new(3);
        let mut places: Vec<_> = std::iter::from_fn(|| budget.try_take()).collect();
        assert_eq!(places.len(), 3);
        assert!(!places[0].gives_way(), "nobody waits");

        let mut waits = Box::pin(budget.take());
        assert!(waits.as_mut().now_or_never().is_none());
        assert_eq!(places.iter_mut().filter_map(|place| place.gives_way().then_some(())).count(), 1);
        assert!(!places.iter_mut().any(ConnectionPlace::gives_way), "one is on its way");
        places.retain(|place| !place.gives_way);
        assert!(waits.as_mut().now_or_never().is_some());
        assert!(!places.iter_mut().any(ConnectionPlace::gives_way), "nobody waits any more");
    }

    #[test]
    fn who_waits_later_is_given_way_to_as_well() {
        let budget = Budget::new(1);
        for _ in 0..2 {
            let mut place = budget.try_take().unwrap();
            let mut waits = Box::pin(budget.take());
            assert!(waits.as_mut().now_or_never().is_none());
            assert!(place.gives_way());
            drop(place);
            assert!(waits.as_mut().now_or_never().is_some());
        }
    }

    #[test]
    fn a_place_that_counts_twice_gives_way_in_each_of_the_two() {
        let (all, share) = (Budget::new(2), Budget::new(1));
        let mut place = all.try_take().unwrap().within(share.try_take().unwrap());
        assert!(!place.gives_way(), "nobody waits");
        let mut waits = Box::pin(share.take());
        assert!(waits.as_mut().now_or_never().is_none());
        assert!(place.gives_way());
        drop(place);
        assert!(waits.as_mut().now_or_never().is_some());
        let mut place = all.try_take().unwrap().within(share.try_take().unwrap());
        let _other = all.try_take().unwrap();
        let mut waits = Box::pin(all.take());
        assert!(waits.as_mut().now_or_never().is_none());
        assert!(place.gives_way());
    }

    #[test]
    fn one_that_left_takes_nothing_and_asks_for_nothing() {
        let budget = Budget::new(1);
        let mut place = budget.try_take().unwrap();
        assert!(Box::pin(budget.take()).as_mut().now_or_never().is_none());
        assert!(!place.gives_way());
        drop(place);
        assert!(budget.try_take().is_some());
    }
}
