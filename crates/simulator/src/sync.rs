//! Locks that outlive a panic, and the signal that wakes whoever waits for a change.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

/// Locks a mutex even after another thread panicked: a test that fails must still be able to read the journal.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The state that was waited for was not reached in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the simulator did not reach the state that was waited for within {waited:?}")]
pub struct NotReached {
    /// How long the wait lasted.
    pub waited: Duration,
}

/// Wakes whoever waits at every change of the journal, the connections and the counters.
#[derive(Debug, Default)]
pub(super) struct ChangeNotifier(Notify);

impl ChangeNotifier {
    pub(super) fn notify(&self) {
        self.0.notify_waiters();
    }

    /// Waits until `reached` returns true. It is called now and after each change, and a change between the call and
    /// the wait is not missed.
    pub(super) async fn wait(
        &self,
        timeout: Duration,
        reached: impl FnMut() -> bool,
    ) -> Result<(), NotReached> {
        self.wait_with_pause(timeout, Duration::ZERO, reached).await
    }

    /// Waits in the same way, with a pause between a change and the next call of a `reached` that is expensive.
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
