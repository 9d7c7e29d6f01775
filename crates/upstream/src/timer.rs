//! One timer, of which only the earliest moment counts.

use tokio::task::AbortHandle;
use tokio::time::Instant;

/// Fires at the earliest moment that it was armed for; who armed it for a later one arms it again when it has fired.
#[derive(Default)]
pub(crate) struct Timer(Option<(Instant, AbortHandle)>);

impl Timer {
    /// Lets `task` run for a moment, in place of a later one.
    pub(crate) fn arm(&mut self, at: Instant, task: impl FnOnce() -> AbortHandle) {
        if self.0.as_ref().is_none_or(|(armed, _)| at < *armed) {
            self.disarm();
            self.0 = Some((at, task()));
        }
    }

    /// The moment has come.
    pub(crate) fn fired(&mut self, at: Instant) {
        self.0.take_if(|(armed, _)| *armed == at);
    }

    /// Nothing fires any more.
    pub(crate) fn disarm(&mut self) {
        if let Some((_, task)) = self.0.take() {
            task.abort();
        }
    }
}
