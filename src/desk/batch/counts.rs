//! How far a batch is.

use crate::push::Outcome;

/// How far a batch is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct BatchCounts {
    /// Items that were read.
    pub items_read: u64,
    /// Whether nothing more is read, since the gateway is shutting down or the connection has reached its age.
    pub draining: bool,
    /// In the order of `Outcome::ALL`, which is that of its variants.
    settled: [u64; Outcome::ALL.len()],
}

impl BatchCounts {
    /// Items that have this outcome, for each outcome that there was.
    pub(crate) fn by_outcome(&self) -> impl Iterator<Item = (Outcome, u64)> {
        Outcome::ALL.into_iter().zip(self.settled).filter(|(_, items)| *items > 0)
    }

    /// Items that have their result.
    #[must_use]
    pub(crate) fn settled(&self) -> u64 {
        self.settled.iter().sum()
    }

    /// One more item has its result.
    pub(crate) fn settle(&mut self, outcome: Outcome) {
        self.settled[outcome as usize] += 1;
    }
}
