//! An HTTP/2 client that sends whole requests and reads whole answers, and does nothing else of HTTP/2.
//!
//! It has no socket, clock, lock or task. Its owner hands it what came from the socket, writes what it has to say, and
//! tells it how much of that the socket took. So for each request it is known whether the socket took nothing of it, a
//! part, or all: two offsets are compared.
//!
//! ```text
//!            begin                                    its HEADERS and the END_STREAM of its body are written
//! (request) ───────► open ─────────────────────────────────────────────────────────────────────────────► open
//!                     │  answered, refused, reset, unreadable, above the last id of a GOAWAY, cancelled    │
//!                     └──────────────────────────► ended ◄─────────────────────────────────────────────────┘
//!                                                            or lost with its connection, which has ended
//! ```
//!
//! Each request ends once, as an [`End`], or by [`Engine::cancel`]. What the peer may cost is bounded: its header
//! blocks and lists, its tables, its windows, frames that bring nothing, and the answers to them that it does not read.
//!
//! Sources: RFC 9113 for the frames, RFC 7541 for the header fields (`hpack/`).

mod answer;
mod answering;
mod budget;
mod end;
mod frame;
pub(crate) mod hpack;
mod input;
mod output;
mod receive;
mod send;
mod settings;
mod stream;
mod violation;
mod window;

use std::collections::VecDeque;

pub(crate) use end::{End, Ended, Progress};
pub(crate) use violation::Violation;

use crate::error::Head;
use crate::error_code::ErrorCode;
use crate::goaway::GoAway;
use answer::Answer;
use budget::Budget;
use frame::{PREFACE, kind};
use hpack::{Decoder, Encoder};
use input::Input;
use output::Output;
use settings::PeerSettings;
use stream::Streams;
use window::{DEFAULT_WINDOW, ReceiveWindow, SendWindow};

/// The window for the bodies of all answers of a connection together. It is hardly ever in the way, because what comes is
/// used at once, and the window is given back. What bounds a body is the window and the limit of its own answer.
const CONNECTION_WINDOW: u32 = 16 * 1024 * 1024;

/// A request is begun, and a body continued, while less than this waits to be written. What is not begun can be taken
/// back.
pub(crate) const OUTPUT_FULL: usize = 64 * 1024;

/// Nothing should be read while more than this waits to be written, since a peer that does not read our answers to its
/// frames must not make us keep them.
const OUTPUT_STOPS_INPUT: usize = 256 * 1024;

/// The last id that there is. Source: RFC 9113, section 5.1.1.
const LAST_ID: u32 = (1 << 31) - 1;

/// From this id on the connection should be replaced. The ids behind it are enough for the requests that have a place on it
/// by then.
const USED_UP: u32 = LAST_ID - (1 << 20);

/// What bounds the answers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnswerLimits {
    /// The largest body, in bytes.
    pub(crate) body: usize,
    /// The largest header list, in bytes. Source: RFC 9113, section 6.5.2.
    pub(crate) header_list: u32,
}

/// One client connection. `T` is what its owner knows a request by.
pub(crate) struct Engine<T> {
    scheme: &'static str,
    authority: String,
    limits: AnswerLimits,
    encoder: Encoder,
    decoder: Decoder,
    input: Input,
    output: Output,
    streams: Streams<T>,
    /// The open streams whose bodies are not written yet, in the order in which they began.
    blocked: VecDeque<u32>,
    /// Whether more of the blocked bodies may be written than before.
    unblocked: bool,
    next_id: u32,
    peer: PeerSettings,
    settings_seen: bool,
    goaway: Option<GoAway>,
    send: SendWindow,
    receive: ReceiveWindow,
    budget: Budget,
    /// The number of the last PING.
    pings: u64,
    awaits_pong: bool,
}

impl<T> Engine<T> {
    /// A connection that has still to say everything. `authority` is the host, with its port if that is not the default.
    pub(crate) fn new(scheme: &'static str, authority: String, limits: AnswerLimits) -> Self {
        let mut output = Output::default();
        output.raw(PREFACE);
        output.frame(kind::SETTINGS, 0, 0, &settings::ours(limits.header_list));
        output.window_update(0, CONNECTION_WINDOW - DEFAULT_WINDOW);
        Self {
            scheme,
            authority,
            limits,
            encoder: Encoder::new(),
            decoder: Decoder::new(),
            input: Input::default(),
            output,
            streams: Streams::new(),
            blocked: VecDeque::new(),
            unblocked: false,
            next_id: 1,
            peer: PeerSettings::default(),
            settings_seen: false,
            goaway: None,
            send: SendWindow::new(DEFAULT_WINDOW),
            receive: ReceiveWindow::new(CONNECTION_WINDOW),
            budget: Budget::new(),
            pings: 0,
            awaits_pong: false,
        }
    }

