//! Whether a gateway drains.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// For so long a connection over HTTP/1.1 is kept that has no call when its listener ends. A call that was sent before its caller
/// could know has come by then: half a round trip is less, and so is the time from a connect to its first call.
pub(super) const LAST_CALL: Duration = Duration::from_secs(1);

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
