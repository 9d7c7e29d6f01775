//! Requests on their way out.

use bytes::{Buf, Bytes};

use super::frame::{MAX_PAYLOAD_BYTES, flag, kind};
use super::output::Output;
use super::stream::{Stream, receive_window};
use super::window::SendWindow;
use super::{Engine, LAST_ID, OUTPUT_FULL};
use crate::fields::{Field, Fields, Indexing};

impl<T> Engine<T> {
    /// Whether a request with a body of this length may begin now: the peer is there, a stream is free, little waits to
    /// be written, and the connection's window has room for the body, or for a part of it while no other body is held back:
    /// a window may be smaller than any body. What may not begin yet waits unsent, where it can be taken back.
    pub(crate) fn may_begin(&self, body: usize) -> bool {
        let room = self.send.available();
        self.takes_requests()
            && self.settings_seen
            && self.streams.open.len() < self.peer.max_streams
            && self.output.waiting().len() < OUTPUT_FULL
            && (room >= body || (room > 0 && self.blocked.is_empty()))
    }

    /// Whether any request will begin on this connection.
    pub(crate) fn takes_requests(&self) -> bool {
        self.goaway.is_none() && !self.output.is_closed() && self.next_id <= LAST_ID
    }

    /// Begins a request, which [`may_begin`](Self::may_begin), and returns the id of its stream. `head` has `:method`
    /// and `:path` in front, and names the length of the body; `:scheme` and `:authority` are added.
    pub(crate) fn begin(&mut self, head: &Fields, body: Bytes, token: T) -> u32 {
        debug_assert!(self.may_begin(body.len()));
        let id = self.next_id;
        self.next_id += 2;
        let begins = self.output.end();
        let of_peer = [(&b":scheme"[..], self.scheme.as_bytes()), (b":authority", self.authority.as_bytes())];
        let of_peer = of_peer.map(|(name, value)| Field { name, value, indexing: Indexing::Repeats });
        let fields = of_peer.into_iter().chain(head);
        let encoder = &mut self.encoder;
        self.output.headers(id, body.is_empty(), |block| encoder.encode(fields, block));
        let to_head = head.iter().next().is_some_and(|method| method.value == b"HEAD");
        let mut stream = Stream {
            token,
            begins,
            ends: body.is_empty().then(|| self.output.end()),
            rest: body,
            send: SendWindow::new(self.peer.initial_window),
            receive: receive_window(),
            to_head,
            answer: None,
        };
        write_body(id, &mut stream, &mut self.send, &mut self.output);
        if stream.ends.is_none() {
            self.blocked.push_back(id);
        }
        self.streams.open.insert(id, stream);
        id
    }

    /// Writes what may be written by now of the bodies that are blocked.
    pub(super) fn write_bodies(&mut self) {
        self.unblocked = false;
        for _ in 0..self.blocked.len() {
            if self.send.available() == 0 || self.output.waiting().len() >= OUTPUT_FULL {
                return;
            }
            let Some(id) = self.blocked.pop_front() else { return };
            let Some(stream) = self.streams.open.get_mut(&id) else { continue };
            let before = stream.rest.len();
            write_body(id, stream, &mut self.send, &mut self.output);
            self.budget.let_through(before - stream.rest.len());
            if stream.ends.is_none() {
                self.blocked.push_back(id);
            }
        }
    }
}

/// Writes as much of a body as the windows and the output have room for.
fn write_body<T>(id: u32, stream: &mut Stream<T>, connection: &mut SendWindow, output: &mut Output) {
    while stream.ends.is_none() && !output.is_closed() && output.waiting().len() < OUTPUT_FULL {
        let room = stream.send.available().min(connection.available()).min(MAX_PAYLOAD_BYTES);
        let count = stream.rest.len().min(room);
        if count == 0 {
            return;
        }
        let last = count == stream.rest.len();
        let flags = if last { flag::END_STREAM } else { 0 };
        output.frame(kind::DATA, flags, id, stream.rest.get(..count).unwrap_or_default());
        stream.send.take(count);
        connection.take(count);
        if last {
            stream.rest = Bytes::new();
            stream.ends = Some(output.end());
        } else {
            stream.rest.advance(count);
        }
    }
}
