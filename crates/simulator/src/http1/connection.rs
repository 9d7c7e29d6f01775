//! What is known of one HTTP/1.1 connection, and what is done to it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;

use crate::connection_info::ConnectionInfo;
use crate::fault::HangUp;
use crate::journal::{EntryId, Journal, RequestOutcome};
use crate::service::Service;
use crate::sync::lock;

/// How the simulator ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    HangUp(HangUp),
    /// Nothing is read, written or closed any more.
    Stalled,
}

/// One HTTP/1.1 connection.
pub(crate) struct Http1Connection {
    pub(crate) id: u64,
    pub(crate) service: Service,
    journal: Arc<Journal>,
    state: Mutex<Http1State>,
    changed: Notify,
}

#[derive(Default)]
struct Http1State {
    requests: u64,
    whole: u64,
    busy: bool,
    /// The answer that goes out next.
    announced: Option<(EntryId, RequestOutcome)>,
    /// Whether the connection closes after the next answer.
    closing: bool,
    throttle: Option<(usize, Duration)>,
    /// Whether an answer was scripted whose body may not arrive in whole.
    mangled: bool,
    end: Option<End>,
}

impl Http1Connection {
    pub(super) fn new(id: u64, service: Service, journal: Arc<Journal>) -> Self {
        Self { id, service, journal, state: Mutex::default(), changed: Notify::new() }
    }

    /// Counts a request that has arrived, and returns its place on the connection.
    pub(super) fn arrive(&self) -> u64 {
        let mut state = lock(&self.state);
        state.busy = true;
        state.requests += 1;
        state.requests
    }

    /// Counts a request that was read in full.
    pub(super) fn read(&self) {
        lock(&self.state).whole += 1;
    }

    /// Announces an answer before hyper gets it.
    pub(super) fn announce(&self, entry: EntryId, outcome: RequestOutcome) {
        lock(&self.state).announced = Some((entry, outcome));
    }

    /// Notes that the body of the next answer may not arrive in whole.
    pub(super) fn mangle(&self) {
        lock(&self.state).mangled = true;
    }

    /// Notes that the socket took bytes. There is one exchange at a time, so they belong to the announced answer.
    pub(super) fn wrote(&self) {
        let mut state = lock(&self.state);
        let Some((entry, outcome)) = state.announced.take() else { return };
        state.busy = false;
        drop(state);
        self.journal.conclude(entry, outcome);
    }

    /// Whether every announced answer has begun to go out.
    pub(super) fn is_answered(&self) -> bool {
        lock(&self.state).announced.is_none()
    }

    /// Whether the connection closes after this answer.
    pub(super) fn is_closing(&self) -> bool {
        lock(&self.state).closing
    }

    /// Makes the connection close after its next answer. The result is true if none is under way.
    pub(crate) fn close_after_answer(&self) -> bool {
        let mut state = lock(&self.state);
        state.closing = true;
        !state.busy
    }

    /// Limits writing to `bytes` in each step of `every`, from now on.
    pub(crate) fn throttle_to(&self, bytes: usize, every: Duration) {
        lock(&self.state).throttle = Some((bytes.max(1), every));
    }

    pub(super) fn throttle(&self) -> Option<(usize, Duration)> {
        lock(&self.state).throttle
    }

    pub(crate) fn end(&self, end: End) {
        lock(&self.state).end = Some(end);
        self.changed.notify_one();
    }

    /// Waits until the simulator ends the connection.
    pub(super) async fn ended(&self) -> End {
        self.changed_to(|state| state.end).await
    }

    /// Waits until a stalled connection is hung up.
    pub(super) async fn hung_up(&self) -> HangUp {
        let hung_up = |state: &Http1State| match state.end {
            Some(End::HangUp(how)) => Some(how),
            Some(End::Stalled) | None => None,
        };
        self.changed_to(hung_up).await
    }

    async fn changed_to<T>(&self, wanted: impl Fn(&Http1State) -> Option<T>) -> T {
        loop {
            if let Some(found) = wanted(&lock(&self.state)) {
                return found;
            }
            self.changed.notified().await;
        }
    }

    pub(crate) fn info(&self, open: bool) -> ConnectionInfo {
        let state = lock(&self.state);
        ConnectionInfo {
            id: self.id,
            service: self.service,
            open,
            streams: usize::from(open && state.busy),
            peak_streams: usize::from(state.requests > 0),
            limit: 1,
            acknowledged_limit: None,
            limit_violations: 0,
            requests: state.requests,
            whole: state.whole,
            disturbed: state.throttle.is_some() || state.mangled || state.end.is_some(),
            unheard: state.throttle.is_some() || state.end.is_some(),
            client: None,
            received: 0,
        }
    }
}
