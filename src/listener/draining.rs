//! Whether a gateway drains.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a gateway drains. HTTP/1.1 has no GOAWAY: that a connection ends is said by an answer, or seen when it is closed, and a
/// call that is on its way then is lost. So from the beginning of a drain each answer ends its connection, for as long as calls
/// are taken as before. Clones tell of the same gateway.
#[derive(Debug, Clone, Default)]
pub struct Draining(Arc<AtomicBool>);

impl Draining {
    /// Notes that it drains from now on.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it drains.
    pub(super) fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
