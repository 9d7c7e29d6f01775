//! What the calls of a connection learn of its end.

use tokio_util::sync::CancellationToken;

/// What the calls of a connection learn of its end. Clones tell of the same connection.
#[derive(Debug, Clone, Default)]
pub struct Leaving {
    told_to_go: CancellationToken,
    over: CancellationToken,
}

impl Leaving {
    /// It is cancelled when the caller was told to go, because the gateway drains or the connection has reached its age. Calls
    /// that go on and on end soon after.
    #[must_use]
    pub fn told_to_go(&self) -> &CancellationToken {
        &self.told_to_go
    }

    /// It is cancelled a moment before the connection is closed, whatever calls it has.
    #[must_use]
    pub fn over(&self) -> &CancellationToken {
        &self.over
    }
}
