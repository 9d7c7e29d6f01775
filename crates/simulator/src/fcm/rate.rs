//! A rate of projects: a bucket of tokens for each, from which every push takes one.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::retry_after::RetryAfter;
use crate::sync::lock;

/// How many pushes a project may send in a second, and what the answer to further ones says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many tokens come into the bucket in a second.
    pub per_second: u64,
    /// How many tokens the bucket holds, which are there at first.
    pub burst: u64,
    /// The `retry-after` header in the answer to further pushes.
    pub retry_after: RetryAfter,
}

/// The rate that is set, and what is left of it. Without a rate there is no limit.
#[derive(Default)]
pub(super) struct Rates(Mutex<Buckets>);

#[derive(Default)]
struct Buckets {
    rate: Option<Rate>,
    /// The tokens of each project in thousandths, as of a moment.
    left: HashMap<String, (u64, u64)>,
}

impl Rates {
    /// Sets the rate of every project, with full buckets.
    pub(super) fn set(&self, rate: Option<Rate>) {
        *lock(&self.0) = Buckets { rate, left: HashMap::new() };
    }

    /// Takes one token, or returns what the answer says of a retry.
    pub(super) fn take(&self, project: &str, now_ms: u64) -> Result<(), RetryAfter> {
        let mut buckets = lock(&self.0);
        let Some(Rate { per_second, burst, retry_after }) = buckets.rate else { return Ok(()) };
        let full = burst.saturating_mul(1000);
        let (left, as_of) = buckets.left.entry(project.to_owned()).or_insert((full, now_ms));
        // A token in a second is one thousandth in a millisecond.
        let came = now_ms.saturating_sub(*as_of).saturating_mul(per_second);
        (*left, *as_of) = (left.saturating_add(came).min(full), now_ms.max(*as_of));
        *left = left.checked_sub(1000).ok_or(retry_after)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_fills_with_time_up_to_its_burst() {
        let rates = Rates::default();
        let taken = |now_ms| (0..100).take_while(|_| rates.take("shop", now_ms).is_ok()).count();
        assert_eq!(taken(0), 100, "there is no limit");
        rates.set(Some(Rate { per_second: 10, burst: 5, retry_after: RetryAfter::Seconds(1) }));
        assert_eq!((taken(0), taken(99), taken(100), taken(10_000)), (5, 0, 1, 5));
        assert_eq!(rates.take("shop", 10_000), Err(RetryAfter::Seconds(1)));
        assert_eq!(rates.take("news", 10_000), Ok(()), "each project has a bucket");
        rates.set(None);
        assert_eq!(taken(10_000), 100);
    }
}
