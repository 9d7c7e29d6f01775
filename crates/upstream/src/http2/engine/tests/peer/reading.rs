//! What the engine writes, as the peer reads it: whether it may be sent, and whether requests arrive as they began.

use super::super::frames::*;
use super::super::request::DrawnRequest;
use super::{CONNECTION_CREDIT, Known, Peer, STREAM_CREDIT, Stream};
use crate::http2::engine::OUTPUT_FULL;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

impl Peer {
    /// Reads what was written since the last time. `waiting` is what the socket did not take yet, and `taken` is how much
    /// it took before.
    pub(in super::super) fn read(&mut self, waiting: &[u8], taken: u64) {
        let at = usize::try_from(self.read - taken).unwrap();
        let mut rest = &waiting[at..];
        if self.read == 0 {
            rest = rest.strip_prefix(PREFACE).expect("a preface");
            let first = Frame::take(&mut rest);
            assert_eq!((first.kind, first.flags, first.stream), (SETTINGS, 0, 0));
            assert!(first.payload.chunks(6).any(|setting| setting == [0, 2, 0, 0, 0, 0]), "no push");
        }
        while !rest.is_empty() {
            let begins = taken + (waiting.len() - rest.len()) as u64;
            let frame = Frame::take(&mut rest);
            if matches!(frame.kind, DATA | HEADERS) {
                assert!(begins - taken < OUTPUT_FULL as u64, "a request is written while too much waits");
            }
            let block = (frame.kind == HEADERS).then(|| block(&frame, &mut rest));
            let ends = taken + (waiting.len() - rest.len()) as u64;
            match block {
                Some(block) => self.read_headers(&frame, &block, begins, ends),
                None => self.read_frame(&frame, ends),
            }
        }
        self.read = taken + waiting.len() as u64;
        assert!(self.awaited.is_none(), "a request that began is not there");
        if self.knows_all() {
            assert_eq!(self.acks_due, 0, "SETTINGS without an ACK");
            assert!(self.pongs_due.is_empty(), "a PING without an answer");
        }
    }

    fn read_frame(&mut self, frame: &Frame<'_>, ends: u64) {
        let known = self.known != Known::Nothing;
        match (frame.kind, frame.stream) {
            (DATA, id) => {
                let stream = self.streams.get_mut(&id).expect("DATA for a stream that is known");
                self.window -= frame.payload.len() as i64;
                stream.window -= frame.payload.len() as i64;
                assert!(!known || self.window >= 0, "more DATA than the window of the connection");
                assert!(!known || stream.window >= 0, "more DATA than the window of stream {id}");
                stream.read_data(frame, ends);
            }
            (RST_STREAM, id) => {
                let stream = self.streams.get_mut(&id).expect("a reset of a stream that is known");
                assert!(!stream.reset && (!known || !stream.open), "stream {id} is reset without a reason");
                assert_eq!(frame.payload.len(), 4);
                (stream.reset, stream.aborted) = (true, true);
            }
            (SETTINGS, 0) => {
                assert!(frame.has(ACK) && frame.payload.is_empty());
                self.acks_due = self.acks_due.checked_sub(1).unwrap_or_else(|| {
                    assert!(!known, "an ACK of nothing");
                    0
                });
            }
            (PING, 0) if frame.has(ACK) => {
                let due = self.pongs_due.pop_front();
                assert!(
                    !known || due.as_ref().map(|due| &due[..]) == Some(frame.payload),
                    "an answer to no PING"
                );
            }
            (PING, 0) => self.last_ping = Some(frame.payload.try_into().expect("a PING of 8 bytes")),
            (GOAWAY, 0) => {
                assert_eq!(frame.payload[..4], [0; 4], "the peer has opened no stream");
                let code = u32::from_be_bytes(frame.payload[4..].try_into().unwrap());
                assert_eq!(self.leaves.take(), Some(code), "a GOAWAY without a reason");
            }
            (WINDOW_UPDATE, id) => {
                let (credit, most) = match id {
                    0 => (&mut self.credit, CONNECTION_CREDIT),
                    id => (
                        &mut self.streams.get_mut(&id).expect("a stream that is known").credit,
                        STREAM_CREDIT,
                    ),
                };
                *credit += i64::from(frame.number());
                assert!(
                    frame.number() > 0 && (!known || *credit <= most),
                    "more is given back than was used"
                );
            }
            (kind, stream) => panic!("an unexpected frame of type {kind} for stream {stream}"),
        }
    }

