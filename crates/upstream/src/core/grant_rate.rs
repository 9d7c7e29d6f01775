//! How fast streams are granted to those who wait, so that somebody can be told at once that the wait is too long.

use std::time::{Duration, Instant};

/// A rate is measured over at least this long.
const WINDOW: Duration = Duration::from_millis(500);

/// A rate is measured over at least as many grants.
const GRANTS: u32 = 20;

/// A rate that was not measured anew for this long says nothing about the next wait.
const GOOD_FOR: Duration = Duration::from_secs(2);

/// How many streams were granted lately in each second, while somebody always waited. Where nobody waits, streams are
/// granted as fast as they are asked for, which says nothing of how many there could be.
#[derive(Debug, Default)]
pub(super) struct GrantRate {
    /// Since when grants are counted: from the first one on, since the time until then says how long answers take and not how
    /// many come.
    since: Option<Instant>,
    granted: u32,
    /// Grants in a second. Each measurement weighs as much as all before it.
    rate: Option<f64>,
}

impl GrantRate {
    /// Begins anew, since somebody waits now and nobody did, or since there are more or fewer streams from now on.
    pub(super) fn begin(&mut self) {
        *self = Self::default();
    }

    /// Somebody who waited was granted a stream.
    pub(super) fn granted(&mut self, now: Instant) {
        if self.since.is_none() {
            self.since = Some(now);
            return;
        }
        self.granted = self.granted.saturating_add(1);
        let passed = self.passed(now);
        if passed < WINDOW || self.granted < GRANTS {
            return;
        }
        let measured = f64::from(self.granted) / passed.as_secs_f64();
        let rate =
            self.rate.filter(|_| passed <= GOOD_FOR).map_or(measured, |rate| f64::midpoint(rate, measured));
        *self = Self { since: Some(now), granted: 0, rate: Some(rate) };
    }

    /// How long so many grants last at this rate; none while the rate is not known.
    pub(super) fn wait(&self, now: Instant, grants: usize) -> Option<Duration> {
        let rate = self.rate.filter(|_| self.passed(now) <= GOOD_FOR)?;
        // The numbers of waiters are far below those that a float rounds.
        Duration::try_from_secs_f64(f64::from(u32::try_from(grants).unwrap_or(u32::MAX)) / rate).ok()
    }

    fn passed(&self, now: Instant) -> Duration {
        self.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Grants so many, one in each millisecond.
    fn grant(rate: &mut GrantRate, from: Instant, grants: u64) -> Instant {
        (1..=grants).for_each(|at| rate.granted(from + Duration::from_millis(at)));
        from + Duration::from_millis(grants)
    }

    #[test]
    fn a_rate_is_known_when_it_was_measured_and_is_forgotten_when_it_was_not_for_long() {
        let (mut rate, begun) = (GrantRate::default(), Instant::now());
        rate.begin();
        let now = grant(&mut rate, begun, 499);
        assert_eq!(rate.wait(now, 10), None);
        let now = grant(&mut rate, begun + Duration::from_millis(499), 2);
        assert_eq!(rate.wait(now, 4000), Some(Duration::from_secs(4)));
        assert_eq!(rate.wait(now + GOOD_FOR, 1000), Some(Duration::from_secs(1)));
        assert_eq!(rate.wait(now + GOOD_FOR + Duration::from_millis(1), 1000), None);
        rate.begin();
        assert_eq!(rate.wait(now, 1000), None, "there are more streams, or fewer");
    }

    #[test]
    fn the_time_until_the_first_answers_is_no_part_of_the_rate() {
        let (mut rate, begun) = (GrantRate::default(), Instant::now());
        let latency = Duration::from_millis(600);
        rate.begin();
        // A thousand streams are free again when the first answers come, all at once.
        (0..1000).for_each(|_| rate.granted(begun + latency));
        assert_eq!(rate.wait(begun + latency, 10_000), None, "not 20 in 600 ms");
        rate.granted(begun + 2 * latency);
        assert_eq!(rate.wait(begun + 2 * latency, 10_000), Some(10 * latency));
    }

    #[test]
    fn a_few_grants_measure_nothing_and_a_new_rate_weighs_half() {
        let (mut rate, begun) = (GrantRate::default(), Instant::now());
        rate.begin();
        rate.granted(begun);
        let second = Duration::from_secs(1);
        (1..u64::from(GRANTS)).for_each(|_| rate.granted(begun + second));
        assert_eq!(rate.wait(begun + second, 20), None);
        rate.granted(begun + second);
        assert_eq!(rate.wait(begun + second, 20), Some(second));
        (1..60).for_each(|_| rate.granted(begun + second));
        rate.granted(begun + 2 * second);
        assert_eq!(rate.wait(begun + 2 * second, 40), Some(second), "twenty a second, and then sixty");
    }
}
