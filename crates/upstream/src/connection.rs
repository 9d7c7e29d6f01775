//! One connection, whichever protocol it speaks, as its pool and its requests know it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

use futures_util::task::AtomicWaker;
use tokio::sync::SetOnce;

use crate::breaker::Probe;
use crate::cause::EndCause;
use crate::core::{ConnectionEvent, ConnectionId};
use crate::failure::Symptom;
use crate::goaway::GoAway;
use crate::observe::Report;

/// The pool behind a connection, as the connection knows it.
pub(crate) trait Hub: Send + Sync + 'static {
    /// Something happened on a connection.
    fn tell(&self, connection: ConnectionId, event: ConnectionEvent);
    /// So many grants of a connection came back. It is the same as [`ConnectionEvent::Returned`] for each of them.
    fn returned(&self, connection: ConnectionId, grants: usize);
    /// The peer said GOAWAY on a connection.
    fn goaway(&self, connection: ConnectionId, goaway: &GoAway);
    /// Whether every answer is to be told. The first of a connection is, in any case.
    fn hears_answers(&self) -> bool;
    /// How many streams of a connection are in use.
    fn in_use(&self, connection: ConnectionId) -> usize;
    /// Reports something to the pool's observer.
    fn report(&self, report: Report<'_>);
}

/// One connection. Its pool, its task and its requests share it.
pub(crate) struct Connection {
    id: ConnectionId,
    hub: Arc<dyn Hub>,
    /// Whether a good answer came.
    proven: AtomicBool,
    /// Whether an answer came which says that the peer is well.
    heard: AtomicBool,
    /// The task is to end at once, for this cause.
    aborted: SetOnce<EndCause>,
    /// The task is to ask the peer whether the connection lives.
    probe: AtomicBool,
    /// Wakes the task.
    driver: AtomicWaker,
}

impl Connection {
    pub(crate) fn new(id: ConnectionId, hub: Arc<dyn Hub>) -> Arc<Self> {
        let [proven, heard, probe] = [const { AtomicBool::new(false) }; 3];
        let (aborted, driver) = (SetOnce::new(), AtomicWaker::new());
        Arc::new(Self { id, hub, proven, heard, aborted, probe, driver })
    }

    pub(crate) fn id(&self) -> ConnectionId {
        self.id
    }

    /// Tells the pool what happened.
    pub(crate) fn tell(&self, event: ConnectionEvent) {
        self.hub.tell(self.id, event);
    }

    /// Gives places back that were taken together, so that the pool is locked once for all of them.
    pub(crate) fn give_back(&self, slots: impl Iterator<Item = Slot>) {
        let mut count = 0;
        for mut slot in slots {
            slot.returned = true;
            drop(slot);
            count += 1;
        }
        if count > 0 {
            self.hub.returned(self.id, count);
        }
    }

    /// Tells the pool that the peer said GOAWAY.
    pub(crate) fn goaway(&self, goaway: &GoAway) {
        self.hub.goaway(self.id, goaway);
    }

    /// Lets the connection take no new requests.
    pub(crate) fn retire(&self, why: EndCause) {
        self.tell(ConnectionEvent::Drains(why));
    }

    /// How many streams are in use.
    pub(crate) fn in_use(&self) -> usize {
        self.hub.in_use(self.id)
    }

    /// Reports something to the pool's observer.
    pub(crate) fn report(&self, report: Report<'_>) {
        self.hub.report(report);
    }

    /// An answer came. The first good one proves the connection: a peer that says anything but 401 and 403 takes the
    /// credential, and a peer that says no 5xx is well.
    ///
    /// Returns whether the answer has to be [counted](Self::well): it says that the peer is well, and somebody wants to
    /// know. What a 5xx says of the peer, its caller knows alone.
    #[must_use]
    pub(crate) fn answered(&self, status: http::StatusCode) -> bool {
        let well = !status.is_server_error() && status.as_u16() < 600;
        let good = well && !matches!(status.as_u16(), 401 | 403);
        if good && !self.is_proven() && !self.proven.swap(true, Ordering::Relaxed) {
            self.heard.store(true, Ordering::Relaxed);
            self.tell(ConnectionEvent::Proven);
        }
        let first = well && !self.heard.load(Ordering::Relaxed) && !self.heard.swap(true, Ordering::Relaxed);
        first || well && self.hub.hears_answers()
    }

    /// So many answers came that say that the peer is well.
    pub(crate) fn well(&self, answers: u32) {
        if answers > 0 {
            self.tell(ConnectionEvent::Answered(answers));
        }
    }

    /// The peer failed on this connection.
    pub(crate) fn failed(&self, symptom: Symptom) {
        self.tell(ConnectionEvent::Failed(symptom, None));
    }

