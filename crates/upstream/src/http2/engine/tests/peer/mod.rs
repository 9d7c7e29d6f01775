//! A model of the peer, which knows the truth: what was sent in either direction, and what it means.
//!
//! ```text
//! sending.rs   what the peer sends, each frame with its effect
//! effect.rs    the effect of what was delivered: how requests have to end
//! reading.rs   what the engine wrote, frame by frame: whether it was allowed to
//! ```

mod answer;
mod effect;
mod faults;
mod reading;
mod sending;

use std::collections::{BTreeMap, VecDeque};

use super::request::DrawnRequest;
use crate::http2::engine::{End, Ended, Progress};
use answer::Answering;
use effect::Effect;

/// What bounds an answer in the model, as it bounds one of the engine.
pub(super) const BODY_LIMIT: usize = 50_000;
pub(super) const HEADER_LIST_LIMIT: usize = 16_384;

/// The windows that the engine grants for answers. Source: RFC 9113, section 6.9.2, for that of a stream.
const CONNECTION_CREDIT: i64 = 16 * 1024 * 1024;
const STREAM_CREDIT: i64 = 65_535;

const MAX_WINDOW: i64 = (1 << 31) - 1;

/// The truth about one stream.
pub(super) struct Stream {
    pub(super) token: u32,
    request: DrawnRequest,
    /// The offset of its HEADERS in all that was written, and the one behind its END_STREAM.
    begins: u64,
    ends: Option<u64>,
    /// How much of its body was written, and how much more of it the peer takes.
    arrived: usize,
    window: i64,
    /// How much DATA the peer may still send.
    credit: i64,
    /// What was delivered of its answer.
    answer: Option<Answering>,
    /// Whether the request has not ended yet.
    pub(super) open: bool,
    /// Whether the peer has sent the end of its answer, or a reset, and whether that was delivered.
    said_all: bool,
    peer_done: bool,
    /// Whether the stream is closed whatever else was sent: by a reset of either side, or by a GOAWAY.
    aborted: bool,
    /// Whether the engine has reset it.
    reset: bool,
}

impl Stream {
    fn unsent(&self) -> usize {
        if self.ends.is_some() { 0 } else { self.request.body.len() - self.arrived }
    }

    /// Whether the stream counts against the peer's limit.
    fn is_open_at_peer(&self) -> bool {
        !(self.aborted || self.peer_done && self.ends.is_some())
    }

    pub(super) fn is_complete(&self) -> bool {
        self.ends.is_some()
    }

    /// How the request ends with its connection, of which the socket took so many bytes.
    pub(super) fn lost(&self, taken: u64) -> Ended<u32> {
        let end = End::Lost { progress: self.progress(taken), head: self.head() };
        Ended { token: self.token, end }
    }

    fn progress(&self, taken: u64) -> Progress {
        match self.ends {
            _ if taken <= self.begins => Progress::NotBegun,
            Some(ends) if ends <= taken => Progress::Complete,
            _ => Progress::Incomplete,
        }
    }
}

/// Why the model does not say any more what has to happen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    All,
    /// The connection has to end now.
    Fatal,
    /// The peer has sent bytes of which the model does not know what they mean.
    Nothing,
}

pub(super) struct Peer {
    pub(super) streams: BTreeMap<u32, Stream>,
    pub(super) known: Known,
    // What the engine sends.
    /// How much of all that was written the peer has read.
    read: u64,
    decoder: loona_hpack::Decoder<'static>,
    /// A size of the decoder's table that the next header block has to admit.
    table: Option<usize>,
    /// The size that the engine said last.
    table_size: usize,
    awaited: Option<(u32, u32, DrawnRequest)>,
    window: i64,
    acks_due: usize,
    pongs_due: VecDeque<[u8; 8]>,
    pub(super) last_ping: Option<[u8; 8]>,
    /// The error code of the GOAWAY that is awaited, and whether one came.
    pub(super) leaves: Option<u32>,
    // What it has said of itself, as far as it was delivered.
    pub(super) settings_seen: bool,
    pub(super) max_streams: usize,
    initial_window: i64,
    pub(super) goaway: Option<u32>,
    pub(super) awaits_pong: bool,
    // What it sends.
    encoder: loona_hpack::Encoder<'static>,
    credit: i64,
    wire: VecDeque<u8>,
    /// How many bytes were delivered, and the effects of frames behind them by the offsets of their ends.
    delivered: u64,
    effects: VecDeque<(u64, Effect)>,
}

impl Peer {
    pub(super) fn new() -> Self {
        let mut decoder = loona_hpack::Decoder::new();
        decoder.set_max_allowed_table_size(4096);
        Self {
            streams: BTreeMap::new(),
            known: Known::All,
            read: 0,
            decoder,
            table: None,
            table_size: 4096,
            awaited: None,
            window: 65_535,
            acks_due: 0,
            pongs_due: VecDeque::new(),
            last_ping: None,
            leaves: None,
            settings_seen: false,
            max_streams: usize::MAX,
            initial_window: 65_535,
            goaway: None,
            awaits_pong: false,
            encoder: loona_hpack::Encoder::new(),
            credit: 65_535,
            wire: VecDeque::new(),
            delivered: 0,
            effects: VecDeque::new(),
        }
    }

    /// The engine has begun a request, which has to be what it writes next.
    pub(super) fn awaits(&mut self, id: u32, token: u32, request: DrawnRequest) {
        assert!(self.awaited.replace((id, token, request)).is_none());
    }

    /// Whether a request with such a body may begin, as far as the peer decides it.
    pub(super) fn has_room(&self, body: usize) -> bool {
        let open = self.streams.values().filter(|stream| stream.open);
        let all_written = open.clone().all(|stream| stream.ends.is_some());
        self.settings_seen
            && self.goaway.is_none()
            && open.count() < self.max_streams
            && (self.window >= body as i64 || (self.window > 0 && all_written))
    }

    /// Whether DATA could be written.
    pub(super) fn takes_data(&self) -> bool {
        let could = |stream: &Stream| stream.open && stream.unsent() > 0 && stream.window > 0;
        self.window > 0 && self.streams.values().any(could)
    }

    /// Every stream whose request has ended is closed at the peer too, so no place is lost.
    pub(super) fn assert_nothing_leaks(&self) {
        for (id, stream) in &self.streams {
            assert!(stream.open || !stream.is_open_at_peer(), "stream {id} ended and is open at the peer");
        }
    }

    /// What was delivered of answers is given back, up to half a window, so no answer waits for ever.
    pub(super) fn assert_credit(&self) {
        if self.wire.is_empty() {
            assert!(self.credit >= CONNECTION_CREDIT / 2, "the window of the connection is not given back");
            for (id, stream) in self.streams.iter().filter(|(_, stream)| stream.open) {
                assert!(stream.credit >= STREAM_CREDIT / 2, "the window of stream {id} is not given back");
            }
        }
    }

    /// The one of all streams that is picked.
    pub(super) fn pick(&self, pick: u8) -> Option<u32> {
        // Streams are numbered one after the other, so that the last ones are picked most often.
        let back = usize::from(pick) % self.streams.len().clamp(1, 20);
        self.streams.keys().rev().nth(back).copied()
    }

    /// The open streams, in their order.
    pub(super) fn open(&self) -> Vec<u32> {
        self.streams.iter().filter(|(_, stream)| stream.open).map(|(id, _)| *id).collect()
    }
}
