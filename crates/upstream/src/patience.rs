//! How long a connection is waited for, and how long it lives.

use std::time::Duration;

/// When a connection is given up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Silence, with answers outstanding, after which a PING is sent.
    pub(super) ping_after: Duration,
    /// From a PING to its answer.
    pub(super) ping: Duration,
    /// Without streams.
    pub(super) idle: Duration,
    /// The same, where the connection speaks HTTP/1.1.
    pub(super) idle_http1: Duration,
    /// In all; then another takes its place.
    pub(super) age: Duration,
}

/// What a connection that has brought no good answer yet gets of the patience: while it is the only one, the
/// whole peer waits for it.
pub(super) const UNPROVEN: u32 = 5;

impl Patience {
    /// How often the driver looks at the clock.
    pub(super) fn tick(&self) -> Duration {
        let shortest = (self.ping_after / UNPROVEN).min(self.ping / UNPROVEN).min(self.idle).min(self.age);
        (shortest / 2).clamp(Duration::from_millis(10), Duration::from_secs(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_looked_at_twice_in_the_shortest_wait_there_may_be() {
        let long = Duration::from_secs(60);
        let patience = Patience { ping_after: long, ping: long, idle: long, idle_http1: long, age: long };
        assert_eq!(patience.tick(), Duration::from_secs(1));
        let wait = Duration::from_millis(400);
        let unproven = wait * UNPROVEN;
        for patience in [
            Patience { ping_after: unproven, ..patience },
            Patience { ping: unproven, ..patience },
            Patience { idle: wait, ..patience },
            Patience { age: wait, ..patience },
        ] {
            assert_eq!(patience.tick(), wait / 2, "{patience:?}");
        }
        assert_eq!(Patience { age: Duration::ZERO, ..patience }.tick(), Duration::from_millis(10));
    }
}
