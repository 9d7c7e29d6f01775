//! How many requests a service has taken lately, counted without a lock.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tokio::time::Instant;

/// Counts by the second at which a request began. A count that two threads make at the turn of a second may be lost, which
/// changes no pace.
#[derive(Debug)]
pub(super) struct Taken {
    epoch: Instant,
    /// The newest second, and how many of its requests were taken.
    newest: AtomicU64,
    /// The same for a second before it.
    older: AtomicU64,
    all: AtomicU64,
}

/// A second in the upper half, and a count in the lower one.
fn packed(second: u32, count: u32) -> u64 {
    u64::from(second) << 32 | u64::from(count)
}

fn second(packed: u64) -> u32 {
    (packed >> 32) as u32
}

fn count(packed: u64) -> u32 {
    packed as u32
}

impl Taken {
    pub(super) fn new(now: Instant) -> Self {
        Self { epoch: now, newest: AtomicU64::new(0), older: AtomicU64::new(0), all: AtomicU64::new(0) }
    }

    /// A request that began at this moment was taken.
    pub(super) fn count(&self, begun: Instant) {
        self.all.fetch_add(1, Relaxed);
        let at = begun.saturating_duration_since(self.epoch).as_secs() as u32;
        let newest = self.newest.load(Relaxed);
        if second(newest) == at {
            self.newest.fetch_add(1, Relaxed);
        } else if second(newest) < at {
            if self.newest.compare_exchange(newest, packed(at, 1), Relaxed, Relaxed).is_ok() {
                self.older.store(newest, Relaxed);
            }
        } else if second(self.older.load(Relaxed)) == at {
            self.older.fetch_add(1, Relaxed);
        }
    }

    /// How many were taken in all.
    pub(super) fn all(&self) -> u64 {
        self.all.load(Relaxed)
    }

    /// How many were taken in the last second: those of this one, and of the one before the part that is not a second ago.
    pub(super) fn per_second(&self, now: Instant) -> f64 {
        let since = now.saturating_duration_since(self.epoch);
        let (at, part) = (since.as_secs() as u32, f64::from(since.subsec_nanos()) / 1e9);
        let (newest, older) = (self.newest.load(Relaxed), self.older.load(Relaxed));
        let of = |wanted: u32| {
            let found = [newest, older].into_iter().find(|it| second(*it) == wanted);
            f64::from(found.map_or(0, count))
        };
        let before = if at == 0 { 0.0 } else { of(at - 1) };
        of(at) + before * (1.0 - part)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_taken_in_the_last_second_counts() {
        let epoch = Instant::now();
        let taken = Taken::new(epoch);
        let at = |ms| epoch + Duration::from_millis(ms);
        for ms in 0..1000 {
            taken.count(at(ms));
        }
        assert_eq!(taken.per_second(at(999)), 1000.0);
        assert_eq!(taken.per_second(at(1250)), 750.0);
        // Answers come in any order.
        taken.count(at(1100));
        taken.count(at(900));
        taken.count(at(1200));
        assert_eq!(taken.per_second(at(1500)), 2.0 + 0.5 * 1001.0);
        assert_eq!((taken.per_second(at(3000)), taken.all()), (0.0, 1003));
        // One whose answer came very late is counted nowhere but in all.
        taken.count(at(5000));
        taken.count(at(10));
        assert_eq!((taken.per_second(at(5500)), taken.all()), (1.0, 1005));
    }

    #[test]
    fn threads_lose_no_more_than_a_turn_of_a_second_costs() {
        let epoch = Instant::now();
        let taken = Taken::new(epoch);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10_000).for_each(|_| taken.count(epoch + Duration::from_millis(1500))));
            }
        });
        assert_eq!(taken.all(), 40_000);
        let counted = taken.per_second(epoch + Duration::from_millis(1600));
        assert!((39_990.0..=40_000.0).contains(&counted), "{counted}");
    }
}
