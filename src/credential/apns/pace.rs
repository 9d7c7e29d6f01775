//! When a provider token may, and when it must, be made anew. The functions are pure: the time is an argument.
//!
//! Source: Apple, "Establishing a token-based connection to APNs": no more often than every 20
//! minutes, no less often than every 60.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// The shortest time between two tokens.
pub(super) const MIN_INTERVAL: Duration = Duration::from_secs(20 * 60);

/// The age at which a token is renewed. APNs refuses one of 60 minutes; ten of them are left for pushes
/// under way, for clocks that differ, and for another try.
pub(super) const RENEW_AT: Duration = Duration::from_secs(50 * 60);

/// How far a token may seem to be issued in the future before the clock is taken to have been wrong.
pub(super) const MAX_AHEAD: Duration = Duration::from_secs(60);

/// When the newest token was made, by both clocks.
///
/// The monotonic clock paces renewals, because nobody can set it. The wall clock ages the token, because it
/// goes on while the machine sleeps, and APNs judges by it.
#[derive(Debug, Clone, Copy)]
pub(super) struct ProviderTokenPace {
    issued_at: SystemTime,
    not_before: Instant,
}

impl ProviderTokenPace {
    /// Begins the pace of a token that was made now.
    pub(super) fn made(now: Instant, issued_at: SystemTime) -> Self {
        Self { issued_at, not_before: now + MIN_INTERVAL }
    }

    /// Begins the pace where no token could be made: one is due, and may be made at once.
    pub(super) fn none_made(now: Instant) -> Self {
        Self { issued_at: UNIX_EPOCH, not_before: now }
    }

    /// Forbids another token for the shortest interval from now on.
    pub(super) fn hold(&mut self, now: Instant) {
        self.not_before = self.not_before.max(now + MIN_INTERVAL);
    }

    /// When the present token was made.
    pub(super) fn issued_at(&self) -> SystemTime {
        self.issued_at
    }

    /// Whether another token may be made.
    pub(super) fn may_renew(&self, now: Instant) -> bool {
        self.not_before <= now
    }

    /// Whether APNs will soon refuse the present token, or does already.
    pub(super) fn is_due(&self, now: SystemTime) -> bool {
        match now.duration_since(self.issued_at) {
            Ok(age) => age >= RENEW_AT,
            Err(ahead) => ahead.duration() > MAX_AHEAD,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_due_when_old_or_from_the_future() {
        let issued_at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let pace = ProviderTokenPace::made(Instant::now(), issued_at);
        let second = Duration::from_secs(1);
        assert!(!pace.is_due(issued_at));
        assert!(!pace.is_due(issued_at + RENEW_AT - second));
        assert!(pace.is_due(issued_at + RENEW_AT));
        assert!(!pace.is_due(issued_at - MAX_AHEAD));
        assert!(pace.is_due(issued_at - MAX_AHEAD - second));
    }

    #[test]
    fn another_token_waits_for_twenty_minutes_and_for_a_hold() {
        let start = Instant::now();
        let mut pace = ProviderTokenPace::made(start, SystemTime::UNIX_EPOCH);
        let minutes = |minutes: u64| start + Duration::from_secs(60 * minutes);
        assert!(!pace.may_renew(minutes(19)));
        assert!(pace.may_renew(minutes(20)));
        pace.hold(minutes(15));
        assert!(!pace.may_renew(minutes(34)));
        assert!(pace.may_renew(minutes(35)));
    }
}
