//! What each frame that passes means, and whether it passes.

use bytes::BytesMut;

use super::frame::{self, HEAD_LEN, Head, code, kind, setting};
use super::state::{State, Stream};
use super::wire::{Books, Surplus};
use crate::simulator::fault::{HangUp, Then};

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
            kind::HEADERS => self.headers_from_client(books, head),
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::simulator::counters::Tally;
    use crate::simulator::fault::Then;
    use crate::simulator::filter::Advertised;
    use crate::simulator::journal::{Bounds, Journal};
    use crate::simulator::sync::Bell;

    const END_STREAM: u8 = 1;
    const ACK: u8 = 1;

    struct Rig {
        state: State,
        books: Books,
        to_h2: BytesMut,
    }

    impl Rig {
        /// A connection whose SETTINGS went out with this limit.
        fn started(max_concurrent_streams: u32) -> Self {
            Self::with_surplus(max_concurrent_streams, Surplus::Refused)
        }

        fn with_surplus(max_concurrent_streams: u32, surplus: Surplus) -> Self {
            let bell = Arc::new(Bell::default());
            let bounds = Bounds { entries: 0, headers: 0, bodies: 0 };
            let books = Books {
                journal: Arc::new(Journal::new(bounds, Arc::clone(&bell))),
                tally: Arc::new(Tally::new(bell)),
            };
            let mut state = State::new(Advertised {
                max_concurrent_streams,
                initial_window_size: 65_535,
                header_table_size: 4096,
                max_frame_size: 16_384,
                max_header_list_size: 8000,
                surplus,
            });
            state.start();
            state.out.clear();
            Self { state, books, to_h2: BytesMut::new() }
        }

        fn frame(kind: u8, flags: u8, stream: u32) -> [u8; HEAD_LEN] {
            let [s0, s1, s2, s3] = stream.to_be_bytes();
            [0, 0, 0, kind, flags, s0, s1, s2, s3]
        }

        /// Gives the frame to the filter; true if h2 sees it.
        fn client_sends(&mut self, kind: u8, flags: u8, stream: u32) -> bool {
            let frame = Self::frame(kind, flags, stream);
            self.to_h2.clear();
            self.state.inbound(&self.books, Head::parse(&frame).unwrap(), &frame, &mut self.to_h2);
            !self.to_h2.is_empty()
        }

        /// Gives the frame to the filter; true if it goes out.
        fn h2_sends(&mut self, kind: u8, flags: u8, stream: u32) -> bool {
            let frame = Self::frame(kind, flags, stream);
            self.state.out.clear();
            self.state.outbound(&self.books, Head::parse(&frame).unwrap(), &frame);
            !self.state.out.is_empty()
        }
    }

    #[test]
    fn requests_that_lay_unread_at_the_end_are_counted_as_begun_and_as_whole() {
        let mut rig = Rig::started(10);
        rig.client_sends(kind::HEADERS, 0, 1);
        for (kind, flags, stream) in [
            (kind::DATA, END_STREAM, 1),
            (kind::HEADERS, 0, 3),
            (kind::HEADERS, END_STREAM, 3),
            (kind::HEADERS, 0, 5),
            (kind::DATA, 0, 5),
        ] {
            rig.state.left_over(Head::parse(&Rig::frame(kind, flags, stream)).unwrap());
        }
        assert_eq!((rig.state.requests, rig.state.whole), (3, 2));
    }

    #[test]
    fn a_stream_beyond_the_limit_is_refused_only_once_the_limit_is_acknowledged() {
        let mut rig = Rig::started(1);
        for stream in [1, 3, 5] {
            assert!(rig.client_sends(kind::HEADERS, END_STREAM, stream));
        }
        assert!(rig.state.out.is_empty(), "no limit is in force yet");
        assert_eq!(rig.books.tally.read().opened_before_settings, 3);

        assert!(rig.client_sends(kind::SETTINGS, ACK, 0), "h2 waits for the ACK of its own");
        assert!(rig.client_sends(kind::HEADERS, END_STREAM, 7), "h2 needs the header block");
        let mut refusal = BytesMut::new();
        frame::rst_stream(&mut refusal, 7, code::REFUSED_STREAM);
        assert_eq!(rig.state.out, refusal);
        assert_eq!(rig.books.tally.read().limit_violations, 1);
        assert!(!rig.h2_sends(kind::HEADERS, END_STREAM, 7), "it is reset already");
        assert!(rig.h2_sends(kind::HEADERS, END_STREAM, 5));
    }

    #[test]
    fn a_stream_beyond_the_limit_of_fcm_ends_the_connection() {
        let mut rig = Rig::with_surplus(1, Surplus::EndsConnection);
        rig.client_sends(kind::SETTINGS, ACK, 0);
        rig.client_sends(kind::HEADERS, END_STREAM, 1);
        assert!(rig.state.out.is_empty());
        rig.client_sends(kind::HEADERS, END_STREAM, 3);
        let mut goaway = BytesMut::new();
        frame::goaway(&mut goaway, 1, code::PROTOCOL_ERROR, b"exceeded_max_concurrent_streams");
        assert_eq!(rig.state.out, goaway);
        assert_eq!(rig.state.hang_up, Some(HangUp::Fin));
    }

    #[test]
    fn a_lowered_limit_waits_for_its_own_acknowledgement_which_h2_never_sees() {
        let mut rig = Rig::started(2);
        rig.client_sends(kind::SETTINGS, ACK, 0);
        rig.state.set_limit(1);
        rig.client_sends(kind::HEADERS, END_STREAM, 1);
        rig.client_sends(kind::HEADERS, END_STREAM, 3);
        assert_eq!(rig.books.tally.read().limit_violations, 0);
        assert!(!rig.client_sends(kind::SETTINGS, ACK, 0));
        rig.client_sends(kind::HEADERS, END_STREAM, 5);
        assert_eq!(rig.books.tally.read().limit_violations, 1);
    }

    #[test]
    fn goaway_silences_what_it_excludes_and_closes_after_the_rest() {
        let mut rig = Rig::started(9);
        for stream in [1, 3] {
            rig.client_sends(kind::HEADERS, END_STREAM, stream);
        }
        rig.state.goaway(&rig.books, 1, code::NO_ERROR, b"", Then::Drain);
        assert!(!rig.h2_sends(kind::HEADERS, END_STREAM, 3));
        assert!(rig.client_sends(kind::HEADERS, END_STREAM, 5), "h2 needs the header block");
        assert!(!rig.h2_sends(kind::HEADERS, END_STREAM, 5));
        assert_eq!(rig.state.hang_up, None);
        assert!(rig.h2_sends(kind::HEADERS, END_STREAM, 1));
        assert!(rig.state.hang_up.is_some());
    }

    #[test]
    fn a_second_goaway_never_raises_the_last_id() {
        let mut rig = Rig::started(9);
        rig.state.goaway(&rig.books, 1, code::NO_ERROR, b"", Then::Serve);
        rig.state.out.clear();
        rig.state.goaway(&rig.books, 5, code::NO_ERROR, b"", Then::Serve);
        let mut expected = BytesMut::new();
        frame::goaway(&mut expected, 1, code::NO_ERROR, b"");
        assert_eq!(rig.state.out, expected);
    }
}
