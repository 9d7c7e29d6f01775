//! Whether the receiver of a feed takes its events. Each change is a line in the log.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::receiver::Problem;

/// What is wrong with a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// It takes nothing, and the events wait.
    Waits,
    /// It refuses events, which are dropped.
    Refuses,
    /// It wants nothing any more, and the events are dropped.
    Gone,
}

/// A receiver that does not take its events.
#[derive(Debug, Clone)]
pub(crate) struct FailureLook {
    pub(crate) kind: FailureKind,
    pub(crate) since: Instant,
    pub(crate) why: String,
    pub(crate) remedy: &'static str,
    /// How many events were dropped since.
    pub(crate) dropped: u64,
}

/// Whether the receiver takes its events.
#[derive(Debug, Default)]
pub(super) struct Standing(Mutex<Option<FailureLook>>);

impl Standing {
    pub(super) fn look(&self) -> Option<FailureLook> {
        self.lock().clone()
    }

    /// The receiver did not take a batch, of which so many events are dropped.
    pub(super) fn failed(&self, feed: &str, kind: FailureKind, problem: Problem, dropped: usize) {
        let Problem { why, remedy } = problem;
        let told = {
            let mut failing = self.lock();
            let before = failing.take();
            let is_told = before.as_ref().is_some_and(|before| before.kind == kind);
            let since = before.as_ref().map_or_else(Instant::now, |before| before.since);
            let dropped = before.map_or(0, |before| before.dropped) + dropped as u64;
            *failing = Some(FailureLook { kind, since, why: why.clone(), remedy, dropped });
            is_told
        };
        if told {
            return;
        }
        match kind {
            FailureKind::Waits => tracing::error!(
                feed,
                why,
                remedy,
                "the receiver of a feed takes no events: they wait, and are sent again"
            ),
            FailureKind::Refuses => tracing::error!(
                feed,
                why,
                remedy,
                dropped,
                "the receiver of a feed refuses events: they are dropped"
            ),
            FailureKind::Gone => tracing::error!(
                feed,
                why,
                remedy,
                dropped,
                "the receiver of a feed wants no events any more: they are dropped"
            ),
        }
    }

    /// So many events were given up, since the receiver did not take them in time.
    pub(super) fn expired(&self, feed: &str, events: usize) {
        let first = {
            let mut failing = self.lock();
            let Some(failing) = failing.as_mut() else { return };
            let first = failing.dropped == 0;
            failing.dropped += events as u64;
            first
        };
        if first {
            let dropped = events;
            tracing::error!(
                feed,
                dropped,
                "a feed drops events that its receiver did not take in feed.max_age"
            );
        }
    }

    /// The receiver took a batch.
    pub(super) fn took(&self, feed: &str) {
        let Some(FailureLook { since, dropped, .. }) = self.lock().take() else { return };
        tracing::info!(feed, after = ?since.elapsed(), dropped, "the receiver of a feed takes events again");
    }

    fn lock(&self) -> MutexGuard<'_, Option<FailureLook>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
