//! What comes to a connection beside its calls, which is rare.

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::age::{Age, Due};

/// What comes to a connection beside its calls.
pub(super) enum Event {
    /// The listener ends.
    Stop,
    /// The last call has had its time since then.
    Leave,
    /// The connection has grown older.
    Age(Due),
    /// It is time to look at its counters.
    Look,
}

/// When the next of them comes.
pub(super) struct Events<'a> {
    stop: &'a CancellationToken,
    stopped: bool,
    leave_at: Option<Instant>,
    age: Age,
    look_at: Instant,
}

impl<'a> Events<'a> {
    pub(super) fn new(stop: &'a CancellationToken, age: Age, look_at: Instant) -> Self {
        Self { stop, stopped: false, leave_at: None, age, look_at }
    }

    /// The next look is due then.
    pub(super) fn look_at(&mut self, moment: Instant) {
        self.look_at = moment;
    }

    /// The connection leaves then.
    pub(super) fn leave_at(&mut self, moment: Instant) {
        self.leave_at = Some(moment);
    }

    /// Waits for the next of them.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Event {
        tokio::select! {
            biased;
            () = self.stop.cancelled(), if !self.stopped => {
                self.stopped = true;
                Event::Stop
            }
            () = sleep_until(self.leave_at.unwrap_or(self.look_at)), if self.leave_at.is_some() => {
                self.leave_at = None;
                Event::Leave
            }
            due = self.age.due() => Event::Age(due),
            () = sleep_until(self.look_at) => Event::Look,
        }
    }
}
