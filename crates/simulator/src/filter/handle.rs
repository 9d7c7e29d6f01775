//! How a service steers the filter of one connection, and what both know of its frames.

use std::sync::{Mutex, MutexGuard};
use std::task::Context;
use std::time::Duration;

use super::advertised::AdvertisedSettings;
use super::state::{AnnouncedAnswer, Http2State, Recorders};
use crate::connection_info::ConnectionInfo;
use crate::decision::FollowUp;
use crate::fault::{AfterGoAway, HangUp};
use crate::journal::{EntryId, RequestOutcome};
use crate::service::Service;
use crate::socket::Remote;
use crate::sync::lock;

/// Whether the service may still answer a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Serve,
    /// The stream was reset, excluded or cancelled already, and the journal knows.
    Gone,
}

/// The frames and faults of one HTTP/2 connection, which the filter and the service share.
pub(crate) struct FilterHandle {
    pub(crate) id: u64,
    pub(crate) service: Service,
    remote: Remote,
    pub(super) recorders: Recorders,
    state: Mutex<Http2State>,
}

impl FilterHandle {
    pub(crate) fn new(
        id: u64,
        service: Service,
        remote: Remote,
        advertised: AdvertisedSettings,
        recorders: Recorders,
    ) -> Self {
        Self { id, service, remote, recorders, state: Mutex::new(Http2State::new(advertised)) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, Http2State> {
        lock(&self.state)
    }

    /// Locks the state for the task of the connection, which is woken when the state changes.
    pub(super) fn watched(&self, cx: &Context<'_>) -> MutexGuard<'_, Http2State> {
        let mut state = self.state();
        if !state.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            state.waker = Some(cx.waker().clone());
        }
        state
    }

    /// Ties a stream to its journal entry.
    pub(crate) fn attach(&self, stream: u32, entry: EntryId) -> Admission {
        let mut state = self.state();
        if let Some(open) = state.streams.get_mut(&stream) {
            open.entry = Some(entry);
            return Admission::Serve;
        }
        let outcome = match state.cut.get(&stream) {
            Some(outcome) => Some(outcome.clone()),
            None if stream > state.last_served => Some(RequestOutcome::Excluded),
            None => None,
        };
        drop(state);
        if let Some(outcome) = outcome {
            self.recorders.journal.conclude(entry, outcome);
        }
        Admission::Gone
    }

    /// Announces the answer of a stream before h2 gets it.
    pub(crate) fn announce(&self, stream: u32, announced: AnnouncedAnswer) {
        if let Some(open) = self.state().streams.get_mut(&stream) {
            open.announced = Some(announced);
        }
    }

    /// Whether the stream has ended.
    pub(crate) fn is_gone(&self, stream: u32) -> bool {
        !self.state().streams.contains_key(&stream)
    }

    /// Whether the headers of the answer are on the wire, or the stream has ended.
    pub(crate) fn is_answered(&self, stream: u32) -> bool {
        self.state().streams.get(&stream).is_none_or(|open| open.answered)
    }

    /// Sends RST_STREAM with each of `codes`. A stream that has closed already is left alone.
    pub(crate) fn reset(&self, stream: u32, codes: &[u32]) {
        self.change(|state| state.reset(&self.recorders, stream, codes));
    }

    /// Sends GOAWAY. Streams above `last` that have no answer yet will never get one.
    pub(crate) fn goaway(&self, last: u32, code: u32, reason: Option<&str>, then: AfterGoAway) {
        let debug_data = match (self.service, reason) {
            (_, None) => String::new(),
            (Service::Apns(_), Some(reason)) => serde_json::json!({ "reason": reason }).to_string(),
            // The front end of Google writes plain words.
            (_, Some(reason)) => reason.to_owned(),
        };
        self.change(|state| state.goaway(&self.recorders, last, code, debug_data.as_bytes(), then));
    }

    /// Returns the highest stream id that arrived.
    pub(crate) fn highest(&self) -> u32 {
        self.state().highest
    }

    /// Raises the limit for a good provider token before its answer goes out.
    pub(crate) fn authorise(&self, follow_up: FollowUp) {
        if matches!(follow_up, FollowUp::Authorised(_)) {
            self.change(|state| state.after_answer(&self.recorders, follow_up));
        }
    }

    pub(crate) fn set_limit(&self, limit: u32) {
        self.change(|state| state.set_limit(limit));
    }

    pub(crate) fn hang_up(&self, how: HangUp) {
        self.change(|state| state.hang_up = Some(how));
    }

    /// Stops reading and writing for good.
    pub(crate) fn stall(&self) {
        self.change(|state| state.stalled = true);
    }

    pub(crate) fn throttle(&self, bytes: usize, every: Duration) {
        self.change(|state| state.throttle = Some((bytes.max(1), every)));
    }

    pub(crate) fn info(&self, open: bool) -> ConnectionInfo {
        let state = self.state();
        ConnectionInfo {
            id: self.id,
            service: self.service,
            open,
            streams: if open { state.streams.len() } else { 0 },
            peak_streams: state.peak,
            limit: state.limit,
            acknowledged_limit: state.acknowledged,
            limit_violations: state.violations,
            requests: state.requests,
            whole: state.whole,
            disturbed: state.disturbed(open),
            unheard: state.unheard(open),
            client: self.remote.address,
            received: self.remote.received(),
        }
    }

    /// Changes the state, then wakes the task of the connection, which acts on it.
    fn change(&self, change: impl FnOnce(&mut Http2State)) {
        let mut state = self.state();
        change(&mut state);
        let waker = state.waker.clone();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
