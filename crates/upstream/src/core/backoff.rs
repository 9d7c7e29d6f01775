//! How long a peer is left alone after connects to it failed.

use std::time::{Duration, Instant};

/// Counts failed connects, and connections that ended before a good answer, since the last good answer.
#[derive(Debug)]
pub(super) struct Backoff<E> {
    least: Duration,
    most: Duration,
    random: fastrand::Rng,
    failures: u32,
    not_before: Option<Instant>,
    last_error: Option<E>,
    /// The last error says that no connection may be made at all.
    forbidden: bool,
}

impl<E: Clone> Backoff<E> {
    pub(super) fn new(least: Duration, most: Duration, seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        Self { least, most, random, failures: 0, not_before: None, last_error: None, forbidden: false }
    }

    /// The moment from which on the next connect may begin.
    pub(super) fn earliest(&self, now: Instant) -> Instant {
        self.not_before.unwrap_or(now)
    }

    /// Whether no connect may begin at this moment.
    pub(super) fn holds(&self, now: Instant) -> bool {
        self.not_before.is_some_and(|moment| moment > now)
    }

    /// Why the last connect failed, if none has succeeded since.
    pub(super) fn last_error(&self) -> Option<E> {
        self.last_error.clone()
    }

    /// The last error, if it says that no connection may be made at all.
    pub(super) fn forbidden(&self) -> Option<E> {
        if self.forbidden { self.last_error() } else { None }
    }

    /// A connect failed.
    pub(super) fn failed(&mut self, now: Instant, error: E, forbidden: bool) {
        self.back_off(now);
        (self.last_error, self.forbidden) = (Some(error), forbidden);
    }

    /// A connection was opened. Only a good answer ends the backoff.
    pub(super) fn connected(&mut self) {
        self.last_error = None;
    }

    /// The next connect begins without a wait, since the breaker has waited.
    pub(super) fn skip(&mut self) {
        self.not_before = None;
    }

    /// A good answer came.
    pub(super) fn proven(&mut self) {
        (self.failures, self.not_before, self.last_error) = (0, None, None);
    }

    /// Makes the next connect wait: not at all after the first failure, then for the least time, which doubles, less a
    /// random part of up to a half. Source: Apple asks not to reconnect repeatedly ("Establishing a connection to
    /// APNs").
    pub(super) fn back_off(&mut self, now: Instant) {
        if self.holds(now) {
            // Of several connections that fail together, one counts.
            return;
        }
        self.failures = self.failures.saturating_add(1);
        let Some(doublings) = self.failures.checked_sub(2) else { return };
        let wait = self.least.saturating_mul(1 << doublings.min(16)).min(self.most);
        self.not_before = Some(now + wait.mul_f64(0.5 + self.random.f64() / 2.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_fails_is_left_alone_for_longer_each_time() {
        let (least, most) = (Duration::from_secs(1), Duration::from_secs(60));
        let mut backoff = Backoff::new(least, most, 7);
        let mut now = Instant::now();
        backoff.failed(now, "refused", false);
        assert!(!backoff.holds(now), "the first is tried again at once");
        for doublings in 0..40 {
            backoff.failed(now, "refused", false);
            let longest = most.min(least * (1 << doublings.min(10)));
            let until = backoff.earliest(now);
            assert!(until - now >= longest / 2 && until - now <= longest, "{:?} {longest:?}", until - now);
            backoff.failed(now, "refused", false);
            assert_eq!(backoff.earliest(now), until, "of several that fail together one counts");
            now = until;
        }
        backoff.connected();
        assert!(backoff.last_error().is_none());
        backoff.failed(now, "refused", false);
        assert!(backoff.holds(now), "a connection alone proves nothing");
        backoff.proven();
        assert!(!backoff.holds(now));
    }
}
