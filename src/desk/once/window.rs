//! The window: the table behind a lock, which is held for a moment, with its clock and its metrics.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::digest::Digest;
use super::known::OncePush;
use super::settings::OnceSettings;
use super::table::{Claim, Ended, Table};
use crate::dispatch::Trail;
use crate::metrics::OnceMetrics;
use crate::push::PushResult;

/// The pushes of this process that are not to be sent twice.
pub(in crate::desk) struct OnceWindow {
    table: Mutex<Table>,
    metrics: OnceMetrics,
}

impl OnceWindow {
    pub(in crate::desk) fn new(settings: OnceSettings, metrics: OnceMetrics) -> Self {
        Self { table: Mutex::new(Table::new(settings)), metrics }
    }

    /// Has these limits from now on.
    pub(in crate::desk) fn change(&self, settings: OnceSettings) {
        self.table().change(settings);
    }

    /// What a push is to do now.
    pub(super) fn claim(&self, push: &OncePush) -> Claim {
        let mut table = self.table();
        let claim = table.claim(push, Instant::now());
        self.metrics.entries.set(table.len().cast_signed() as i64);
        drop(table);
        let counter = match &claim {
            Claim::First(_) => &self.metrics.first,
            Claim::Joined(_) => &self.metrics.joined,
            Claim::Recorded(_) => &self.metrics.recorded,
            Claim::Reused => &self.metrics.reused,
            Claim::Full => &self.metrics.full,
        };
        counter.inc();
        claim
    }

    fn end(&self, key: &Digest, ended: Ended) {
        let mut table = self.table();
        let told = table.end(key, ended, Instant::now());
        self.metrics.entries.set(table.len().cast_signed() as i64);
        // Those who wait are woken when the lock is released.
        drop(table);
        drop(told);
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The turn of the first push, which others join until it ends. One that is dropped without a verdict is a push whose caller
/// left: it may have been delivered if an attempt had left, and else the next of those who joined is the first.
pub(super) struct Turn<'a> {
    window: &'a OnceWindow,
    key: Digest,
    trail: Trail,
    result: Option<PushResult>,
}

impl<'a> Turn<'a> {
    /// The turn of a push that may be sent, and leaves this trail.
    pub(super) fn new(window: &'a OnceWindow, push: &OncePush, trail: Trail) -> Self {
        Self { window, key: push.key, trail, result: None }
    }

    /// The push has its verdict.
    pub(super) fn settle(mut self, result: &PushResult) {
        self.result = Some(result.clone());
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let ended = match self.result.take() {
            Some(result) => Ended::Settled(result),
            None => Ended::Left { in_doubt: self.trail.in_doubt() },
        };
        self.window.end(&self.key, ended);
    }
}
