//! How long a shut credential waits before another push asks again.

use std::time::Duration;

/// The wait after a credential was shut.
const SHORTEST: Duration = Duration::from_secs(1);

/// The longest wait, so that a credential that was mended is taken again within a minute.
pub(super) const LONGEST: Duration = Duration::from_secs(60);

/// Returns the wait after so many probes that were refused. `chance` is in 0..1, so that gateways that share a key do not
/// ask together.
pub(super) fn backoff(refused_probes: u32, chance: f64) -> Duration {
    // Beyond this many doublings the longest wait is reached anyway.
    let longest = (SHORTEST * (1 << refused_probes.min(10))).min(LONGEST);
    longest.mul_f64(1.0 - chance / 4.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_back_off_from_a_second_to_a_minute() {
        let waits = (0..9).map(|probes| backoff(probes, 0.0).as_secs());
        assert_eq!(waits.collect::<Vec<_>>(), [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(backoff(0, 1.0), Duration::from_millis(750));
        assert_eq!(backoff(u32::MAX, 0.0), LONGEST);
    }
}
