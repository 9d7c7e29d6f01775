//! The state of one connection's frames, shared by the filter, which moves them, and the
//! service, which interferes.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Waker;
use std::time::Duration;

use bytes::BytesMut;

use super::frame::{self, code, setting};
use crate::simulator::Environment;
use crate::simulator::counters::{ConnectionInfo, Tally};
use crate::simulator::fault::{HangUp, Then};
use crate::simulator::journal::{EntryId, Journal, Outcome};
use crate::simulator::sync::lock;

/// SETTINGS of a connection as APNs was seen to send them. Source: jchambers/pushy#476.
#[derive(Clone, Copy, Debug)]
pub(in crate::simulator) struct Advertised {
    pub(in crate::simulator) max_concurrent_streams: u32,
    pub(in crate::simulator) initial_window_size: u32,
    pub(in crate::simulator) header_table_size: u32,
    pub(in crate::simulator) max_frame_size: u32,
    pub(in crate::simulator) max_header_list_size: u32,
}

/// What a connection's frames are told to.
pub(in crate::simulator) struct Books {
    pub(in crate::simulator) journal: Arc<Journal>,
    pub(in crate::simulator) tally: Arc<Tally>,
}

/// What the service may do with a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulator) enum Admission {
    Serve,
    /// Reset, excluded or cancelled already; the journal knows.
    Gone,
}

/// What follows as soon as an answer is on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulator) enum Afterwards {
    Nothing,
    /// A good provider token was answered: the limit rises to this, if it was not risen before.
    Authorised(u32),
    /// An expired provider token was answered: back to one stream, and the others in flight are
    /// refused. Source: jchambers/pushy#476.
    Expired,
}

/// An answer that the service hands to h2. It counts once its HEADERS pass the filter.
pub(in crate::simulator) struct Answering {
    pub(in crate::simulator) outcome: Outcome,
    pub(in crate::simulator) afterwards: Afterwards,
}

/// One connection: its frames and its faults.
pub(in crate::simulator) struct Wire {
    pub(in crate::simulator) id: u64,
    pub(in crate::simulator) environment: Environment,
    pub(super) books: Books,
    state: Mutex<State>,
}

/// A stream that is open, seen from the wire.
#[derive(Default)]
pub(super) struct Stream {
    pub(super) entry: Option<EntryId>,
    pub(super) answering: Option<Answering>,
    /// The answer's HEADERS went out.
    pub(super) answered: bool,
    pub(super) ended_by_client: bool,
    pub(super) ended_by_us: bool,
}

pub(super) struct State {
    pub(super) advertised: Advertised,
    pub(super) streams: HashMap<u32, Stream>,
    /// Streams that the simulator reset: what h2 still writes for them is dropped. Kept for the
    /// life of the connection.
    pub(super) cut: HashMap<u32, Outcome>,
    pub(super) highest: u32,
    /// The last stream id of the last GOAWAY.
    pub(super) last_served: u32,
    /// The limit now advertised, and those of SETTINGS not yet acknowledged.
    pub(super) limit: u32,
    pub(super) unacknowledged: VecDeque<SentSettings>,
    pub(super) acknowledged: Option<u32>,
    /// A good provider token was answered since the start or the last expired one.
    authorised: bool,
    /// Whole frames on their way to the socket.
    pub(super) out: BytesMut,
    /// The first SETTINGS went out, so that other frames may.
    pub(super) started: bool,
    pub(super) stalled: bool,
    pub(super) throttle: Option<(usize, Duration)>,
    pub(super) hang_up: Option<HangUp>,
    /// Hang up when no stream is open.
    draining: bool,
    pub(super) waker: Option<Waker>,
    pub(super) peak: usize,
    pub(super) violations: u64,
    pub(super) requests: u64,
}

/// A SETTINGS frame of which the ACK is to come.
pub(super) struct SentSettings {
    pub(super) limit: u32,
    /// h2 does not know of it and must not see its ACK.
    pub(super) injected: bool,
}