    fn read_headers(&mut self, frame: &Frame<'_>, block: &[u8], begins: u64, ends: u64) {
        let id = frame.stream;
        let (awaited, token, request) = self.awaited.take().expect("HEADERS of a request that began");
        let last = self.streams.last_key_value().map_or(0, |(last, _)| *last);
        assert!(id == awaited && id % 2 == 1 && id > last, "the ids rise");
        if self.known != Known::Nothing {
            self.read_size_updates(block);
        }
        let list = self.decoder.decode(block).expect("a header block");
        assert_eq!(list, request.list(), "the request arrives as it began");
        assert_eq!(frame.has(END_STREAM), request.body.is_empty());
        let ends = frame.has(END_STREAM).then_some(ends);
        self.streams.insert(id, self.stream(token, request, begins, ends));
        let open = self.streams.values().filter(|stream| stream.is_open_at_peer()).count();
        assert!(self.known == Known::Nothing || open <= self.max_streams, "{open} streams are open");
    }

    fn stream(&self, token: u32, request: DrawnRequest, begins: u64, ends: Option<u64>) -> Stream {
        Stream {
            token,
            request,
            begins,
            ends,
            arrived: 0,
            window: self.initial_window,
            credit: STREAM_CREDIT,
            answer: None,
            open: true,
            said_all: false,
            peer_done: false,
            aborted: false,
            reset: false,
        }
    }

    /// A table that the peer made smaller is smaller from the next header block on, which says so. Source: RFC 7541,
    /// section 4.2.
    fn read_size_updates(&mut self, mut block: &[u8]) {
        let mut sizes = Vec::new();
        while let [0x20..0x40, ..] = block {
            sizes.push(number(&mut block, 5));
        }
        let bound = self.table.take().filter(|bound| *bound < self.table_size);
        assert!(bound.is_none_or(|bound| sizes.first() == Some(&bound)), "{sizes:?} and not {bound:?} first");
        self.table_size = sizes.last().copied().unwrap_or(self.table_size);
    }
}

/// Takes a number, of which some bits stand in the first byte. Source: RFC 7541, section 5.1.
fn number(block: &mut &[u8], bits: u32) -> usize {
    let mut next = || *block.split_off_first().expect("a whole number");
    let most = (1 << bits) - 1;
    let mut number = usize::from(next()) & most;
    let mut shift = 0;
    while number >= most {
        let byte = usize::from(next());
        number += (byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            break;
        }
    }
    number
}

impl Stream {
    fn read_data(&mut self, frame: &Frame<'_>, ends: u64) {
        assert!(self.open && self.ends.is_none(), "DATA behind the end");
        assert!(frame.flags & !END_STREAM == 0 && !frame.payload.is_empty());
        let rest = &self.request.body[self.arrived..];
        assert!(rest.starts_with(frame.payload), "the body arrives as it began");
        self.arrived += frame.payload.len();
        assert_eq!(frame.has(END_STREAM), self.arrived == self.request.body.len());
        self.ends = frame.has(END_STREAM).then_some(ends);
    }
}

/// The header block that begins with a frame, which ends with the last of the frames behind it.
fn block(first: &Frame<'_>, rest: &mut &[u8]) -> Vec<u8> {
    assert!(first.flags & !(END_HEADERS | END_STREAM) == 0);
    let (mut block, mut ended) = (first.payload.to_vec(), first.has(END_HEADERS));
    while !ended {
        let frame = Frame::take(rest);
        assert_eq!((frame.kind, frame.stream), (CONTINUATION, first.stream));
        block.extend_from_slice(frame.payload);
        ended = frame.has(END_HEADERS);
    }
    block
}
