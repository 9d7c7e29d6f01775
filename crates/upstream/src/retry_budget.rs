//! How many requests may be tried again, so that retries never multiply an outage.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::observe::{ObservePeer, Report};
use crate::settings::UpstreamSettings;

/// What is saved up is forgotten over this time, as a mean: a long good time pays for no storm of retries. Finagle's budget
/// counts ten seconds too. Source: Finagle, `RetryBudget`.
const MEMORY: Duration = Duration::from_secs(10);

/// A budget of retries: a share of the first tries, and some in each second.
///
/// A first try adds to it without a lock. It never lets more than that share of all first tries be repeated, beside
/// `min_per_second` for each second that has passed, and for ten seconds at the start.
pub(crate) struct RetryBudget {
    observer: Arc<dyn ObservePeer>,
    share: f64,
    min_per_second: f64,
    first_tries: AtomicU64,
    saved: Mutex<Saved>,
}

/// The retries that are saved up, as of a moment.
struct Saved {
    retries: f64,
    as_of: Instant,
}

impl RetryBudget {
    pub(crate) fn new(settings: &UpstreamSettings, observer: Arc<dyn ObservePeer>) -> Self {
        let UpstreamSettings { retry_percent, retry_min_per_second, .. } = settings;
        let (share, min_per_second) = (f64::from(*retry_percent) / 100.0, f64::from(*retry_min_per_second));
        let saved = Saved { retries: min_per_second * MEMORY.as_secs_f64(), as_of: Instant::now() };
        Self { observer, share, min_per_second, first_tries: AtomicU64::new(0), saved: Mutex::new(saved) }
    }

    /// A request is tried for the first time.
    pub(crate) fn first_try(&self) {
        self.first_tries.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes one retry out of the budget, and says whether there was one. One that is refused is reported.
    pub(crate) fn retry(&self, now: Instant) -> bool {
        let mut saved = self.brought_up_to(now);
        let enough = saved.retries >= 1.0;
        if enough {
            saved.retries -= 1.0;
        } else {
            drop(saved);
            self.observer.report(Report::RetryRefused);
        }
        enough
    }

    /// How many retries are in the budget.
    pub(crate) fn left(&self, now: Instant) -> u64 {
        self.brought_up_to(now).retries as u64
    }

    /// The retries that are saved up at this moment.
    fn brought_up_to(&self, now: Instant) -> MutexGuard<'_, Saved> {
        let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_duration_since(saved.as_of).as_secs_f64();
        let first_tries = self.first_tries.swap(0, Ordering::Relaxed) as f64;
        let earned = first_tries * self.share + passed * self.min_per_second;
        // What is kept of a thing that was earned at an even pace over the time that has passed.
        let forgotten = passed / MEMORY.as_secs_f64();
        let kept = if forgotten > 0.0 { -(-forgotten).exp_m1() / forgotten } else { 1.0 };
        saved.retries = saved.retries * (-forgotten).exp() + earned * kept;
        saved.as_of = saved.as_of.max(now);
        saved
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::observe::Unobserved;

    fn budget(retry_percent: u32, retry_min_per_second: u32) -> RetryBudget {
        let settings =
            UpstreamSettings { retry_percent, retry_min_per_second, ..UpstreamSettings::default() };
        RetryBudget::new(&settings, Arc::new(Unobserved))
    }

    #[test]
    fn a_small_sender_may_retry_and_an_outage_ends_the_retries() {
        let budget = budget(20, 10);
        let now = budget.saved.lock().unwrap().as_of;
        let allowed = |tries| (0..tries).filter(|_| budget.retry(now)).count();
        assert_eq!(allowed(1000), 100, "ten seconds of the minimum are there from the start");
        assert_eq!(budget.left(now), 0);
        (0..1000).for_each(|_| budget.first_try());
        assert_eq!(budget.left(now), 200);
        assert_eq!(allowed(1000), 200);
    }

    #[test]
    fn a_long_good_time_pays_for_no_storm() {
        let budget = budget(20, 10);
        let begin = budget.saved.lock().unwrap().as_of;
        // An hour of 100 a second earns 30 a second, of which ten seconds are kept.
        (0..360_000).for_each(|_| budget.first_try());
        let now = begin + Duration::from_secs(3600);
        let allowed = (0..10_000).filter(|_| budget.retry(now)).count();
        assert!((299..=301).contains(&allowed), "{allowed}");
    }

    proptest! {
        #[test]
        fn no_schedule_exceeds_the_budget(
            percent in 0..=100_u32,
            min in 0..50_u32,
            steps in prop::collection::vec((0..3000_u64, 0..200_u32, 0..200_u32), 1..60),
        ) {
            let budget = budget(percent, min);
            let begin = budget.saved.lock().unwrap().as_of;
            let (mut passed, mut first, mut retried) = (Duration::ZERO, 0_u32, 0_u32);
            for (ms, first_tries, retries) in steps {
                passed += Duration::from_millis(ms);
                (0..first_tries).for_each(|_| budget.first_try());
                first += first_tries;
                retried += (0..retries).map(|_| u32::from(budget.retry(begin + passed))).sum::<u32>();
                let earned = f64::from(first * percent) / 100.0 + f64::from(min) * (passed.as_secs_f64() + 10.0);
                prop_assert!(f64::from(retried) <= earned + 1e-6, "{retried} of {earned}");
            }
        }
    }
}
