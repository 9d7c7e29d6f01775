//! One connection, whichever protocol it speaks: what its pool and its requests know of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

use futures_util::task::AtomicWaker;
use tokio::sync::SetOnce;
use tokio::time::Instant;

use super::cause::EndCause;
use super::http1::Http1;
use super::http2::Http2;
use super::pool::Pool;

/// A connection's number in its process, from 1.
pub(super) type ConnectionId = u64;

/// What the requests of a connection share.
pub(super) struct Connection {
    id: ConnectionId,
    /// A good answer came.
    proven: AtomicBool,
    /// Its task is to end now, for this cause.
    aborted: SetOnce<EndCause>,
    driver: AtomicWaker,
}

impl Connection {
    pub(super) fn new(id: ConnectionId) -> Arc<Self> {
        let (proven, aborted, driver) = (AtomicBool::new(false), SetOnce::new(), AtomicWaker::new());
        Arc::new(Self { id, proven, aborted, driver })
    }

    pub(super) fn id(&self) -> ConnectionId {
        self.id
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
    pub(super) fn abort(&self, why: EndCause) {
        // The first cause stands.
        let _ = self.aborted.set(why);
        self.driver.wake();
    }

    /// For its task: who wakes it.
    pub(super) fn driven_by(&self, waker: &Waker) {
        self.driver.register(waker);
    }

    /// Wakes its task.
    pub(super) fn wake(&self) {
        self.driver.wake();
    }

    /// For its task: why it is to end now.
    pub(super) fn aborted(&self) -> Option<EndCause> {
        self.aborted.get().copied()
    }
}

/// How requests get onto a connection.
#[derive(Clone)]
pub(super) enum Sender {
    Http2(Http2),
    Http1(Http1),
}

/// What a permit stands for: a place on a connection, and the way onto it.
pub(super) struct Granted {
    pub(super) sender: Sender,
    pub(super) slot: Slot,
    /// When it was.
    pub(super) at: Instant,
}

/// A place on a connection: one request. Returned when dropped.
pub(super) struct Slot {
    connection: Arc<Connection>,
    pool: Arc<Pool>,
}

impl Slot {
    pub(super) fn new(connection: Arc<Connection>, pool: Arc<Pool>) -> Self {
        Self { connection, pool }
    }

    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// The connection takes no new requests.
    pub(super) fn retire(&self, why: EndCause) {
        self.pool.drain(self.connection.id, why);
    }

    /// An answer came.
    pub(super) fn answered(&self, status: http::StatusCode) {
        self.connection.answered(&self.pool, status);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.pool.release(self.connection.id);
    }
}
