//! HTTP/2: many streams on one connection.

mod driver;
mod exchange;
mod orphan;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use h2::client::SendRequest;
use tokio::sync::SetOnce;

use super::connection::Connection;
use crate::transport::Wire;
use orphan::Orphan;

pub(super) use driver::Driver;
pub(super) use exchange::{Owner, begin};

/// How requests get onto an HTTP/2 connection.
#[derive(Clone)]
pub(super) struct Http2 {
    streams: Arc<Streams>,
    sender: SendRequest<Bytes>,
}

impl Http2 {
    pub(super) fn new(streams: Arc<Streams>, sender: SendRequest<Bytes>) -> Self {
        Self { streams, sender }
    }
}

/// What the streams of a connection share.
pub(super) struct Streams {
    connection: Arc<Connection>,
    wire: Arc<Wire>,
    /// Set once h2's connection has been dropped: from then on [`Wire::progress`] is final.
    closed: SetOnce<()>,
    /// Streams whose callers have left, on their way to the driver. As many as there are permits at most.
    orphans: Mutex<Vec<Orphan>>,
}

impl Streams {
    pub(super) fn new(connection: Arc<Connection>, wire: Arc<Wire>) -> Arc<Self> {
        Arc::new(Self { connection, wire, closed: SetOnce::new(), orphans: Mutex::default() })
    }

    /// Waits until what was written is final.
    async fn closed(&self) {
        self.closed.wait().await;
    }

    /// Takes an exchange whose caller has left.
    fn adopt(&self, orphan: Orphan) {
        self.orphans().push(orphan);
        self.connection.wake();
        // The driver may have looked for the last time.
        if self.closed.get().is_some() {
            let left = std::mem::take(&mut *self.orphans());
            drop(left);
        }
    }

    /// For the driver: those who left since it was asked last.
    fn take_orphans(&self) -> Vec<Orphan> {
        std::mem::take(&mut *self.orphans())
    }

    /// For the driver, when h2's connection has been dropped.
    fn has_closed(&self) {
        // Set once, by the only driver.
        let _ = self.closed.set(());
    }

    fn orphans(&self) -> MutexGuard<'_, Vec<Orphan>> {
        self.orphans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