    /// What is to be written next.
    pub(crate) fn output(&self) -> &[u8] {
        self.output.waiting()
    }

    /// The socket took so many bytes of [`output`](Self::output), or may have taken them.
    pub(crate) fn accepted(&mut self, count: usize) {
        self.output.take(count);
        self.write_bodies();
    }

    /// Nothing more is written, because the socket is broken or closed. What it did not take it never will.
    pub(crate) fn close_output(&mut self) {
        self.output.close();
    }

    /// Whether more may be read. It may not while the peer does not read what it made us say.
    pub(crate) fn may_read(&self) -> bool {
        self.output.waiting().len() < OUTPUT_STOPS_INPUT
    }

    /// Whether the first SETTINGS of the peer came.
    pub(crate) fn settings_seen(&self) -> bool {
        self.settings_seen
    }

    /// How many streams the peer allows.
    pub(crate) fn max_streams(&self) -> usize {
        self.peer.max_streams
    }

    /// How many streams are open.
    pub(crate) fn open_streams(&self) -> usize {
        self.streams.open.len()
    }

    /// Whether the ids come to their end, so the connection should be replaced.
    pub(crate) fn is_used_up(&self) -> bool {
        self.next_id > USED_UP
    }

    /// The last GOAWAY of the peer.
    pub(crate) fn goaway(&self) -> Option<&GoAway> {
        self.goaway.as_ref()
    }

    /// Sends a PING.
    pub(crate) fn ping(&mut self) {
        self.pings += 1;
        self.awaits_pong = true;
        self.output.frame(kind::PING, 0, 0, &self.pings.to_be_bytes());
    }

    /// Whether the last PING has no answer yet.
    pub(crate) fn awaits_pong(&self) -> bool {
        self.awaits_pong
    }

    /// Some time passed, about a second or less. Memory that is not in use is given back.
    pub(crate) fn tick(&mut self) {
        self.budget.tick();
        self.output.rest();
        self.input.rest();
        if self.streams.open.is_empty() {
            self.streams.open.shrink_to_fit();
        }
    }

    /// Says that this client goes away. Nothing is begun afterwards.
    pub(crate) fn leave(&mut self, code: ErrorCode) {
        self.output.goaway(code);
    }

    /// The open requests: the id of each, what its owner knows it by, and the head of its answer if that came.
    pub(crate) fn requests(&mut self) -> impl Iterator<Item = (u32, &mut T, Option<&Head>)> {
        let open = self.streams.open.iter_mut();
        open.map(|(id, stream)| (*id, &mut stream.token, stream.answer.as_ref().map(|answer| &answer.head)))
    }

    /// Resets the stream of a request, whose answer nobody wants any more. Returns what its owner knows it by, and the
    /// head of the answer if it came.
    pub(crate) fn cancel(&mut self, id: u32) -> Option<(T, Option<Head>)> {
        let (token, answer) = self.reset(id, ErrorCode::CANCEL)?;
        Some((token, answer.map(|answer| answer.head)))
    }

    /// The connection has ended, so every open request ends with it. It is final because nothing is written any more.
    pub(crate) fn lose_all(&mut self, ends: &mut Vec<Ended<T>>) {
        self.close_output();
        let taken = self.output.taken();
        let mut all: Vec<_> = self.streams.open.drain().collect();
        all.sort_unstable_by_key(|(id, _)| *id);
        ends.extend(all.into_iter().map(|(_, stream)| {
            let progress = stream.progress(taken);
            let end = End::Lost { progress, head: stream.answer.map(|answer| answer.head) };
            Ended { token: stream.token, end }
        }));
        self.blocked.clear();
    }

    /// Resets an open stream, and takes it out.
    fn reset(&mut self, id: u32, code: ErrorCode) -> Option<(T, Option<Answer>)> {
        let stream = self.streams.open.remove(&id)?;
        self.output.reset(id, code);
        self.streams.was_reset(id, stream.receive);
        self.forget_body(id, stream.ends.is_none());
        Some((stream.token, stream.answer))
    }

    /// Writes nothing more of a body whose stream has ended.
    fn forget_body(&mut self, id: u32, blocked: bool) {
        if blocked {
            self.blocked.retain(|other| *other != id);
        }
    }

    /// Whether the id is one that was used.
    fn was_opened(&self, id: u32) -> bool {
        id % 2 == 1 && id < self.next_id
    }
}

#[cfg(any(test, fuzzing))]
mod tests;
#[cfg(fuzzing)]
pub use tests::fuzzing;
