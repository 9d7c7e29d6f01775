//! One budget for the bytes of callers that the gateway holds: messages that arrive or wait for places, and large pushes
//! in flight. Only bytes that are really there are counted, so a caller that claims a lot and sends little holds little.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A caller takes at most one part in so many of the budget, so that one alone never leaves nothing for the others.
const LARGEST_SHARE: usize = 2;

/// A push of at most so many encoded bytes takes nothing while it is in flight: `limits.max_in_flight` bounds how many of
/// those there are, and most pushes are far smaller.
const SMALL_PUSH: usize = 4096;

/// Whether a push of so many encoded bytes takes nothing while it is in flight.
#[must_use]
pub fn is_small(encoded: usize) -> bool {
    encoded <= SMALL_PUSH
}

/// There is no room left in the budget, or in the caller's share of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverBudget;

/// The bytes that may be held for all callers together.
#[derive(Debug, Default)]
pub struct BytesBudget {
    total: AtomicUsize,
    held: AtomicUsize,
}

impl BytesBudget {
    /// A budget of `total` bytes.
    #[must_use]
    pub fn new(total: usize) -> Arc<Self> {
        Arc::new(Self { total: AtomicUsize::new(total), held: AtomicUsize::new(0) })
    }

    /// Has this size from now on. What is held above it stays held.
    pub fn resize(&self, total: usize) {
        self.total.store(total, Ordering::Relaxed);
    }

    /// How large a budget must be at least, so that the share of a caller holds an open batch, which takes its window, with
    /// three messages of this size: one has arrived and is decompressed, which is a second one, while the decoder keeps the
    /// buffer of another.
    #[must_use]
    pub fn total_for(message: usize, window: usize) -> usize {
        message.saturating_mul(3).saturating_add(window).saturating_mul(LARGEST_SHARE)
    }

    /// How many bytes may be held.
    pub(crate) fn total(&self) -> usize {
        self.total.load(Ordering::Relaxed)
    }

    /// How many bytes are held.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// The share of one more caller.
    #[must_use]
    pub fn share(self: &Arc<Self>) -> BytesShare {
        BytesShare(Arc::new(Share { budget: Arc::clone(self), held: AtomicUsize::new(0) }))
    }
}

/// What one caller takes of the budget.
#[derive(Debug, Clone, Default)]
pub struct BytesShare(Arc<Share>);

#[derive(Debug, Default)]
struct Share {
    budget: Arc<BytesBudget>,
    held: AtomicUsize,
}

impl BytesShare {
    /// Nothing yet, to which bytes can be added.
    #[must_use]
    pub fn nothing(&self) -> HeldBytes {
        HeldBytes { share: self.clone(), bytes: 0 }
    }

    /// What a push or the body of a multicast takes while it is in flight, by its encoded size.
    ///
    /// # Errors
    /// Fails if there is no room for one that is not small.
    pub fn in_flight(&self, encoded: usize) -> PushBytes {
        if is_small(encoded) {
            return Ok(None);
        }
        let mut held = self.nothing();
        held.add(encoded)?;
        Ok(Some(Arc::new(held)))
    }

    fn take(&self, bytes: usize) -> Result<(), OverBudget> {
        let Share { budget, held } = &*self.0;
        let total = budget.total.load(Ordering::Relaxed);
        add_within(held, bytes, total / LARGEST_SHARE)?;
        add_within(&budget.held, bytes, total).inspect_err(|OverBudget| {
            held.fetch_sub(bytes, Ordering::Relaxed);
        })
    }

    fn give_back(&self, bytes: usize) {
        if bytes > 0 {
            self.0.held.fetch_sub(bytes, Ordering::Relaxed);
            self.0.budget.held.fetch_sub(bytes, Ordering::Relaxed);
        }
    }
}

fn add_within(held: &AtomicUsize, bytes: usize, most: usize) -> Result<(), OverBudget> {
    let more = |held: usize| held.checked_add(bytes).filter(|sum| *sum <= most);
    // The counters order nothing else, so relaxed operations do.
    held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).map(|_| ()).map_err(|_| OverBudget)
}

/// What a push takes of its caller's share while it is in flight: nothing if it is small. The addressees of a multicast
/// share what its body takes.
pub type PushBytes = Result<Option<Arc<HeldBytes>>, OverBudget>;

/// Bytes that are held for a caller. Dropping it gives them back.
#[derive(Debug)]
pub struct HeldBytes {
    share: BytesShare,
    bytes: usize,
}

impl HeldBytes {
    /// Takes more bytes from the budget.
    ///
    /// # Errors
    /// Fails if there is no room for them. Then nothing changed.
    pub fn add(&mut self, bytes: usize) -> Result<(), OverBudget> {
        self.share.take(bytes)?;
        self.bytes += bytes;
        Ok(())
    }

    /// Gives back all but these bytes.
    pub fn keep(&mut self, bytes: usize) {
        let surplus = self.bytes.saturating_sub(bytes);
        self.share.give_back(surplus);
        self.bytes -= surplus;
    }
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        self.share.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_takes_at_most_half_and_gives_everything_back() {
        let budget = BytesBudget::new(100);
        let (first, second, third) = (budget.share(), budget.share(), budget.share());
        let mut held = first.nothing();
        held.add(50).unwrap();
        assert_eq!(held.add(1), Err(OverBudget), "half is the most");
        let mut others = second.nothing();
        others.add(45).unwrap();
        let mut last = third.nothing();
        assert_eq!(last.add(6), Err(OverBudget), "the budget is used up");
        last.add(5).unwrap();
        held.keep(10);
        last.add(40).unwrap();
        assert_eq!(budget.held(), 100);
        drop((held, others, last));
        assert_eq!(budget.held(), 0);
        assert_eq!(third.0.held.load(Ordering::Relaxed), 0, "what was refused took nothing");
    }

    #[test]
    fn a_smaller_budget_gives_nothing_before_enough_is_given_back() {
        let budget = BytesBudget::new(100);
        let share = budget.share();
        let mut held = share.nothing();
        held.add(40).unwrap();
        budget.resize(60);
        assert_eq!(held.add(1), Err(OverBudget));
        held.keep(10);
        held.add(20).unwrap();
        budget.resize(200);
        held.add(70).unwrap();
    }

    #[test]
    fn a_small_push_takes_nothing_and_a_large_one_its_size() {
        let share = BytesBudget::new(4 * SMALL_PUSH).share();
        assert!(share.in_flight(SMALL_PUSH).unwrap().is_none());
        let held = share.in_flight(SMALL_PUSH + 1).unwrap().unwrap();
        assert_eq!(share.in_flight(SMALL_PUSH + 1).unwrap_err(), OverBudget);
        drop(held);
        assert!(share.in_flight(2 * SMALL_PUSH).is_ok());
    }
}
