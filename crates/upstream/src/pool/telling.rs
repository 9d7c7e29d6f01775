//! How the shell tells the core what happened.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::{Effects, Pool, PoolState};
use crate::connect_error::ConnectError;
use crate::core::Event;
use crate::opening::ConnectionHandle;

impl Pool {
    /// Tells the core what happened, and does what it says.
    pub(super) fn on(&self, event: Event<ConnectionHandle, Arc<ConnectError>>) {
        let now = Instant::now();
        let mut effects = Effects::new();
        self.tell_core(&mut self.lock(), now, event, &mut effects);
        self.perform(now, effects);
    }

    /// Tells the core what happened, under the lock, and keeps what it says of answers.
    pub(super) fn tell_core(
        &self,
        state: &mut PoolState,
        now: Instant,
        event: Event<ConnectionHandle, Arc<ConnectError>>,
        effects: &mut Effects,
    ) {
        state.core.on(now.into_std(), event, effects);
        self.counts_answers.store(state.core.counts_answers(), Ordering::Relaxed);
    }
}
