//! How many pushes a second a caller may hand in.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// Pushes a second, with a burst.
pub struct Rate {
    limiter: DefaultDirectRateLimiter,
    clock: DefaultClock,
    pushes_per_second: NonZeroU32,
    burst: NonZeroU32,
}

impl Rate {
    /// So many pushes a second, of which so many may come at once.
    #[must_use]
    pub fn new(pushes_per_second: NonZeroU32, burst: NonZeroU32) -> Self {
        let quota = Quota::per_second(pushes_per_second).allow_burst(burst);
        let (limiter, clock) = (RateLimiter::direct(quota), DefaultClock::default());
        Self { limiter, clock, pushes_per_second, burst }
    }

    /// How many pushes a second, and how many of them at once.
    pub(crate) fn pushes_per_second_and_burst(&self) -> (u32, u32) {
        (self.pushes_per_second.get(), self.burst.get())
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
        f.debug_struct("Rate").finish_non_exhaustive()
    }
}
