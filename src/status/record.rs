//! What one app on one provider notes of its pushes. It costs a push one atomic addition, and one that was not accepted
//! another access.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::latency::{Latency, LatencyCounts};
use super::problem::{Problem, Problems};
use crate::push::Outcome;

/// Problems of one outcome are looked at once in so many milliseconds, so that an outage costs its pushes no lock.
const NOTE_EVERY_MILLIS: u64 = 100;

/// What one app on one provider notes of its pushes.
#[derive(Debug)]
pub(crate) struct RouteRecord {
    /// Those of all apps.
    problems: Arc<Problems>,
    begun: Instant,
    latency: Latency,
    /// In which of those intervals the last problem was looked at, by outcome.
    noted: [AtomicU64; Outcome::ALL.len()],
}

impl Default for RouteRecord {
    fn default() -> Self {
        Self::new(Arc::default())
    }
}

impl RouteRecord {
    /// Nothing is noted yet. `problems` are those of all apps.
    pub(crate) fn new(problems: Arc<Problems>) -> Self {
        let noted = [const { AtomicU64::new(0) }; Outcome::ALL.len()];
        Self { problems, begun: Instant::now(), latency: Latency::default(), noted }
    }

    /// A push that was handed to its push service has its verdict.
    pub(crate) fn took(&self, took: Duration) {
        self.latency.count(took);
    }

    /// Whether a push with this outcome is worth a look: it is a problem, and no other of its outcome was looked at just now.
    pub(crate) fn is_worth_noting(&self, outcome: Outcome) -> bool {
        if matches!(outcome, Outcome::Accepted | Outcome::Validated) {
            return false;
        }
        // 0 says that none was looked at yet.
        let millis = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let interval = millis / NOTE_EVERY_MILLIS + 1;
        let last = self.noted.get(outcome as usize);
        last.is_some_and(|last| last.swap(interval, Ordering::Relaxed) != interval)
    }

    /// Notes a problem that is worth it.
    pub(crate) fn note(&self, problem: Problem) {
        self.problems.note(problem);
    }

    /// How long its pushes took.
    pub(crate) fn latency(&self) -> LatencyCounts {
        self.latency.counts()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_problem_of_an_outcome_is_noted_in_an_interval() {
        let record = RouteRecord::default();
        assert!(!record.is_worth_noting(Outcome::Accepted));
        assert!(record.is_worth_noting(Outcome::Credential));
        assert!(!record.is_worth_noting(Outcome::Credential));
        assert!(record.is_worth_noting(Outcome::Unregistered), "each outcome has its own");
        tokio::time::advance(Duration::from_millis(NOTE_EVERY_MILLIS)).await;
        assert!(record.is_worth_noting(Outcome::Credential));
    }
}
