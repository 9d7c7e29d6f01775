//! The one timer of a session: silence, idleness and age, and the deadlines of its requests.

use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::patience::{Patience, UNPROVEN};
use crate::sleep::SleepWatch;

/// How long a connection is read after a write failed. What the peer said before may still arrive, such as a GOAWAY
/// that tells which requests it did not process. The last bytes of a connection have as long to leave.
pub(super) const READ_ON: Duration = Duration::from_secs(1);

/// The one timer of a session. It fires at each tick, and at the earliest deadline.
pub(super) struct Clock {
    patience: Patience,
    sleep: Pin<Box<Sleep>>,
    /// When the timer fires next.
    armed: Instant,
    next_tick: Instant,
    /// No request has to be looked at before. It may have ended in the meantime, so that nothing is found then.
    next_deadline: Option<Instant>,
    opened: Instant,
    /// How many reads had brought bytes at the last tick.
    reads: u64,
    last_read: Instant,
    last_busy: Instant,
    /// When something was last read, whether an answer was owed or not.
    last_heard: Instant,
    /// When the PING was sent that has no answer yet.
    pinged: Option<Instant>,
    /// When the peer was asked whether the connection lives, if nothing was read since.
    probed: Option<Instant>,
    sleep_watch: SleepWatch,
    /// When a failed write was first seen.
    broken: Option<Instant>,
}

/// What a tick sees of the connection.
pub(super) struct Seen {
    /// How many reads have brought bytes.
    pub(super) reads: u64,
    /// Requests have a place on the connection.
    pub(super) busy: bool,
    /// A write failed.
    pub(super) broken: bool,
    /// A good answer came.
    pub(super) proven: bool,
    /// The last PING has no answer yet.
    pub(super) awaits_pong: bool,
}

/// What is due at a tick.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) write_failed: bool,
    pub(super) ping_lost: bool,
    pub(super) ping: bool,
    /// Nothing was read for long, and nothing is owed.
    pub(super) quiet: bool,
    /// The machine slept, and answers are owed.
    pub(super) slept: bool,
    pub(super) idle: bool,
    pub(super) aged: bool,
}

impl Clock {
    pub(super) fn new(patience: Patience, sleep_watch: SleepWatch) -> Self {
        let now = Instant::now();
        let next_tick = now + patience.tick();
        Self {
            patience,
            sleep: Box::pin(sleep_until(next_tick)),
            armed: next_tick,
            next_tick,
            next_deadline: None,
            opened: now,
            reads: 0,
            last_read: now,
            last_busy: now,
            last_heard: now,
            pinged: None,
            probed: None,
            sleep_watch,
            broken: None,
        }
    }

    /// Something has to be looked at by then.
    pub(super) fn by(&mut self, moment: Instant) {
        if self.next_deadline.is_none_or(|next| moment < next) {
            self.next_deadline = Some(moment);
        }
    }

    /// Something was read.
    pub(super) fn heard(&mut self, now: Instant) {
        self.last_heard = now;
        self.probed = None;
    }

    /// The peer was asked whether the connection lives.
    pub(super) fn probed(&mut self, now: Instant) {
        self.probed = Some(now);
        self.tick_after(now, self.patience.probe, now);
    }

    /// The next tick comes as soon as this wait is over, so that nobody waits longer, or uses what is quiet by then.
    fn tick_after(&mut self, since: Instant, wait: Duration, now: Instant) {
        if let Some(over) = since.checked_add(wait)
            && over > now
        {
            self.next_tick = self.next_tick.min(over);
        }
    }

    /// Whether a deadline may have come. Who looks says anew when the next one comes.
    pub(super) fn deadline_came(&mut self, now: Instant) -> bool {
        self.next_deadline.take_if(|next| *next <= now).is_some()
    }

    /// Whether it is time for the next tick.
    pub(super) fn ticks(&mut self, now: Instant) -> bool {
        let due = self.next_tick <= now;
        if due {
            self.next_tick = now + self.patience.tick();
        }
        due
    }

    /// Wakes the session when there is something to look at.
    pub(super) fn arm(&mut self, cx: &mut Context<'_>) {
        let next = self.next_deadline.map_or(self.next_tick, |deadline| deadline.min(self.next_tick));
        // A timer that fires too early costs less than one that is set anew for each request.
        if next < self.armed || self.sleep.is_elapsed() {
            self.armed = next;
            self.sleep.as_mut().reset(next);
        }
        if self.sleep.as_mut().poll(cx).is_ready() {
            // The moment came during this turn, so the next one looks.
            cx.waker().wake_by_ref();
        }
    }

    /// Judges silence, PINGs, idleness and age.
    pub(super) fn tick(&mut self, now: Instant, seen: &Seen) -> Due {
        let read = seen.reads != self.reads;
        self.reads = seen.reads;
        if read || !seen.busy {
            self.last_read = now;
        }
        if seen.busy || read {
            self.last_busy = now;
        }
        if !seen.awaits_pong {
            self.pinged = None;
        }
        if let Some(probed) = self.probed {
            self.tick_after(probed, self.patience.probe, now);
        }
        if !seen.busy {
            self.tick_after(self.last_heard, self.patience.probe_after, now);
        }
        let part = if seen.proven { 1 } else { UNPROVEN };
        let mut due = Due {
            write_failed: seen.broken && now - *self.broken.get_or_insert(now) >= READ_ON,
            ping_lost: self.probed.is_some_and(|probed| now - probed >= self.patience.probe)
                || self.pinged.is_some_and(|pinged| now - pinged >= self.patience.ping / part),
            quiet: !seen.busy && now - self.last_heard >= self.patience.probe_after,
            slept: self.sleep_watch.slept(now) && seen.busy,
            idle: now - self.last_busy >= self.patience.idle,
            aged: now - self.opened >= self.patience.age,
            ping: false,
        };
        if self.pinged.is_none() && now - self.last_read >= self.patience.ping_after / part {
            self.pinged = Some(now);
            due.ping = true;
        }
        due
    }
}
