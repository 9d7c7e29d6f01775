//! Counts verdicts by their outcome.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::proto::Outcome;

/// How many counters there are: one for each outcome of the contract, and one for outcomes that this program does not know.
const COUNTERS: usize = Outcome::Validated as usize + 2;

/// How many verdicts there are of each outcome, in this run.
pub(super) struct OutcomeCounts([AtomicU64; COUNTERS]);

impl Default for OutcomeCounts {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl OutcomeCounts {
    /// Counts a verdict with this outcome, which is a number of the contract or one that is newer than this program.
    pub(super) fn add(&self, outcome: i32) {
        let number = usize::try_from(outcome).unwrap_or(COUNTERS).min(COUNTERS - 1);
        self.0[number].fetch_add(1, Relaxed);
    }

    pub(super) fn of(&self, outcome: Outcome) -> u64 {
        self.0[outcome as usize].load(Relaxed)
    }

    /// How many verdicts there are of all outcomes together.
    pub(super) fn sum(&self) -> u64 {
        self.0.iter().map(|count| count.load(Relaxed)).sum()
    }

    /// The counts that are not 0, by the names of their outcomes.
    pub(super) fn by_name(&self) -> BTreeMap<&'static str, u64> {
        let name = |number: usize| match i32::try_from(number).map(Outcome::try_from) {
            Ok(Ok(outcome)) => outcome.as_str_name().trim_start_matches("OUTCOME_"),
            Ok(Err(_)) | Err(_) => "OTHER",
        };
        let counts = self.0.iter().map(|count| count.load(Relaxed)).enumerate();
        counts.filter(|(_, count)| *count > 0).map(|(number, count)| (name(number), count)).collect()
    }
}
