//! Requests on their way from their callers to the session of their connection.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::exchange::Exchange;
use crate::connection::Connection;

/// Requests on their way from their callers to the session. There are at most as many as there are permits, and those
/// that were taken back since the session last looked.
pub(crate) struct Inbox {
    connection: Arc<Connection>,
    state: Mutex<InboxState>,
}

#[derive(Default)]
struct InboxState {
    handed_over: Vec<Arc<Exchange>>,
    /// Nobody can hand over a request any more, so a connection that drains may end.
    sealed: bool,
    /// The session takes no more requests.
    closed: bool,
}

impl Inbox {
    pub(crate) fn new(connection: Arc<Connection>) -> Arc<Self> {
        Arc::new(Self { connection, state: Mutex::default() })
    }

    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// Hands a request over, or says that the session takes no more.
    pub(super) fn hand_over(&self, exchange: Arc<Exchange>) -> bool {
        let mut state = self.lock();
        if state.closed {
            return false;
        }
        let first = state.handed_over.is_empty();
        state.handed_over.push(exchange);
        drop(state);
        if first {
            self.connection.wake();
        }
        true
    }

    /// Nobody can hand over a request any more.
    pub(super) fn seal(&self) {
        self.lock().sealed = true;
        self.connection.wake();
    }

    /// Whether something was handed over, or nobody can hand anything over any more.
    pub(super) fn look(&self) -> (bool, bool) {
        let state = self.lock();
        (!state.handed_over.is_empty(), state.sealed)
    }

    /// Gives the session what was handed over, in exchange for an empty vector, so that neither is allocated anew.
    pub(super) fn take(&self, empty: &mut Vec<Arc<Exchange>>) {
        mem::swap(&mut self.lock().handed_over, empty);
    }

    /// The session takes no more requests. Returns those that were handed over.
    pub(super) fn close(&self) -> Vec<Arc<Exchange>> {
        let mut state = self.lock();
        state.closed = true;
        mem::take(&mut state.handed_over)
    }

    fn lock(&self) -> MutexGuard<'_, InboxState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