    /// Whether a good answer came.
    pub(crate) fn is_proven(&self) -> bool {
        self.proven.load(Ordering::Relaxed)
    }

    /// Ends the connection at once, with whatever is in flight.
    pub(crate) fn abort(&self, why: EndCause) {
        // Only the first cause is kept.
        let _ = self.aborted.set(why);
        self.driver.wake();
    }

    /// Lets the task ask the peer whether the connection lives.
    pub(crate) fn probe(&self) {
        self.probe.store(true, Ordering::Release);
        self.driver.wake();
    }

    /// Whether the task was told to ask the peer since this was last called.
    pub(crate) fn take_probe(&self) -> bool {
        self.probe.load(Ordering::Relaxed) && self.probe.swap(false, Ordering::Acquire)
    }

    /// Registers the waker of the task.
    pub(crate) fn driven_by(&self, waker: &Waker) {
        self.driver.register(waker);
    }

    /// Wakes the task of the connection.
    pub(crate) fn wake(&self) {
        self.driver.wake();
    }

    /// Why the task has to end at once, if it has to.
    pub(crate) fn aborted(&self) -> Option<EndCause> {
        self.aborted.get().copied()
    }
}

/// The right to probe a peer that failed, until this is dropped.
pub(crate) struct HeldProbe {
    connection: Arc<Connection>,
    probe: Probe,
}

impl HeldProbe {
    pub(crate) fn new(connection: &Arc<Connection>, probe: Probe) -> Self {
        Self { connection: Arc::clone(connection), probe }
    }
}

impl Drop for HeldProbe {
    fn drop(&mut self) {
        self.connection.tell(ConnectionEvent::ProbeOver(self.probe));
    }
}

/// A place on a connection for one request. It returns to the pool when it is dropped.
pub(crate) struct Slot {
    connection: Arc<Connection>,
    /// It was given back with others.
    returned: bool,
}

impl Slot {
    /// The place that a grant of the pool stands for.
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        Self { connection, returned: false }
    }

    pub(crate) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if !self.returned {
            self.connection.hub.returned(self.connection.id, 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::AtomicU32;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct RecordingHub(Mutex<Vec<ConnectionEvent>>);

    impl Hub for RecordingHub {
        fn tell(&self, _: ConnectionId, event: ConnectionEvent) {
            self.0.lock().unwrap().push(event);
        }

        fn returned(&self, _: ConnectionId, grants: usize) {
            self.0.lock().unwrap().extend(std::iter::repeat_n(ConnectionEvent::Returned, grants));
        }

        fn goaway(&self, _: ConnectionId, _: &GoAway) {}

        fn in_use(&self, _: ConnectionId) -> usize {
            0
        }

        fn hears_answers(&self) -> bool {
            false
        }

        fn report(&self, _: Report<'_>) {}
    }

    #[test]
    fn only_the_first_good_answer_proves_a_connection() {
        let hub = Arc::new(RecordingHub::default());
        let connection = Connection::new(1, Arc::clone(&hub) as Arc<dyn Hub>);
        for bad in [401, 403, 500, 503] {
            let counts = connection.answered(http::StatusCode::from_u16(bad).unwrap());
            assert_eq!(counts, bad == 401, "the first that says that the peer is well");
            assert!(!connection.is_proven() && hub.0.lock().unwrap().is_empty(), "{bad}");
        }
        assert!(!connection.answered(http::StatusCode::BAD_REQUEST));
        assert!(!connection.answered(http::StatusCode::OK));
        assert!(connection.is_proven());
        assert_eq!(*hub.0.lock().unwrap(), [ConnectionEvent::Proven]);
        drop(Slot::new(connection));
        assert_eq!(*hub.0.lock().unwrap(), [ConnectionEvent::Proven, ConnectionEvent::Returned]);
    }

    #[test]
    fn the_task_of_a_connection_is_woken_to_end_and_the_first_cause_stands() {
        #[derive(Default)]
        struct Woken(AtomicU32);
        impl Wake for Woken {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let (connection, woken) =
            (Connection::new(1, Arc::new(RecordingHub::default())), Arc::new(Woken::default()));
        let task = Waker::from(Arc::clone(&woken));
        connection.driven_by(&task);
        connection.wake();
        connection.driven_by(&task);
        assert_eq!(connection.aborted(), None);
        connection.abort(EndCause::Evicted);
        connection.abort(EndCause::Shutdown);
        assert_eq!(connection.aborted(), Some(EndCause::Evicted));
        assert_eq!(woken.0.load(Ordering::Relaxed), 2);
    }
}
