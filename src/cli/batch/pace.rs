//! How fast pushes are written, all streams together.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// Messages a second, at least where the rate allows: so the pace is even.
const MESSAGES_A_SECOND: u32 = 20;

/// At most so many pushes a second.
pub(super) struct Pace {
    limiter: DefaultDirectRateLimiter,
    clock: DefaultClock,
    /// Pushes of one message.
    most: NonZeroU32,
}

impl Pace {
    pub(super) fn new(rate: NonZeroU32) -> Self {
        let most = NonZeroU32::new(rate.get() / MESSAGES_A_SECOND).unwrap_or(NonZeroU32::MIN);
        let limiter = RateLimiter::direct(Quota::per_second(rate).allow_burst(most));
        Self { limiter, clock: DefaultClock::default(), most }
    }

    /// Takes leave for the next message of up to `wanted` pushes: how many it may have.
    ///
    /// # Errors
    /// How long to wait, where none may be written yet.
    pub(super) fn take(&self, wanted: usize) -> Result<usize, Duration> {
        let wanted = u32::try_from(wanted).unwrap_or(u32::MAX).min(self.most.get());
        let Some(count) = NonZeroU32::new(wanted) else { return Ok(0) };
        match self.limiter.check_n(count) {
            Ok(Ok(())) => Ok(count.get() as usize),
            Ok(Err(early)) => Err(early.wait_time_from(self.clock.now())),
            // More than a burst, which `most` is.
            Err(_) => Ok(count.get() as usize),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_a_part_of_a_second_and_the_next_waits() {
        let pace = Pace::new(NonZeroU32::new(1000).unwrap());
        assert_eq!(pace.take(500), Ok(50));
        let wait = pace.take(500).unwrap_err();
        assert!(wait > Duration::ZERO && wait <= Duration::from_millis(50), "{wait:?}");
        let slow = Pace::new(NonZeroU32::new(3).unwrap());
        assert_eq!(slow.take(500), Ok(1));
        assert!(slow.take(500).is_err());
    }
}
