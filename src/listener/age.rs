//! How old a connection grows. Callers that keep their connections never find gateways that were started later, so each
//! connection is told to go after a while, and its caller opens another one.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// A connection lives for up to this part longer or shorter than the setting says, so that connections that were opened
/// together do not all leave together. Source: gRFC A9, `MAX_CONNECTION_AGE`, "a random jitter of +/-10%".
const JITTER: f64 = 0.1;

/// How long the last messages of calls that were ended may take to leave before the connection is closed.
const LAST_MESSAGES: Duration = Duration::from_secs(2);

/// How old the connections of a listener grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgeSettings {
    /// After this time a connection is told to go.
    pub most: Duration,
    /// How long the calls that it has then may go on.
    pub grace: Duration,
}

/// What is due for a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// It is told to go.
    TellToGo,
    /// Its calls have had their time: those that have something to say say it now.
    EndCalls,
    /// It is closed.
    Close,
}

/// The age of one connection.
pub(super) struct Age {
    grace: Duration,
    next: Option<(Instant, Due)>,
}

impl Age {
    /// The age of a connection that is opened now. `chance` is in 0..1.
    pub(super) fn new(settings: Option<AgeSettings>, now: Instant, chance: f64) -> Self {
        let next = settings.map(|settings| {
            let part = 1.0 - JITTER + 2.0 * JITTER * chance;
            (now + settings.most.mul_f64(part), Due::TellToGo)
        });
        Self { grace: settings.map_or(Duration::ZERO, |settings| settings.grace), next }
    }

    /// Waits for what is due next.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(super) async fn due(&mut self) -> Due {
        let Some((at, due)) = self.next else { return std::future::pending().await };
        sleep_until(at).await;
        // The grace is what calls have from when they were told, however late that was.
        let now = Instant::now();
        self.next = match due {
            Due::TellToGo => Some((now + self.grace, Due::EndCalls)),
            Due::EndCalls => Some((now + LAST_MESSAGES, Due::Close)),
            Due::Close => None,
        };
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_told_its_calls_end_and_it_is_closed() {
        let settings = AgeSettings { most: 100 * SECOND, grace: 30 * SECOND };
        for (chance, told) in [(0.0, 90), (0.5, 100), (1.0, 110)] {
            let born = Instant::now();
            let mut age = Age::new(Some(settings), born, chance);
            for (due, after) in [(Due::TellToGo, told), (Due::EndCalls, told + 30), (Due::Close, told + 32)] {
                assert_eq!(age.due().await, due);
                assert_eq!(born.elapsed().as_secs_f64().round(), f64::from(after), "{due:?}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_listener_without_an_age_keeps_its_connections() {
        let mut age = Age::new(None, Instant::now(), 0.5);
        assert!(tokio::time::timeout(1_000_000 * SECOND, age.due()).await.is_err());
    }
}
