//! When keys are fetched again. The functions are pure: the chance, which is in 0..1, is an argument.

use std::time::Duration;

/// The wait after the first failed fetch.
const BACKOFF_MIN: Duration = Duration::from_secs(1);

/// The longest wait after failed fetches.
const BACKOFF_MAX: Duration = Duration::from_secs(60);

/// Returns the wait after a good fetch. It is up to a tenth shorter than the setting, so that gateways that started
/// together do not fetch together.
pub(super) fn refresh_after(refresh: Duration, chance: f64) -> Duration {
    refresh.mul_f64(1.0 - chance / 10.0)
}

/// Returns the wait after so many failures in a row.
pub(super) fn backoff(failures: u32, chance: f64) -> Duration {
    // Beyond this many doublings the longest wait is reached anyway.
    let doublings = failures.saturating_sub(1).min(10);
    (BACKOFF_MIN * (1 << doublings)).min(BACKOFF_MAX).mul_f64(1.0 - chance / 4.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_back_off_from_a_second_to_a_minute() {
        let waits = (1..=9).map(|failures| backoff(failures, 0.0).as_secs());
        assert_eq!(waits.collect::<Vec<_>>(), [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(backoff(u32::MAX, 0.4), Duration::from_secs(54));
        let refresh = Duration::from_secs(300);
        assert_eq!(refresh_after(refresh, 0.0), refresh);
        assert_eq!(refresh_after(refresh, 0.5), Duration::from_secs(285));
    }
}
