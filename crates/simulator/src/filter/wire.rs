//! One connection's frames, shared by the filter, which moves them, and the service, which
//! interferes.

use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Context;
use std::time::Duration;

use super::state::State;
use crate::Service;
use crate::counters::{ConnectionInfo, Tally};
use crate::fault::{HangUp, Then};
use crate::journal::{EntryId, Journal, Outcome};
use crate::socket::Remote;
use crate::sync::lock;

/// SETTINGS of a connection as APNs was seen to send them. Source: jchambers/pushy#476.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Advertised {
    pub(crate) max_concurrent_streams: u32,
    pub(crate) initial_window_size: u32,
    pub(crate) header_table_size: u32,
    pub(crate) max_frame_size: u32,
    pub(crate) max_header_list_size: u32,
    pub(crate) surplus: Surplus,
    /// `:scheme: https:` is taken for `https`.
    pub(crate) scheme_with_colon: bool,
}

/// What happens to a stream beyond the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Surplus {
    /// RST_STREAM with REFUSED_STREAM. Source: RFC 9113, 5.1.2.
    Refused,
    /// GOAWAY with PROTOCOL_ERROR, and the connection ends, as at FCM. Source:
    /// firebase/firebase-admin-node#2943.
    EndsConnection,
}

/// What a connection's frames are told to.
pub(crate) struct Books {
    pub(crate) journal: Arc<Journal>,
    pub(crate) tally: Arc<Tally>,
}

/// What the service may do with a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Serve,
    /// Reset, excluded or cancelled already; the journal knows.
    Gone,
}

/// What follows as soon as an answer is on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Afterwards {
    Nothing,
    /// A good provider token was answered: the limit rises to this, if it was not risen before.
    Authorised(u32),
    /// An expired provider token was answered: back to one stream, and the others in flight are
    /// refused. Source: jchambers/pushy#476.
    Expired,
}

/// An answer that the service hands to h2. It counts once its HEADERS pass the filter.
pub(crate) struct Answering {
    pub(crate) outcome: Outcome,
    pub(crate) afterwards: Afterwards,
}

/// One connection: its frames and its faults.
pub(crate) struct Wire {
    pub(crate) id: u64,
    pub(crate) service: Service,
    remote: Remote,
    pub(super) books: Books,
    state: Mutex<State>,
}

impl Wire {
    pub(crate) fn new(
        id: u64,
        service: Service,
        remote: Remote,
        advertised: Advertised,
        books: Books,
    ) -> Self {
        Self { id, service, remote, books, state: Mutex::new(State::new(advertised)) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// For the connection's task, which is woken when it changes.
    pub(super) fn watched(&self, cx: &Context<'_>) -> MutexGuard<'_, State> {
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
        let fate = match state.cut.get(&stream) {
            Some(outcome) => Some(outcome.clone()),
            None if stream > state.last_served => Some(Outcome::Excluded),
            None => None,
        };
        drop(state);
        if let Some(outcome) = fate {
            self.books.journal.conclude(entry, outcome);
        }
        Admission::Gone
    }

    /// Announces the answer of a stream, before h2 gets it.
    pub(crate) fn announce(&self, stream: u32, answering: Answering) {
        if let Some(open) = self.state().streams.get_mut(&stream) {
            open.answering = Some(answering);
        }
    }

    /// True once the stream is no more.
    pub(crate) fn is_gone(&self, stream: u32) -> bool {
        !self.state().streams.contains_key(&stream)
    }

    /// True once the answer's headers are out, or the stream is no more.
    pub(crate) fn is_answered(&self, stream: u32) -> bool {
        self.state().streams.get(&stream).is_none_or(|open| open.answered)
    }

    /// Sends RST_STREAM with each of `codes`. A stream that is closed already is left alone.
    pub(crate) fn reset(&self, stream: u32, codes: &[u32]) {
        self.change(|state| state.reset(&self.books, stream, codes));
    }

    /// Sends GOAWAY. Streams above `last` that have no answer yet will never get one.
    pub(crate) fn goaway(&self, last: u32, code: u32, reason: Option<&str>, then: Then) {
        let debug_data = match (self.service, reason) {
            (_, None) => String::new(),
            (Service::Apns(_), Some(reason)) => serde_json::json!({ "reason": reason }).to_string(),
            // Google's front end writes plain words.
            (_, Some(reason)) => reason.to_owned(),
        };
        self.change(|state| state.goaway(&self.books, last, code, debug_data.as_bytes(), then));
    }

    /// The highest stream id that arrived.
    pub(crate) fn highest(&self) -> u32 {
        self.state().highest
    }

    /// Raises the limit for a good provider token before its answer goes out.
    pub(crate) fn authorise(&self, afterwards: Afterwards) {
        if matches!(afterwards, Afterwards::Authorised(_)) {
            self.change(|state| state.after_answer(&self.books, afterwards));
        }
    }

    pub(crate) fn set_limit(&self, limit: u32) {
        self.change(|state| state.set_limit(limit));
    }

    pub(crate) fn hang_up(&self, how: HangUp) {
        self.change(|state| state.hang_up = Some(how));
    }

    /// Neither reads nor writes any more.
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

    /// Changes the state, then wakes the connection's task, which acts on it.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        let waker = state.waker.clone();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
