//! What is known of a push whose caller leaves before its verdict.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// How often a push was attempted, where one of the attempts may have been delivered; else 0. Dispatch writes it before an
/// attempt leaves and after its answer. Whoever has a clone can read it when the future of the push was dropped.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trail(Arc<AtomicU32>);

impl Trail {
    /// Says so.
    pub(super) fn note(&self, attempts_in_doubt: u32) {
        self.0.store(attempts_in_doubt, Ordering::Release);
    }

    /// How often it was attempted, where it may have been delivered; else 0.
    #[must_use]
    pub(crate) fn in_doubt(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }
}
