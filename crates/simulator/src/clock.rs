//! The clock of the simulator: real time, which a test can move forward.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Real time plus what [`Clock::advance`] added.
///
/// It decides whether tokens have expired, fills quotas, and dates answers and journal entries. Latencies and delays
/// pass in real time, since they are waits and not dates.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    ahead_ms: Arc<AtomicU64>,
}

impl Clock {
    /// Moves the clock forward. The clock counts milliseconds.
    pub fn advance(&self, by: Duration) {
        // A step beyond the largest time stops there.
        let farther = |ahead: u64| Some(ahead.saturating_add(millis(by)));
        let _ = self.ahead_ms.fetch_update(Ordering::SeqCst, Ordering::SeqCst, farther);
    }

    /// Returns to real time. What was dated ahead of it stays so.
    pub(super) fn reset(&self) {
        self.ahead_ms.store(0, Ordering::SeqCst);
    }

    /// Returns by how many milliseconds the clock is ahead of real time.
    pub fn ahead_ms(&self) -> u64 {
        self.ahead_ms.load(Ordering::SeqCst)
    }

    /// Returns the time in milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> u64 {
        let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        millis(real).saturating_add(self.ahead_ms.load(Ordering::SeqCst))
    }

    /// Returns the time in whole seconds since the Unix epoch.
    pub fn now_s(&self) -> u64 {
        self.now_ms() / 1000
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_advanced_clock_is_ahead_in_every_copy() {
        let clock = Clock::default();
        let copy = clock.clone();
        let before = clock.now_ms();
        clock.advance(Duration::from_secs(3600));
        assert!(copy.now_ms() >= before + 3_600_000);
    }
}
