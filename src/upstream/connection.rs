//! One HTTP/2 connection, as its streams share it. The task that drives it is in `driver`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use h2::client::SendRequest;
use tokio::sync::SetOnce;

use super::cause::Ending;
use super::exchange::Orphan;
use super::pool::Pool;
use crate::transport::Wire;

/// A connection's number in its process, from 1.
pub(super) type ConnectionId = u64;

/// What the streams of a connection share.
pub(super) struct Connection {
    id: ConnectionId,
    wire: Arc<Wire>,
    /// Set once h2's connection has been dropped: from then on [`Wire::progress`] is final.
    closed: SetOnce<()>,
    /// A good answer came.
    proven: AtomicBool,
    /// The driver is to end now, for this cause.
    aborted: SetOnce<Ending>,
    /// Streams whose callers have left, on their way to the driver. As many as there are permits at most.
    orphans: Mutex<Vec<Orphan>>,
    driver: AtomicWaker,
}

impl Connection {
    pub(super) fn new(id: ConnectionId, wire: Arc<Wire>) -> Self {
        Self {
            id,
            wire,
            closed: SetOnce::new(),
            proven: AtomicBool::new(false),
            aborted: SetOnce::new(),
            orphans: Mutex::new(Vec::new()),
            driver: AtomicWaker::new(),
        }
    }

    pub(super) fn id(&self) -> ConnectionId {
        self.id
    }

    pub(super) fn wire(&self) -> &Wire {
        &self.wire
    }

    /// Waits until what was written is final.
    pub(super) async fn closed(&self) {
        self.closed.wait().await;
    }

    /// An answer came. The first good one proves the connection: the credential is good where the peer has
    /// anything else to say, and the peer is well where it does not fail.
    pub(super) fn answered(&self, pool: &Arc<Pool>, status: http::StatusCode) {
        let good = !matches!(status.as_u16(), 401 | 403 | 500..);
        if good && !self.is_proven() && !self.proven.swap(true, Ordering::Relaxed) {
            pool.proven(self.id);
        }
    }

    /// Whether a good answer came.
    pub(super) fn is_proven(&self) -> bool {
        self.proven.load(Ordering::Relaxed)
    }

    /// Ends the connection, with whatever is in flight.
    pub(super) fn abort(&self, why: Ending) {
        // The first cause stands.
        let _ = self.aborted.set(why);
        self.driver.wake();
    }

    /// Takes an exchange whose caller has left.
    pub(super) fn adopt(&self, orphan: Orphan) {
        self.orphans().push(orphan);
        self.driver.wake();
        // The driver may have looked for the last time.
        if self.closed.get().is_some() {
            let left = std::mem::take(&mut *self.orphans());
            drop(left);
        }
    }

    /// For the driver: who wakes it.
    pub(super) fn driven_by(&self, waker: &Waker) {
        self.driver.register(waker);
    }

    /// For the driver: why it is to end now.
    pub(super) fn aborted(&self) -> Option<Ending> {
        self.aborted.get().copied()
    }

    /// For the driver: those who left since it was asked last.
    pub(super) fn take_orphans(&self) -> Vec<Orphan> {
        std::mem::take(&mut *self.orphans())
    }

    /// For the driver, when h2's connection has been dropped.
    pub(super) fn has_closed(&self) {
        // Set once, by the only driver.
        let _ = self.closed.set(());
    }

    fn orphans(&self) -> MutexGuard<'_, Vec<Orphan>> {
        self.orphans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A permit's place on a connection: one stream. Returned when dropped.
pub(super) struct Slot {
    connection: Arc<Connection>,
    sender: SendRequest<Bytes>,
    pool: Arc<Pool>,
}

impl Slot {
    pub(super) fn new(connection: Arc<Connection>, sender: SendRequest<Bytes>, pool: Arc<Pool>) -> Self {
        Self { connection, sender, pool }
    }

    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    pub(super) fn sender(&mut self) -> &mut SendRequest<Bytes> {
        &mut self.sender
    }

    pub(super) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// The connection takes no new streams.
    pub(super) fn retire(&self, why: Ending) {
        self.pool.drain(self.connection.id, why);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.pool.release(self.connection.id);
    }
}
