//! `--rate`: bounds how many pushes a second all streams send together.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// A message holds at most this fraction of a second's pushes, so that the rate is even within each second.
const MESSAGES_A_SECOND: u32 = 20;

/// Allows at most so many pushes a second.
pub(super) struct PushRate {
    limiter: DefaultDirectRateLimiter,
    clock: DefaultClock,
    /// The most pushes of one message.
    most: NonZeroU32,
}

impl PushRate {
    pub(super) fn new(rate: NonZeroU32) -> Self {
        let most = NonZeroU32::new(rate.get() / MESSAGES_A_SECOND).unwrap_or(NonZeroU32::MIN);
        let limiter = RateLimiter::direct(Quota::per_second(rate).allow_burst(most));
        Self { limiter, clock: DefaultClock::default(), most }
    }

    /// Asks to send up to `wanted` pushes in one message. Returns how many may be sent.
    ///
    /// # Errors
    /// Returns how long to wait, if none may be sent yet.
    pub(super) fn take(&self, wanted: usize) -> Result<usize, Duration> {
        let wanted = u32::try_from(wanted).unwrap_or(u32::MAX).min(self.most.get());
        let Some(count) = NonZeroU32::new(wanted) else { return Ok(0) };
        match self.limiter.check_n(count) {
            Ok(Ok(())) => Ok(count.get() as usize),
            Ok(Err(early)) => Err(early.wait_time_from(self.clock.now())),
            // The limiter refuses more than its burst for ever. That cannot happen, because the burst is `most`.
            Err(_) => Ok(count.get() as usize),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_a_part_of_a_second_and_the_next_waits() {
        let rate = PushRate::new(NonZeroU32::new(1000).unwrap());
        assert_eq!(rate.take(500), Ok(50));
        let wait = rate.take(500).unwrap_err();
        assert!(wait > Duration::ZERO && wait <= Duration::from_millis(50), "{wait:?}");
        let slow = PushRate::new(NonZeroU32::new(3).unwrap());
        assert_eq!(slow.take(500), Ok(1));
        assert!(slow.take(500).is_err());
    }
}
