//! When a receiver that took nothing is asked again. The function is pure: the chance, which is in 0..1, is an argument.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);

/// A receiver that is back is found within this time.
const LONGEST: Duration = Duration::from_secs(60);

/// The longest `Retry-After` that is honoured, so that a broken answer stops no feed for a day.
const LONGEST_ASKED: Duration = Duration::from_secs(60 * 60);

/// Returns the wait after so many failures in a row, where the last answer may have asked for one. It is up to a half shorter
/// than the doubled one, so that replicas do not ask together; what an answer asked for is never shortened.
pub(super) fn pause(failures: u32, asked: Option<Duration>, chance: f64) -> Duration {
    // Beyond this many doublings the longest wait is reached anyway.
    let doublings = failures.saturating_sub(1).min(10);
    let own = (FIRST * (1 << doublings)).min(LONGEST).mul_f64(1.0 - chance / 2.0);
    own.max(asked.unwrap_or_default().min(LONGEST_ASKED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_back_off_from_a_second_to_a_minute_and_an_answer_may_ask_for_more() {
        let waits = (1..=9).map(|failures| pause(failures, None, 0.0).as_secs());
        assert_eq!(waits.collect::<Vec<_>>(), [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(pause(u32::MAX, None, 0.5), Duration::from_secs(45));
        assert_eq!(pause(1, Some(Duration::from_secs(7)), 0.9), Duration::from_secs(7));
        assert_eq!(pause(4, Some(Duration::from_secs(7)), 0.0), Duration::from_secs(8));
        assert_eq!(pause(1, Some(Duration::MAX), 0.0), LONGEST_ASKED);
    }
}