impl Wire {
    pub(in crate::simulator) fn new(
        id: u64,
        environment: Environment,
        advertised: Advertised,
        books: Books,
    ) -> Self {
        let state = State {
            advertised,
            streams: HashMap::new(),
            cut: HashMap::new(),
            highest: 0,
            last_served: frame::MAX_STREAM_ID,
            limit: advertised.max_concurrent_streams,
            unacknowledged: VecDeque::new(),
            acknowledged: None,
            authorised: false,
            out: BytesMut::new(),
            started: false,
            stalled: false,
            throttle: None,
            hang_up: None,
            draining: false,
            waker: None,
            peak: 0,
            violations: 0,
            requests: 0,
        };
        Self { id, environment, books, state: Mutex::new(state) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Ties a stream to its journal entry.
    pub(in crate::simulator) fn attach(&self, stream: u32, entry: EntryId) -> Admission {
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
    pub(in crate::simulator) fn announce(&self, stream: u32, answering: Answering) {
        if let Some(open) = self.state().streams.get_mut(&stream) {
            open.answering = Some(answering);
        }
    }

    /// True once the answer's headers are out, or the stream is no more.
    pub(in crate::simulator) fn is_answered(&self, stream: u32) -> bool {
        self.state().streams.get(&stream).is_none_or(|open| open.answered)
    }

    /// Sends RST_STREAM with each of `codes`. A stream that is closed already is left alone.
    pub(in crate::simulator) fn reset(&self, stream: u32, codes: &[u32]) {
        self.change(|state| state.reset(&self.books, stream, codes));
    }

    /// Sends GOAWAY. Streams above `last` that have no answer yet will never get one.
    pub(in crate::simulator) fn goaway(&self, last: u32, code: u32, reason: Option<&str>, then: Then) {
        let debug_data =
            reason.map(|reason| serde_json::json!({ "reason": reason }).to_string()).unwrap_or_default();
        self.change(|state| state.goaway(&self.books, last, code, debug_data.as_bytes(), then));
    }

    /// The highest stream id that arrived.
    pub(in crate::simulator) fn highest(&self) -> u32 {
        self.state().highest
    }

    pub(in crate::simulator) fn set_limit(&self, limit: u32) {
        self.change(|state| state.set_limit(limit));
    }

    pub(in crate::simulator) fn hang_up(&self, how: HangUp) {
        self.change(|state| state.hang_up = Some(how));
    }

    /// Neither reads nor writes any more.
    pub(in crate::simulator) fn stall(&self) {
        self.change(|state| state.stalled = true);
    }

    pub(in crate::simulator) fn throttle(&self, bytes: usize, every: Duration) {
        self.change(|state| state.throttle = Some((bytes.max(1), every)));
    }

    pub(in crate::simulator) fn info(&self, open: bool) -> ConnectionInfo {
        let state = self.state();
        ConnectionInfo {
            id: self.id,
            environment: self.environment,
            open,
            streams: if open { state.streams.len() } else { 0 },
            peak_streams: state.peak,
            limit: state.limit,
            acknowledged_limit: state.acknowledged,
            limit_violations: state.violations,
            requests: state.requests,
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

impl State {
    /// The first frame of the connection, in the place of h2's own.
    pub(super) fn start(&mut self) {
        let Advertised {
            max_concurrent_streams,
            initial_window_size,
            header_table_size,
            max_frame_size,
            max_header_list_size,
        } = self.advertised;
        let first = [
            (setting::HEADER_TABLE_SIZE, header_table_size),
            (setting::MAX_CONCURRENT_STREAMS, max_concurrent_streams),
            (setting::INITIAL_WINDOW_SIZE, initial_window_size),
            (setting::MAX_FRAME_SIZE, max_frame_size),
            (setting::MAX_HEADER_LIST_SIZE, max_header_list_size),
        ];
        frame::settings(&mut self.out, &first);
        self.unacknowledged.push_back(SentSettings { limit: max_concurrent_streams, injected: false });
        self.started = true;
        // A limit that was set before the first SETTINGS could go out.
        if self.limit != max_concurrent_streams {
            self.set_limit(self.limit);
        }
    }

    fn set_limit(&mut self, limit: u32) {
        self.limit = limit;
        if self.started {
            frame::settings(&mut self.out, &[(setting::MAX_CONCURRENT_STREAMS, limit)]);
            self.unacknowledged.push_back(SentSettings { limit, injected: true });
        }
    }

    /// The most streams the client may have open. Until it acknowledges a lower limit the
    /// higher one holds, and before the first SETTINGS there is none. Source: RFC 9113, 6.5.3.
    pub(super) fn allowed(&self) -> Option<u32> {
        let acknowledged = self.acknowledged?;
        Some(self.unacknowledged.iter().map(|sent| sent.limit).fold(acknowledged, u32::max))
    }

    pub(super) fn reset(&mut self, books: &Books, stream: u32, codes: &[u32]) {
        let Some(open) = self.streams.remove(&stream) else { return };
        let outcome = match codes.first() {
            Some(&code::REFUSED_STREAM) | None => Outcome::Refused,
            Some(&other) => Outcome::Reset(other),
        };
        if let Some(entry) = open.entry
            && !open.answered
        {
            books.journal.conclude(entry, outcome.clone());
        }
        self.cut.insert(stream, outcome);
        for code in codes {
            frame::rst_stream(&mut self.out, stream, *code);
            books.tally.add(&books.tally.resets_sent);
        }
        self.close_if_drained();
    }

    fn goaway(&mut self, books: &Books, last: u32, code: u32, debug_data: &[u8], then: Then) {
        frame::goaway(&mut self.out, last, code, debug_data);
        books.tally.add(&books.tally.goaways_sent);
        self.last_served = self.last_served.min(last);

        let excluded: Vec<u32> =
            self.streams.keys().copied().filter(|stream| *stream > self.last_served).collect();
        for stream in excluded {
            let Some(open) = self.streams.remove(&stream) else { continue };
            if let Some(entry) = open.entry
                && !open.answered
            {
                books.journal.conclude(entry, Outcome::Excluded);
            }
        }
        match then {
            Then::Drain => self.draining = true,
            Then::Serve => {}
            Then::HangUp(how) => self.hang_up = Some(how),
        }
        self.close_if_drained();
    }

    /// An answer is on the wire: what follows it.
    pub(super) fn after_answer(&mut self, books: &Books, afterwards: Afterwards) {
        match afterwards {
            Afterwards::Nothing => {}
            Afterwards::Authorised(limit) => {
                if !self.authorised {
                    self.authorised = true;
                    self.set_limit(limit);
                }
            }
            Afterwards::Expired => {
                self.authorised = false;
                self.set_limit(1);
                let others: Vec<u32> =
                    self.streams.iter().filter(|(_, stream)| !stream.answered).map(|(id, _)| *id).collect();
                for stream in others {
                    self.reset(books, stream, &[code::REFUSED_STREAM, code::STREAM_CLOSED]);
                }
            }
        }
    }

    pub(super) fn close_if_drained(&mut self) {
        if self.draining && self.streams.is_empty() && self.hang_up.is_none() {
            self.hang_up = Some(HangUp::Fin);
        }
    }
}
