//! How long a connection may be idle, and how long it may take no answers.

use std::time::Duration;

use tokio::time::Instant;

use super::connection::Counts;
use super::settings::ListenerSettings;

/// How many times a wait is looked at before it is over, which is by how much of it an end comes late.
const LOOKS: u32 = 4;

/// What becomes of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It goes on.
    GoOn,
    /// It had no calls for long, and is told to go.
    TellToGo,
    /// It was told to go and has no calls, or takes no answers.
    Close,
}

/// Compares what the counters of a connection say with what they said before.
pub(super) struct Patience {
    idle_timeout: Duration,
    answer_stall_timeout: Duration,
    own_stall_timeout: Duration,
    before: Counts,
    idle_since: Instant,
    stalled_since: Instant,
    told_to_go: bool,
}

impl Patience {
    pub(super) fn new(settings: &ListenerSettings, counts: Counts, now: Instant) -> Self {
        Self {
            idle_timeout: settings.idle_timeout,
            answer_stall_timeout: settings.answer_stall_timeout,
            own_stall_timeout: settings.own_stall_timeout,
            before: counts,
            idle_since: now,
            stalled_since: now,
            told_to_go: false,
        }
    }

    /// Returns how often to look.
    pub(super) fn pause(&self) -> Duration {
        let pause = self.idle_timeout.min(self.answer_stall_timeout) / LOOKS;
        pause.max(Duration::from_millis(1))
    }

    /// Decides by what the counters say now.
    pub(super) fn look(&mut self, counts: Counts, now: Instant) -> Step {
        let before = std::mem::replace(&mut self.before, counts);
        let is_busy = |counts: Counts| counts.calls > 0 || counts.waiting > 0;
        // What began or ended since the last look did so at an unknown moment, so its time is counted from now.
        if is_busy(before) || is_busy(counts) || before.calls_ever != counts.calls_ever {
            self.idle_since = now;
        }
        if before.waiting == 0 || counts.waiting == 0 || before.taken_ever != counts.taken_ever {
            self.stalled_since = now;
        }
        let own = if counts.watched_by_themselves > 0 { self.own_stall_timeout } else { Duration::ZERO };
        if now - self.stalled_since >= self.answer_stall_timeout + own {
            return Step::Close;
        }
        if self.told_to_go {
            return if is_busy(counts) { Step::GoOn } else { Step::Close };
        }
        self.told_to_go = now - self.idle_since >= self.idle_timeout;
        if self.told_to_go { Step::TellToGo } else { Step::GoOn }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Counts =
        Counts { calls: 0, calls_ever: 0, waiting: 0, taken_ever: 0, watched_by_themselves: 0 };
    const SECOND: Duration = Duration::from_secs(1);

    fn patience(now: Instant) -> Patience {
        let mut settings = ListenerSettings::on(([127, 0, 0, 1], 0).into());
        settings.idle_timeout = 100 * SECOND;
        settings.answer_stall_timeout = 60 * SECOND;
        settings.own_stall_timeout = 30 * SECOND;
        Patience::new(&settings, NONE, now)
    }

    #[test]
    fn an_idle_connection_is_told_and_then_closed_unless_a_call_came_meanwhile() {
        let now = Instant::now();
        let mut patience = patience(now);
        let short = Counts { calls_ever: 1, ..NONE };
        assert_eq!(patience.look(NONE, now + 99 * SECOND), Step::GoOn);
        assert_eq!(patience.look(short, now + 100 * SECOND), Step::GoOn, "a call came and went");
        assert_eq!(patience.look(short, now + 199 * SECOND), Step::GoOn);
        assert_eq!(patience.look(short, now + 200 * SECOND), Step::TellToGo);
        let late = Counts { calls: 1, calls_ever: 2, ..NONE };
        assert_eq!(patience.look(late, now + 201 * SECOND), Step::GoOn);
        assert_eq!(patience.look(Counts { calls: 0, ..late }, now + 202 * SECOND), Step::Close);
    }

    #[test]
    fn answers_stall_where_none_of_them_is_taken() {
        let now = Instant::now();
        let mut patience = patience(now);
        let waits = Counts { calls: 9, calls_ever: 9, waiting: 2, ..NONE };
        assert_eq!(
            patience.look(waits, now + 50 * SECOND),
            Step::GoOn,
            "they may be ready since a moment ago"
        );
        assert_eq!(patience.look(waits, now + 109 * SECOND), Step::GoOn);
        let taken = Counts { taken_ever: 1, ..waits };
        assert_eq!(patience.look(taken, now + 110 * SECOND), Step::GoOn);
        let streams = Counts { watched_by_themselves: 1, ..taken };
        assert_eq!(
            patience.look(streams, now + 199 * SECOND),
            Step::GoOn,
            "batches have a rule of their own"
        );
        assert_eq!(patience.look(streams, now + 200 * SECOND), Step::Close);
    }

    #[test]
    fn a_call_without_an_answer_is_waited_for() {
        let now = Instant::now();
        let mut patience = patience(now);
        let works = Counts { calls: 1, calls_ever: 1, ..NONE };
        for seconds in 1..10_000 {
            assert_eq!(patience.look(works, now + seconds * SECOND), Step::GoOn);
        }
    }
}
