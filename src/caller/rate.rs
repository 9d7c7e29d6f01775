//! How many pushes a second a caller may hand in.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// Pushes a second, with a burst. Clones share the turns that were taken.
#[derive(Clone)]
pub struct Rate {
    quota: Quota,
    limiter: Arc<DefaultDirectRateLimiter>,
    clock: DefaultClock,
    pushes_per_second: NonZeroU32,
}

impl Rate {
    /// So many pushes a second, of which so many may come at once.
    #[must_use]
    pub fn new(pushes_per_second: NonZeroU32, burst: NonZeroU32) -> Self {
        let quota = Quota::per_second(pushes_per_second).allow_burst(burst);
        let (limiter, clock) = (Arc::new(RateLimiter::direct(quota)), DefaultClock::default());
        Self { quota, limiter, clock, pushes_per_second }
    }

    /// Goes on with the turns that were taken at an earlier rate, where that is the same.
    pub(super) fn continue_from(&mut self, earlier: &Self) {
        if self.quota == earlier.quota {
            self.clone_from(earlier);
        }
    }

    /// How many pushes a second, and how many of them at once.
    pub(crate) fn pushes_per_second_and_burst(&self) -> (u32, u32) {
        (self.pushes_per_second.get(), self.quota.burst_size().get())
    }

    /// Takes the turn of one push.
    ///
    /// # Errors
    /// Fails with how long it is until the next turn.
    pub(super) fn take(&self) -> Result<(), Duration> {
        self.limiter.check().map_err(|early| early.wait_time_from(self.clock.now()))
    }
}

impl std::fmt::Debug for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rate").field("quota", &self.quota).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_that_is_named_again_goes_on_and_another_begins_anew() {
        let rate = |burst| Rate::new(NonZeroU32::MIN, NonZeroU32::new(burst).unwrap());
        let first = rate(1);
        first.take().unwrap();
        let (mut same, mut other) = (rate(1), rate(2));
        same.continue_from(&first);
        other.continue_from(&first);
        assert!(same.take().is_err(), "its burst was used before");
        assert!(other.take().is_ok());
    }
}
