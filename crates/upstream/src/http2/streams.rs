//! What the requests of a connection share with its task.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::SetOnce;

use super::orphan::Orphan;
use super::outbox::QueuedRequest;
use crate::connection::Connection;
use crate::transport::Wire;

/// What the requests of a connection share with its task.
pub(crate) struct Streams {
    pub(super) connection: Arc<Connection>,
    pub(super) wire: Arc<Wire>,
    /// It is set once h2's connection has been dropped. From then on [`Wire::progress`] is final.
    closed: SetOnce<()>,
    /// Requests on their way to the task. There are at most as many as there are permits, and those that were taken
    /// back since the task last ran.
    outbox: Mutex<Vec<QueuedRequest>>,
    /// Nobody can hand over a request any more.
    sealed: AtomicBool,
    /// Exchanges whose callers have left, on their way to the task. There are at most as many as there are permits.
    orphans: Mutex<Vec<Orphan>>,
}

impl Streams {
    pub(crate) fn new(connection: Arc<Connection>, wire: Arc<Wire>) -> Arc<Self> {
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
    pub(super) async fn closed(&self) {
        self.closed.wait().await;
    }

    /// Takes a request that is to go out.
    pub(super) fn hand_over(&self, request: QueuedRequest) {
        let mut outbox = self.outbox();
        let first = outbox.is_empty();
        outbox.push(request);
        drop(outbox);
        if first {
            self.connection.wake();
        }
        // The task may have looked into the outbox for the last time.
        if self.closed.get().is_some() {
            self.refuse_handed_over();
        }
    }

    /// Gives the task what was handed over since it last asked, in exchange for an empty vector.
    pub(super) fn take_handed_over(&self, empty: &mut Vec<QueuedRequest>) {
        mem::swap(&mut *self.outbox(), empty);
    }

    pub(super) fn refuse_handed_over(&self) {
        let left = mem::take(&mut *self.outbox());
        left.iter().for_each(QueuedRequest::refuse);
    }

    /// Nobody can hand over a request any more, so a connection that drains may end.
    pub(super) fn seal(&self) {
        self.sealed.store(true, Ordering::Release);
        self.connection.wake();
    }

    /// Whether nobody can hand over a request any more. The task still takes those that were handed over before.
    pub(super) fn is_sealed(&self) -> bool {
        self.sealed.load(Ordering::Acquire)
    }

    /// Takes an exchange whose caller has left.
    pub(super) fn adopt(&self, orphan: Orphan) {
        self.orphans().push(orphan);
        self.connection.wake();
        // The task may have looked for orphans for the last time.
        if self.closed.get().is_some() {
            let left = mem::take(&mut *self.orphans());
            drop(left);
        }
    }

    /// Gives the task the exchanges that were left since it last asked.
    pub(super) fn take_orphans(&self) -> Vec<Orphan> {
        mem::take(&mut *self.orphans())
    }

    /// The task says that h2's connection has been dropped.
    pub(super) fn has_closed(&self) {
        // It is set once, since a connection has one task.
        let _ = self.closed.set(());
    }

    fn outbox(&self) -> MutexGuard<'_, Vec<QueuedRequest>> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn orphans(&self) -> MutexGuard<'_, Vec<Orphan>> {
        self.orphans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
