//! The engine without a socket, and what its requests were told.

use bytes::Bytes;

use super::frames::{Frame, settings, settings_ack, take_frame};
use crate::error::Head;
use crate::http2::engine::{AnswerLimits, End, Ended, Engine, Progress};
use crate::request::Request;

/// The largest header list of an answer.
pub(super) const HEADER_LIST: u32 = 16 * 1024;

/// What a request was told by the engine. The numbers are status codes and error codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    Answered(u16),
    GoneAway,
    Refused,
    Reset(u32, Option<u16>),
    Unreadable(Option<u16>),
    Lost(Progress, Option<u16>),
}

/// An engine and what came out of it. A request is known by the id of its stream.
pub(super) struct Alone {
    pub(super) engine: Engine<u32>,
    ends: Vec<Ended<u32>>,
    next_id: u32,
}

impl Alone {
    /// The peer said these settings, and has taken ours.
    pub(super) fn new(all: &[(u16, u32)]) -> Self {
        let limits = AnswerLimits { body: 64 * 1024, header_list: HEADER_LIST };
        let mut engine = Engine::new("http", "peer.test".to_owned(), limits);
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        assert_eq!(engine.output().get(..preface.len()), Some(&preface[..]));
        engine.accepted(preface.len());
        let mut alone = Self { engine, ends: Vec::new(), next_id: 1 };
        alone.hear(&[settings(all), settings_ack()].concat()).unwrap();
        alone.wrote();
        alone
    }

    /// Begins a request with a body of this length.
    pub(super) fn begin(&mut self, body: usize) -> u32 {
        self.begin_with(Request::new(&http::Method::POST, &["/"], Bytes::from(vec![b'x'; body])).unwrap())
    }

    pub(super) fn begin_with(&mut self, request: Request) -> u32 {
        let (head, body) = request.complete();
        assert!(self.engine.may_begin(body.len()));
        let id = self.engine.begin(&head, body, self.next_id);
        assert_eq!(id, self.next_id);
        self.next_id += 2;
        id
    }

    /// The next request gets this id.
    pub(super) fn continue_with_id(&mut self, id: u32) {
        self.engine.continue_with_id(id);
        self.next_id = id;
    }

    /// The socket takes everything. Returns it as frames.
    pub(super) fn wrote(&mut self) -> Vec<Frame> {
        let (mut frames, mut read) = (Vec::new(), Vec::new());
        while !self.engine.output().is_empty() {
            read.extend_from_slice(self.engine.output());
            self.engine.accepted(self.engine.output().len());
            frames.extend(std::iter::from_fn(|| take_frame(&mut read)));
        }
        assert!(read.is_empty(), "what is written ends with a whole frame");
        frames
    }

    /// The peer says this. If the connection cannot go on, the error is the code that the peer is told.
    pub(super) fn hear(&mut self, bytes: &[u8]) -> Result<(), u32> {
        self.engine.receive(bytes, &mut self.ends).map_err(|violation| violation.code.0)
    }

    /// What requests were told since this was last asked.
    pub(super) fn told(&mut self) -> Vec<(u32, Told)> {
        let status = |head: &Head| head.status.as_u16();
        let told = self.ends.drain(..).map(|Ended { token, end }| {
            let told = match end {
                End::Answered(reply) => Told::Answered(reply.status.as_u16()),
                End::GoneAway => Told::GoneAway,
                End::Refused => Told::Refused,
                End::Reset { code, head } => Told::Reset(code, head.as_ref().map(status)),
                End::Unreadable { head } => Told::Unreadable(head.as_ref().map(status)),
                End::Lost { progress, head } => Told::Lost(progress, head.as_ref().map(status)),
            };
            (token, told)
        });
        told.collect()
    }

    /// The connection is closed. Returns what the requests were told that were left.
    pub(super) fn lost(&mut self) -> Vec<(u32, Told)> {
        self.engine.lose_all(&mut self.ends);
        assert_eq!(self.engine.open_streams(), 0);
        self.told()
    }
}
