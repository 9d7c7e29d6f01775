//! What each frame that passes means, and whether it passes.

use bytes::BytesMut;

use super::frame::{self, HEAD_LEN, Head, code, kind, setting};
use super::scheme;
use super::state::{State, Stream};
use super::wire::{Books, Surplus};
use crate::fault::{HangUp, Then};

/// The debug data of the GOAWAY of a client that opens too many. Source:
/// firebase/firebase-admin-node#2943.
const TOO_MANY_STREAMS: &[u8] = b"exceeded_max_concurrent_streams";

impl State {
    /// A frame from the client. What h2 may see of it is appended to `to_h2`.
    ///
    /// HEADERS and DATA always pass, also of streams that are refused: they carry HPACK state and
    /// flow control, which h2 has to follow.
    pub(super) fn inbound(&mut self, books: &Books, head: Head, frame: &[u8], to_h2: &mut BytesMut) {
        self.count_whole(head);
        match head.kind {
            kind::SETTINGS if head.is_ack() => {
                books.tally.add(&books.tally.settings_acknowledged);
                if let Some(sent) = self.unacknowledged.pop_front() {
                    self.acknowledged = Some(sent.limit);
                    if sent.injected {
                        return;
                    }
                }
            }
            kind::SETTINGS => {
                // Without a dynamic table every header block stands alone, so that the
                // filter may drop any that h2 writes.
                frame::settings_with(to_h2, frame, setting::HEADER_TABLE_SIZE, 0);
                return;
            }
            kind::HEADERS => {
                self.headers_from_client(books, head);
                if self.advertised.scheme_with_colon
                    && let Some(mended) = scheme::without_colon(frame)
                {
                    to_h2.extend_from_slice(&mended);
                    return;
                }
            }
            kind::DATA if head.ends_stream() => self.ended_by_client(head.stream),
            kind::RST_STREAM => self.reset_by_client(books, head.stream, frame),
            kind::PING if !head.is_ack() => books.tally.add(&books.tally.pings_received),
            kind::PRIORITY => books.tally.add(&books.tally.priorities_received),
            // All others, and kinds not known, are h2's to judge.
            0..=u8::MAX => {}
        }
        to_h2.extend_from_slice(frame);
    }

    /// A frame from h2. What may go out is appended to the output.
    pub(super) fn outbound(&mut self, books: &Books, head: Head, frame: &[u8]) {
        if head.kind == kind::SETTINGS && !head.is_ack() {
            self.start();
            return;
        }
        if head.stream == 0 {
            if head.kind == kind::GOAWAY {
                books.tally.add(&books.tally.goaways_sent);
            }
            self.out.extend_from_slice(frame);
            return;
        }
        let excluded = head.stream > self.last_served && !self.streams.contains_key(&head.stream);
        if excluded || self.cut.contains_key(&head.stream) {
            return;
        }
        self.out.extend_from_slice(frame);
        match head.kind {
            kind::HEADERS => self.answer_goes_out(books, head),
            kind::DATA if head.ends_stream() => self.ended_by_us(head.stream),
            kind::RST_STREAM => {
                books.tally.add(&books.tally.resets_sent);
                self.streams.remove(&head.stream);
                self.close_if_drained();
            }
            // DATA in the middle, WINDOW_UPDATE.
            0..=u8::MAX => {}
        }
    }

    fn headers_from_client(&mut self, books: &Books, head: Head) {
        if !self.count_begun(head) {
            if head.ends_stream() {
                self.ended_by_client(head.stream);
            }
            return;
        }
        if head.stream > self.last_served {
            return;
        }
        let stream = Stream { ended_by_client: head.ends_stream(), ..Stream::default() };
        self.streams.insert(head.stream, stream);
        self.peak = self.peak.max(self.streams.len());
        match self.allowed() {
            None => books.tally.add(&books.tally.opened_before_settings),
            Some(limit) if self.streams.len() > limit as usize => {
                self.violations += 1;
                books.tally.add(&books.tally.limit_violations);
                match self.advertised.surplus {
                    Surplus::Refused => self.reset(books, head.stream, &[code::REFUSED_STREAM]),
                    Surplus::EndsConnection => {
                        let (last, then) = (head.stream.saturating_sub(2), Then::HangUp(HangUp::Fin));
                        self.goaway(books, last, code::PROTOCOL_ERROR, TOO_MANY_STREAMS, then);
                    }
                }
            }
            Some(_) => {}
        }
    }

    fn answer_goes_out(&mut self, books: &Books, head: Head) {
        let Some(stream) = self.streams.get_mut(&head.stream) else { return };
        if let Some(answering) = stream.answering.take() {
            stream.answered = true;
            if let Some(entry) = stream.entry {
                books.journal.conclude(entry, answering.outcome);
            }
            if head.ends_stream() {
                self.ended_by_us(head.stream);
            }
            self.after_answer(books, answering.afterwards);
        } else if head.ends_stream() {
            self.ended_by_us(head.stream);
        }
    }

    fn ended_by_client(&mut self, id: u32) {
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.ended_by_client = true;
            self.close_if_ended(id);
        }
    }

    fn ended_by_us(&mut self, id: u32) {
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.ended_by_us = true;
            self.close_if_ended(id);
        }
    }

    fn close_if_ended(&mut self, id: u32) {
        if self.streams.get(&id).is_some_and(|stream| stream.ended_by_client && stream.ended_by_us) {
            self.streams.remove(&id);
            self.close_if_drained();
        }
    }

    fn reset_by_client(&mut self, books: &Books, id: u32, frame: &[u8]) {
        books.tally.add(&books.tally.resets_received);
        let code = frame.get(HEAD_LEN..).and_then(|payload| payload.first_chunk::<4>());
        if let Some(entry) = self.streams.remove(&id).and_then(|stream| stream.entry) {
            books.journal.cancel(entry, code.map_or(0, |code| u32::from_be_bytes(*code)));
        }
        self.close_if_drained();
    }
}
