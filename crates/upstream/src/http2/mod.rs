//! HTTP/2: many streams on one connection.

mod driver;
mod exchange;
mod orphan;
mod outbox;
mod owner;

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::SetOnce;

use super::connection::Connection;
use crate::transport::Wire;
use orphan::Orphan;
use outbox::QueuedRequest;

pub(super) use driver::Driver;
pub(super) use owner::{Owner, begin};

/// How requests get onto an HTTP/2 connection: who has one may hand over a request.
#[derive(Clone)]
pub(super) struct Http2(Arc<Way>);

impl Http2 {
    pub(super) fn new(streams: Arc<Streams>) -> Self {
        Self(Arc::new(Way(streams)))
    }

    fn streams(&self) -> &Arc<Streams> {
        &self.0.0
    }
}

/// What those who may hand over share.
struct Way(Arc<Streams>);

/// The last of them is gone: a connection that drains may end.
impl Drop for Way {
    fn drop(&mut self) {
        self.0.sealed.store(true, Ordering::Release);
        self.0.connection.wake();
    }
}

/// What the streams of a connection share.
pub(super) struct Streams {
    connection: Arc<Connection>,
    wire: Arc<Wire>,
    /// Set once h2's connection has been dropped: from then on [`Wire::progress`] is final.
    closed: SetOnce<()>,
    /// Requests on their way to the driver. As many as there are permits at most, and those taken back since it ran.
    outbox: Mutex<Vec<QueuedRequest>>,
    /// Nobody can hand over any more.
    sealed: AtomicBool,
    /// Streams whose callers have left, on their way to the driver. As many as there are permits at most.
    orphans: Mutex<Vec<Orphan>>,
}

impl Streams {
    pub(super) fn new(connection: Arc<Connection>, wire: Arc<Wire>) -> Arc<Self> {
        Arc::new(Self {
            connection,
            wire,
            closed: SetOnce::new(),
            outbox: Mutex::default(),
            sealed: AtomicBool::new(false),
            orphans: Mutex::default(),
        })
    }

    /// Waits until what was written is final.
    async fn closed(&self) {
        self.closed.wait().await;
    }

    /// Takes a request that is to go out.
    fn hand(&self, request: QueuedRequest) {
        let mut outbox = self.outbox();
        let first = outbox.is_empty();
        outbox.push(request);
        drop(outbox);
        if first {
            self.connection.wake();
        }
        // The driver may have looked for the last time.
        if self.closed.get().is_some() {
            self.refuse_handed();
        }
    }

    /// For the driver: what was handed over since it was asked last, in exchange for an empty vector.
    fn take_handed(&self, empty: &mut Vec<QueuedRequest>) {
        mem::swap(&mut *self.outbox(), empty);
    }

    fn refuse_handed(&self) {
        let left = mem::take(&mut *self.outbox());
        left.iter().for_each(QueuedRequest::refuse);
    }

    /// For the driver: nothing is handed over any more. What was, it still takes.
    fn is_sealed(&self) -> bool {
        self.sealed.load(Ordering::Acquire)
    }

    /// Takes an exchange whose caller has left.
    fn adopt(&self, orphan: Orphan) {
        self.orphans().push(orphan);
        self.connection.wake();
        // The driver may have looked for the last time.
        if self.closed.get().is_some() {
            let left = mem::take(&mut *self.orphans());
            drop(left);
        }
    }

    /// For the driver: those who left since it was asked last.
    fn take_orphans(&self) -> Vec<Orphan> {
        mem::take(&mut *self.orphans())
    }

    /// For the driver, when h2's connection has been dropped.
    fn has_closed(&self) {
        // Set once, by the only driver.
        let _ = self.closed.set(());
    }

    fn outbox(&self) -> MutexGuard<'_, Vec<QueuedRequest>> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn orphans(&self) -> MutexGuard<'_, Vec<Orphan>> {
        self.orphans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
