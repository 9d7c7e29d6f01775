//! How long somebody is told to wait who found no room.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// The wait where there was room until now.
const FIRST: Duration = Duration::from_millis(200);

/// The longest wait, before up to half of it is added.
const LONGEST: Duration = Duration::from_secs(20);

/// The wait doubles with so many more refusals.
const DOUBLES_AFTER: u32 = 64;

/// After so many refusals the wait is the longest.
const MOST: u32 = 7 * DOUBLES_AFTER;

/// How much more often somebody found no room than room. While more come than find room, it rises, and the longer waits
/// let fewer come.
#[derive(Debug, Default)]
pub(super) struct Pressure(AtomicU32);

impl Pressure {
    /// Somebody found no room. Returns how long to wait: at random up to half as long again as others, so that those who
    /// were refused together do not come back together.
    pub(super) fn refused(&self) -> Duration {
        let more = |refusals: u32| Some((refusals + 1).min(MOST));
        let (Ok(before) | Err(before)) = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        let wait = FIRST.saturating_mul(1 << (before / DOUBLES_AFTER)).min(LONGEST);
        wait + wait.mul_f64(fastrand::f64() / 2.0)
    }

    /// Somebody found room.
    pub(super) fn admitted(&self) {
        if self.0.load(Ordering::Relaxed) > 0 {
            let less = |refusals: u32| refusals.checked_sub(1);
            _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_with_refusals_and_falls_as_room_is_found() {
        let pressure = Pressure::default();
        let within = |wait: Duration, least: Duration| least <= wait && wait <= least.mul_f64(1.5);
        assert!(within(pressure.refused(), FIRST));
        (1..DOUBLES_AFTER).for_each(|_| assert!(within(pressure.refused(), FIRST)));
        (0..DOUBLES_AFTER).for_each(|_| assert!(within(pressure.refused(), 2 * FIRST)));
        (0..1000).for_each(|_| _ = pressure.refused());
        assert!(within(pressure.refused(), LONGEST), "it is bounded");
        (0..MOST).for_each(|_| pressure.admitted());
        assert!(within(pressure.refused(), FIRST), "what was found makes up for what was not");
    }
}
