//! When the token of an origin may, and when it must, be made anew. The functions are pure: the times are
//! arguments.

use std::time::Duration;

use tokio::time::Instant;

/// How long a token is valid, in seconds: half of what RFC 8292 allows.
pub(super) const LIFE: u64 = 12 * 60 * 60;

/// How far its end may lie ahead of a request, in seconds. Source: RFC 8292, section 2.
pub(super) const FURTHEST_END: u64 = 24 * 60 * 60;

/// What is left for clocks that differ and for the way to the push service, in seconds.
const MARGIN: u64 = 5 * 60;

/// The shortest time between two tokens for an origin.
///
/// Source: Apple, "Sending web push notifications in web apps and browsers": no more often than once an hour.
pub(super) const MIN_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// When the newest token of an origin ends, and when another may follow.
///
/// The wall clock ages a token, because push services judge by it. The monotonic clock paces renewals, because nobody
/// can set it.
#[derive(Debug, Clone, Copy)]
pub(super) struct VapidTokenPace {
    /// Seconds since the Unix epoch.
    ends_at: u64,
    not_before: Instant,
}

impl VapidTokenPace {
    /// Begins the pace of a token that was made at `wall`, in seconds since the Unix epoch.
    pub(super) fn made(now: Instant, wall: u64) -> Self {
        Self { ends_at: wall.saturating_add(LIFE), not_before: now + MIN_INTERVAL }
    }

    /// Returns the end of the token, in seconds since the Unix epoch.
    pub(super) fn ends_at(&self) -> u64 {
        self.ends_at
    }

    /// Whether another may be made, as seldom as push services want it.
    pub(super) fn may_renew(&self, now: Instant) -> bool {
        self.not_before <= now
    }

    /// Whether the token is to be replaced now: at half of its life, when another may be made; and at once where
    /// the wall clock was set so that every push service would refuse it.
    pub(super) fn is_due(&self, now: Instant, wall: u64) -> bool {
        !self.is_valid(wall) || (!self.is_fresh(wall) && self.may_renew(now))
    }

    /// Whether push services take the token. After the clock was ahead, the end of the token may be too far away.
    pub(super) fn is_valid(&self, wall: u64) -> bool {
        (MARGIN..=FURTHEST_END - MARGIN).contains(&self.remaining(wall))
    }

    fn is_fresh(&self, wall: u64) -> bool {
        (LIFE / 2 + 1..LIFE + LIFE / 2).contains(&self.remaining(wall))
    }

    fn remaining(&self, wall: u64) -> u64 {
        self.ends_at.saturating_sub(wall)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALL: u64 = 1_700_000_000;
    const HOUR: u64 = 60 * 60;

    #[test]
    fn a_token_is_due_at_half_its_life_and_when_the_clock_was_wrong() {
        let start = Instant::now();
        let pace = VapidTokenPace::made(start, WALL);
        let an_hour_on = start + MIN_INTERVAL;
        assert_eq!(pace.ends_at(), WALL + 12 * HOUR);
        for (wall, due) in [
            (WALL, false),
            (WALL + 6 * HOUR - 1, false),
            (WALL + 6 * HOUR, true),
            (WALL - 6 * HOUR + 1, false),
            (WALL - 6 * HOUR, true),
        ] {
            assert_eq!(pace.is_due(an_hour_on, wall), due, "{wall}");
            assert!(!pace.is_due(start, wall), "{wall}: within the hour");
        }
    }

    #[test]
    fn a_token_that_would_be_refused_waits_for_no_hour() {
        let start = Instant::now();
        let pace = VapidTokenPace::made(start, WALL);
        for (wall, due) in [
            (WALL + 12 * HOUR - MARGIN, false),
            (WALL + 12 * HOUR - MARGIN + 1, true),
            (u64::MAX, true),
            (WALL - 12 * HOUR + MARGIN, false),
            (WALL - 12 * HOUR + MARGIN - 1, true),
            (0, true),
        ] {
            assert_eq!(pace.is_due(start, wall), due, "{wall}");
            assert_eq!(pace.is_valid(wall), !due, "{wall}");
        }
    }
}
