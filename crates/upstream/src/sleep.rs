//! Whether the machine slept. The network goes on meanwhile, and forgets connections.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// The wall clock. Tests put their own in.
pub(crate) type WallClock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// By how much more than the monotonic clock the wall clock has to advance. No middlebox forgets a connection sooner, and
/// clocks that are adjusted slowly never come so far apart between two looks.
const SLEPT: Duration = Duration::from_secs(5);

/// Tells from two clocks whether the machine slept between two looks: the monotonic clock stands still then, and the wall
/// clock does not. Source: `clock_gettime(2)` on CLOCK_MONOTONIC, by which timers run. A wall clock that is set forward
/// looks like sleep, and one that is set back like none.
pub(crate) struct SleepWatch {
    wall_clock: WallClock,
    looked: Instant,
    said: SystemTime,
}

impl SleepWatch {
    pub(crate) fn new(wall_clock: &WallClock) -> Self {
        Self { looked: Instant::now(), said: wall_clock(), wall_clock: Arc::clone(wall_clock) }
    }

    /// Whether the machine slept since the last look.
    pub(crate) fn slept(&mut self, now: Instant) -> bool {
        let said = (self.wall_clock)();
        let ran = now.saturating_duration_since(self.looked);
        let passed = said.duration_since(self.said).unwrap_or(Duration::ZERO);
        (self.looked, self.said) = (now, said);
        passed.saturating_sub(ran) > SLEPT
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_a_wall_clock_that_runs_ahead_says_that_the_machine_slept() {
        let wall = Arc::new(Mutex::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1000)));
        let shown = Arc::clone(&wall);
        let mut watch = SleepWatch::new(&(Arc::new(move || *shown.lock().unwrap()) as WallClock));
        let seconds = Duration::from_secs;
        for (ran, ahead, slept) in [
            (seconds(3600), seconds(3600), false),
            (seconds(0), seconds(5), false),
            (seconds(1), seconds(7), true),
            (seconds(1), seconds(1), false),
            (seconds(3600), seconds(0), false),
            (seconds(10), seconds(1_000_000), true),
        ] {
            tokio::time::advance(ran).await;
            *wall.lock().unwrap() += ahead;
            assert_eq!(watch.slept(Instant::now()), slept, "{ran:?} {ahead:?}");
        }
        *wall.lock().unwrap() = SystemTime::UNIX_EPOCH;
        assert!(!watch.slept(Instant::now()), "it was set back");
    }
}
