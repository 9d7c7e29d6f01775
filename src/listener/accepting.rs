//! Whether a listener can accept connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a listener can accept connections. It cannot while the process lacks something for them, most often descriptors.
/// Clones tell of the same listener.
#[derive(Debug, Clone, Default)]
pub struct Accepting {
    lacks: Arc<AtomicBool>,
}

impl Accepting {
    /// Whether it can.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        !self.lacks.load(Ordering::Relaxed)
    }

    pub(super) fn set_possible(&self, possible: bool) {
        self.lacks.store(!possible, Ordering::Relaxed);
    }
}
