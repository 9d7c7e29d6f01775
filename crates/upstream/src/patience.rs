//! How long a connection may be silent, idle and old.

use std::time::Duration;

/// How long a connection may be silent, idle and old.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// How long a peer that owes answers may be silent before a PING is sent.
    pub(crate) ping_after: Duration,
    /// How long the answer to a PING may take.
    pub(crate) ping: Duration,
    /// How long an HTTP/2 connection that owes nothing may be silent before it is asked whether it lives.
    pub(crate) probe_after: Duration,
    /// How long it may take to say so.
    pub(crate) probe: Duration,
    /// How long an HTTP/2 connection may have no streams.
    pub(crate) idle: Duration,
    /// How long an HTTP/1.1 connection may have no request.
    pub(crate) idle_http1: Duration,
    /// After which time another connection takes its place.
    pub(crate) age: Duration,
}

/// A connection that has brought no good answer yet gets this part of the patience with silence, since the whole peer
/// may wait for it.
pub(crate) const UNPROVEN: u32 = 5;

impl Patience {
    /// How often the task of a connection looks at the clock.
    pub(crate) fn tick(&self) -> Duration {
        let pings = (self.ping_after / UNPROVEN).min(self.ping / UNPROVEN).min(self.probe_after);
        let shortest = pings.min(self.idle).min(self.age);
        (shortest / 2).clamp(Duration::from_millis(10), Duration::from_secs(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_looked_at_twice_in_the_shortest_wait_there_may_be() {
        let long = Duration::from_secs(60);
        let (ping_after, ping, probe_after, probe) = (long, long, long, long);
        let patience =
            Patience { ping_after, ping, probe_after, probe, idle: long, idle_http1: long, age: long };
        assert_eq!(patience.tick(), Duration::from_secs(1));
        let wait = Duration::from_millis(400);
        let unproven = wait * UNPROVEN;
        for patience in [
            Patience { ping_after: unproven, ..patience },
            Patience { ping: unproven, ..patience },
            Patience { probe_after: wait, ..patience },
            Patience { idle: wait, ..patience },
            Patience { age: wait, ..patience },
        ] {
            assert_eq!(patience.tick(), wait / 2, "{patience:?}");
        }
        assert_eq!(Patience { age: Duration::ZERO, ..patience }.tick(), Duration::from_millis(10));
    }
}
