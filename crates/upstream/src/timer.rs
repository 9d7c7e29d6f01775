//! One timer, for which only the earliest moment counts.

use tokio::task::AbortHandle;
use tokio::time::Instant;

/// Fires at the earliest moment that it was armed for. Who armed it for a later moment arms it again when it has fired.
#[derive(Default)]
pub(crate) struct Timer {
    armed: Option<(Instant, AbortHandle)>,
    closed: bool,
}

impl Timer {
    /// Spawns `task`, which is to fire at `at`, in place of a task for a later moment. Does nothing where an earlier
    /// moment is armed, or the timer is closed.
    pub(crate) fn arm(&mut self, at: Instant, task: impl FnOnce() -> AbortHandle) {
        if !self.closed && self.armed.as_ref().is_none_or(|(armed, _)| at < *armed) {
            self.disarm();
            self.armed = Some((at, task()));
        }
    }

    /// The moment `at` has come.
    pub(crate) fn fired(&mut self, at: Instant) {
        self.armed.take_if(|(armed, _)| *armed == at);
    }

    /// Lets nothing fire any more, whoever still arms it.
    pub(crate) fn close(&mut self) {
        self.closed = true;
        self.disarm();
    }

    fn disarm(&mut self) {
        if let Some((_, task)) = self.armed.take() {
            task.abort();
        }
    }
}
