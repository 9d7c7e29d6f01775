//! By when a push has its verdict: a margin before its caller stops waiting.

use std::time::Duration;

use tokio::time::Instant;

/// The verdict comes at most so long before the caller's deadline. A client gives up by itself when its deadline
/// comes, and would never see a verdict that comes later.
const MARGIN: Duration = Duration::from_millis(50);

/// A deadline that is further away counts as none: an instant so far away need not exist.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// When a call arrived, and how long its caller waits for it.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// When work on the call began.
    pub at: Instant,
    /// How long the caller waits, as it said. It is `None` if the caller named no timeout.
    pub timeout: Option<Duration>,
}

impl Arrival {
    /// By when a push has its verdict that the gateway may work on for `max_wait`.
    pub(super) fn deadline(self, max_wait: Duration) -> Instant {
        self.at + self.less_margin().map_or(max_wait, |timeout| timeout.min(max_wait))
    }

    /// By when all items of a batch have their verdicts. It is `None` if the batch may go on for as long as it likes.
    pub(super) fn deadline_of_batch(self) -> Option<Instant> {
        self.less_margin().filter(|timeout| *timeout < YEAR).map(|timeout| self.at + timeout)
    }

    /// Subtracts 50 ms from the timeout, or a fifth of it if that is less.
    fn less_margin(self) -> Option<Duration> {
        self.timeout.map(|timeout| timeout - MARGIN.min(timeout / 5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrival(timeout: Duration) -> Arrival {
        Arrival { at: Instant::now(), timeout: Some(timeout) }
    }

    #[test]
    fn the_verdict_comes_before_the_caller_leaves() {
        let wait = |timeout| {
            let arrival = arrival(timeout);
            arrival.deadline(Duration::from_secs(30)) - arrival.at
        };
        assert_eq!(wait(Duration::from_secs(1)), Duration::from_millis(950));
        assert_eq!(wait(Duration::from_millis(100)), Duration::from_millis(80));
        assert_eq!(wait(Duration::from_nanos(1)), Duration::from_nanos(1));
        assert_eq!(wait(Duration::from_secs(99_999_999 * 60 * 60)), Duration::from_secs(30));
        assert_eq!(wait(Duration::MAX), Duration::from_secs(30));
    }

    #[test]
    fn a_caller_that_names_no_timeout_waits_as_long_as_the_gateway_works() {
        let arrival = Arrival { at: Instant::now(), timeout: None };
        assert_eq!(arrival.deadline(Duration::from_secs(30)) - arrival.at, Duration::from_secs(30));
        assert_eq!(arrival.deadline_of_batch(), None);
    }

    #[test]
    fn a_batch_whose_deadline_is_beyond_a_year_has_none() {
        assert_eq!(arrival(2 * YEAR).deadline_of_batch(), None);
        assert_eq!(arrival(Duration::MAX).deadline_of_batch(), None);
        let hour = arrival(Duration::from_secs(3600));
        assert_eq!(hour.deadline_of_batch().unwrap() - hour.at, Duration::from_secs(3600) - MARGIN);
    }
}
