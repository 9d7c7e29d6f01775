//! By when a push has its verdict: a margin before its caller stops waiting.

use std::time::Duration;

use tokio::time::Instant;

/// A deadline that is further away counts as none: an instant so far away need not exist.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// When a call arrived, and how long its caller waits for it.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// When work on the call began.
    pub at: Instant,
    /// How long the caller waits, as it said. It is `None` if the caller named no timeout.
    pub timeout: Option<Duration>,
    /// How long bytes take to the caller and back, as far as it is known.
    pub round_trip: Duration,
}

impl Arrival {
    /// By when a push has its verdict that the gateway may work on for `max_wait`, `margin` before its caller stops waiting.
    pub(super) fn deadline(self, max_wait: Duration, margin: Duration) -> Instant {
        self.at + self.less(margin).map_or(max_wait, |timeout| timeout.min(max_wait))
    }

    /// By when all items of a batch have their verdicts. It is `None` if the batch may go on for as long as it likes.
    pub(super) fn deadline_of_batch(self, margin: Duration) -> Option<Instant> {
        self.less(margin).filter(|timeout| *timeout < YEAR).map(|timeout| self.at + timeout)
    }

    /// Subtracts the margin and the round trip from the timeout, and at most half of it. The call has taken a half of the
    /// round trip already when it arrives, and its verdict takes the other half: the caller counts both.
    fn less(self, margin: Duration) -> Option<Duration> {
        self.timeout.map(|timeout| timeout - margin.saturating_add(self.round_trip).min(timeout / 2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARGIN: Duration = Duration::from_millis(50);
    const MAX_WAIT: Duration = Duration::from_secs(30);

    fn arrival(timeout: Duration) -> Arrival {
        Arrival { at: Instant::now(), timeout: Some(timeout), round_trip: Duration::ZERO }
    }

    #[test]
    fn the_verdict_comes_before_the_caller_leaves() {
        let wait = |timeout| {
            let arrival = arrival(timeout);
            arrival.deadline(MAX_WAIT, MARGIN) - arrival.at
        };
        assert_eq!(wait(Duration::from_secs(1)), Duration::from_millis(950));
        assert_eq!(wait(Duration::from_millis(80)), Duration::from_millis(40), "half is the most");
        assert_eq!(wait(Duration::from_nanos(1)), Duration::from_nanos(1));
        assert_eq!(wait(Duration::from_secs(99_999_999 * 60 * 60)), Duration::from_secs(30));
        assert_eq!(wait(Duration::MAX), Duration::from_secs(30));
    }

    #[test]
    fn the_verdict_has_its_way_back_to_a_caller_far_away() {
        let wait = |timeout| {
            let arrival = Arrival { round_trip: Duration::from_millis(120), ..arrival(timeout) };
            arrival.deadline(MAX_WAIT, MARGIN) - arrival.at
        };
        assert_eq!(wait(Duration::from_secs(1)), Duration::from_millis(830));
        assert_eq!(wait(Duration::from_millis(200)), Duration::from_millis(100), "half is the most");
        assert_eq!(wait(Duration::from_secs(3600)), MAX_WAIT);
    }

    #[test]
    fn a_caller_that_names_no_timeout_waits_as_long_as_the_gateway_works() {
        let arrival = Arrival { timeout: None, ..arrival(Duration::ZERO) };
        assert_eq!(arrival.deadline(MAX_WAIT, MARGIN) - arrival.at, MAX_WAIT);
        assert_eq!(arrival.deadline_of_batch(MARGIN), None);
    }

    #[test]
    fn a_batch_whose_deadline_is_beyond_a_year_has_none() {
        assert_eq!(arrival(2 * YEAR).deadline_of_batch(MARGIN), None);
        assert_eq!(arrival(Duration::MAX).deadline_of_batch(Duration::ZERO), None);
        let hour = arrival(Duration::from_secs(3600));
        assert_eq!(hour.deadline_of_batch(MARGIN).unwrap() - hour.at, Duration::from_secs(3600) - MARGIN);
    }
}
