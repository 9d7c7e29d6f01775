//! The stall rule: a batch ends whose caller reads no results, since they would hold its seats for ever.

use std::time::Duration;

use tokio::time::Instant;

/// Since when a caller reads nothing, though there is something to read.
pub(super) struct Stall {
    timeout: Duration,
    since: Option<Instant>,
}

impl Stall {
    pub(super) fn new(timeout: Duration) -> Self {
        Self { timeout, since: None }
    }

    /// How long to wait between two looks: a quarter of the timeout, within bounds. Progress is told at a look as well,
    /// so it must not be far away.
    pub(super) fn look_every(timeout: Duration) -> Duration {
        (timeout / 4).clamp(Duration::from_millis(10), Duration::from_millis(100))
    }

    /// The caller took something.
    pub(super) fn delivered(&mut self) {
        self.since = None;
    }

    /// Whether results have waited for the caller since longer than the timeout. `waiting`: they wait now.
    pub(super) fn is_over(&mut self, now: Instant, waiting: bool) -> bool {
        if !waiting {
            self.since = None;
            return false;
        }
        now - *self.since.get_or_insert(now) >= self.timeout
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_caller_that_takes_nothing_for_the_whole_timeout_has_stalled() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut stall = Stall::new(4 * second);
        assert!(!stall.is_over(start, true));
        assert!(!stall.is_over(start + 3 * second, true));
        stall.delivered();
        assert!(!stall.is_over(start + 5 * second, true));
        assert!(!stall.is_over(start + 8 * second, false), "nothing waits");
        assert!(!stall.is_over(start + 9 * second, true));
        assert!(stall.is_over(start + 13 * second, true));
    }
}
