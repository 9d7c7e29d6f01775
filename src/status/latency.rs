//! How long pushes took, counted in buckets whose bounds grow by a fifth or a quarter, so that a percentile is at most so
//! much off. To count a push costs one atomic addition.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Each doubling of the time has so many buckets.
const PARTS: u32 = 4;

/// What takes less than 2^8 µs, a quarter of a millisecond, is in the first bucket.
const FIRST: u32 = 8;

/// What takes 2^27 µs, two minutes, or more is in the last bucket.
const LAST: u32 = 27;

const BUCKETS: usize = ((LAST - FIRST) * PARTS + 2) as usize;

/// Counts pushes by how long they took.
#[derive(Debug)]
pub(crate) struct Latency([AtomicU64; BUCKETS]);

impl Default for Latency {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; BUCKETS])
    }
}

impl Latency {
    /// Counts a push that took so long.
    pub(super) fn count(&self, took: Duration) {
        if let Some(bucket) = self.0.get(bucket(took)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn counts(&self) -> LatencyCounts {
        LatencyCounts(std::array::from_fn(|at| self.0[at].load(Ordering::Relaxed)))
    }
}

/// What was counted up to a moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LatencyCounts([u64; BUCKETS]);

impl Default for LatencyCounts {
    fn default() -> Self {
        Self([0; BUCKETS])
    }
}

impl LatencyCounts {
    /// What was counted since an earlier moment. Where less was counted than then, the counter began anew.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let began_anew = self.0.iter().zip(&earlier.0).any(|(now, then)| now < then);
        let earlier = if began_anew { &Self::default() } else { earlier };
        Self(std::array::from_fn(|at| self.0[at] - earlier.0[at]))
    }

    /// Adds what another counted.
    pub(crate) fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(sum, more)| *sum += more);
    }

    /// The time in which so many percent of the pushes had their verdict, in milliseconds; none where there were none.
    pub(crate) fn percentile(&self, percent: u64) -> Option<f64> {
        let all: u64 = self.0.iter().sum();
        let wanted = (all * percent).div_ceil(100).max(1);
        let mut counted = 0;
        let reaches = |count: &u64| {
            counted += count;
            counted >= wanted
        };
        let bucket = self.0.iter().position(reaches)?;
        let bound = upper_bound(u32::try_from(bucket).unwrap_or(u32::MAX));
        Some((bound * 10.0).round() / 10_000.0)
    }
}

fn bucket(took: Duration) -> usize {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let Some(doublings) = micros.checked_ilog2().filter(|doublings| *doublings >= FIRST) else { return 0 };
    if doublings >= LAST {
        return BUCKETS - 1;
    }
    // The two bits below the highest one say in which quarter of the doubling the time is.
    let part = (micros >> (doublings - 2)) & u64::from(PARTS - 1);
    (doublings - FIRST) as usize * PARTS as usize + usize::try_from(part).unwrap_or_default() + 1
}

/// The upper bound of a bucket, in microseconds.
fn upper_bound(bucket: u32) -> f64 {
    let (doublings, part) = (bucket / PARTS, bucket % PARTS);
    2f64.powi(i32::try_from(FIRST + doublings).unwrap_or(i32::MAX))
        * (1.0 + f64::from(part) / f64::from(PARTS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_is_below_the_bound_of_its_bucket_and_above_that_of_the_one_before() {
        for micros in [0, 1, 255, 256, 257, 319, 320, 1000, 4711, 65_535, 65_536, 1_000_000, 134_217_727] {
            let at = bucket(Duration::from_micros(micros));
            let time = micros as f64;
            assert!(time < upper_bound(at as u32), "{micros} is in bucket {at}");
            assert!(at == 0 || time >= upper_bound(at as u32 - 1), "{micros} is in bucket {at}");
        }
        assert_eq!(bucket(Duration::from_secs(3600)), BUCKETS - 1);
    }

    #[test]
    fn percentiles_are_those_of_the_pushes_since_the_earlier_moment() {
        let latency = Latency::default();
        assert_eq!(latency.counts().percentile(50), None);
        latency.count(Duration::from_secs(60));
        let before = latency.counts();
        for _ in 0..99 {
            latency.count(Duration::from_millis(10));
        }
        latency.count(Duration::from_secs(1));
        let since = latency.counts().since(&before);
        let told = |percent| since.percentile(percent).unwrap();
        assert!((10.0..12.5).contains(&told(50)) && (10.0..12.5).contains(&told(99)), "{}", told(99));
        assert!((1000.0..1250.0).contains(&told(100)), "{}", told(100));
        assert_eq!(Latency::default().counts().since(&before).percentile(50), None, "it began anew");
    }
}
