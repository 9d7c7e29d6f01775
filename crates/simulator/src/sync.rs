//! Locks that outlive a panic, and the bell that wakes whoever waits for a change.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

/// A guard, also after another thread panicked: a test that fails must still read the journal.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The state that was waited for did not come in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the simulator did not reach the state that was waited for within {waited:?}")]
pub struct NotReached {
    /// How long the wait lasted.
    pub waited: Duration,
}

/// Rung at every change of the journal and of the counters.
#[derive(Debug, Default)]
pub(super) struct ChangeNotifier(Notify);

impl ChangeNotifier {
    pub(super) fn notify(&self) {
        self.0.notify_waiters();
    }

    /// Waits until `reached` holds. It is asked now and after each ring, and a ring between
    /// the question and the wait is not lost.
    pub(super) async fn wait(
        &self,
        timeout: Duration,
        reached: impl FnMut() -> bool,
    ) -> Result<(), NotReached> {
        self.wait_with_pause(timeout, Duration::ZERO, reached).await
    }

    /// The same, with a pause between a ring and the next question, for one that costs.
    pub(super) async fn wait_with_pause(
        &self,
        timeout: Duration,
        pause: Duration,
        mut reached: impl FnMut() -> bool,
    ) -> Result<(), NotReached> {
        let waiting = async {
            loop {
                let mut notify = std::pin::pin!(self.0.notified());
                notify.as_mut().enable();
                if reached() {
                    return;
                }
                notify.await;
                if !pause.is_zero() {
                    tokio::time::sleep(pause).await;
                }
            }
        };
        tokio::time::timeout(timeout, waiting).await.map_err(|_| NotReached { waited: timeout })
    }
}
