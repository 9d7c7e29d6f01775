//! How many requests a service has taken lately, counted without a lock.

use std::array;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::Instant;

/// Requests are counted by the quarter of a second at which they began.
const SLOTS_A_SECOND: u32 = 4;
const NANOS_A_SLOT: u32 = 1_000_000_000 / SLOTS_A_SECOND;
/// Of so many quarters, which are 16 seconds. What a service took and answered later is counted for no time.
const SLOTS: u32 = 16 * SLOTS_A_SECOND;
/// The last second of them is asked for, and another may just be counted anew.
const REMEMBERED: Duration = Duration::from_secs((SLOTS / SLOTS_A_SECOND) as u64 - 2);

/// Counts by the time at which a request began. A count that two threads make at the turn of a slot may be lost, which
/// changes no pace.
#[derive(Debug)]
pub(super) struct Taken {
    epoch: Instant,
    /// For each slot of time its number since the epoch, and how many of its requests were taken.
    slots: [AtomicU64; SLOTS as usize],
    all: AtomicU64,
}

/// The number of a slot in the upper half, and a count in the lower one.
fn packed(slot: u32, count: u32) -> u64 {
    u64::from(slot) << 32 | u64::from(count)
}

fn slot(packed: u64) -> u32 {
    (packed >> 32) as u32
}

fn count(packed: u64) -> u32 {
    packed as u32
}

impl Taken {
    pub(super) fn new(now: Instant) -> Self {
        Self { epoch: now, slots: array::from_fn(|_| AtomicU64::new(0)), all: AtomicU64::new(0) }
    }

    /// A request that began at this moment was taken.
    pub(super) fn count(&self, begun: Instant) {
        self.all.fetch_add(1, Relaxed);
        let (at, _) = self.slot_at(begun);
        let counted = &self.slots[(at % SLOTS) as usize];
        let before = counted.load(Relaxed);
        if slot(before) == at {
            counted.fetch_add(1, Relaxed);
        } else if slot(before) < at {
            let _ = counted.compare_exchange(before, packed(at, 1), Relaxed, Relaxed);
        }
    }

    /// How many were taken in all.
    pub(super) fn all(&self) -> u64 {
        self.all.load(Relaxed)
    }

    /// How many were taken of those that began in the second up to this moment, as far as they are answered. A moment that is
    /// longer ago than is remembered stands for the oldest that is.
    pub(super) fn per_second(&self, up_to: Instant, now: Instant) -> f64 {
        let oldest = now.checked_sub(REMEMBERED).unwrap_or(self.epoch);
        let (at, part) = self.slot_at(up_to.max(oldest));
        let of = |wanted: u32| {
            let counted = self.slots[(wanted % SLOTS) as usize].load(Relaxed);
            if slot(counted) == wanted { f64::from(count(counted)) } else { 0.0 }
        };
        // The newest slot counts whole, since a burst may be all of it that there was. So the time that is looked at ends with it, or now.
        let newest = (at.saturating_sub(SLOTS_A_SECOND - 1)..=at).map(of).sum::<f64>();
        // Of the slot before them, the part that is not a second ago.
        let oldest = at.checked_sub(SLOTS_A_SECOND).map_or(0.0, of) * (1.0 - part);
        let (now, passed) = self.slot_at(now);
        let beyond = if now > at { 1.0 - part } else { (passed - part).max(0.0) };
        (newest + oldest) / (1.0 + beyond / f64::from(SLOTS_A_SECOND))
    }

    /// The slot of a moment, and which part of it had passed.
    fn slot_at(&self, moment: Instant) -> (u32, f64) {
        let since = moment.saturating_duration_since(self.epoch);
        let (whole, nanos) = (since.as_secs() as u32, since.subsec_nanos());
        let part = f64::from(nanos % NANOS_A_SLOT) / f64::from(NANOS_A_SLOT);
        (whole.wrapping_mul(SLOTS_A_SECOND) + nanos / NANOS_A_SLOT, part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_taken_in_the_last_second_counts() {
        let epoch = Instant::now();
        let taken = Taken::new(epoch);
        let at = |ms| epoch + Duration::from_millis(ms);
        for ms in 0..1000 {
            taken.count(at(ms));
        }
        assert_eq!(taken.per_second(at(999), at(999)), 1000.0);
        assert_eq!(taken.per_second(at(1250), at(1250)), 750.0);
        // A part of the slot that ends at 750 ms is more than a second ago.
        assert_eq!(taken.per_second(at(1562), at(1562)), 250.0 + 0.752 * 250.0);
        // Answers come in any order.
        taken.count(at(1100));
        taken.count(at(900));
        taken.count(at(1200));
        assert_eq!(taken.per_second(at(1500), at(1500)), 500.0 + 3.0);
        assert_eq!((taken.per_second(at(3000), at(3000)), taken.all()), (0.0, 1003));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_taken_up_to_a_moment_counts_however_late_the_answers_come() {
        let epoch = Instant::now();
        let taken = Taken::new(epoch);
        let at = |ms| epoch + Duration::from_millis(ms);
        for ms in 0..13_000 {
            taken.count(at(ms));
        }
        assert_eq!(taken.per_second(at(5_000), at(13_000)), 1000.0);
        assert_eq!(taken.per_second(at(5_124), at(13_000)).round(), 1000.0);
        // Of a burst at the beginning of a slot little is lost.
        let burst = Taken::new(epoch);
        (0..1000).for_each(|_| burst.count(at(5_001)));
        assert_eq!(burst.per_second(at(5_010), at(5_240)).round(), 813.0);
        assert_eq!(burst.per_second(at(5_010), at(5_010)), 1000.0);
        // So long ago that it is forgotten, which is said of the oldest second that is not.
        assert_eq!(taken.per_second(at(100), at(15_124)), taken.per_second(at(1_124), at(15_124)));
        // One whose answer comes when its time is counted no more is counted nowhere but in all.
        taken.count(at(21_000));
        taken.count(at(5_000));
        assert_eq!((taken.per_second(at(21_000), at(21_000)), taken.all()), (1.0, 13_002));
    }

    #[test]
    fn threads_lose_no_more_than_a_turn_of_a_slot_costs() {
        let epoch = Instant::now();
        let taken = Taken::new(epoch);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10_000).for_each(|_| taken.count(epoch + Duration::from_millis(1500))));
            }
        });
        assert_eq!(taken.all(), 40_000);
        let now = epoch + Duration::from_millis(1600);
        let counted = taken.per_second(now, now);
        assert!((39_990.0..=40_000.0).contains(&counted), "{counted}");
    }
}
