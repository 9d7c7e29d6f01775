//! Decides what each frame means, and whether it passes.

use bytes::BytesMut;

use super::advertised::OverLimit;
use super::frame::{self, HEAD_LEN, Head, code, kind, setting};
use super::scheme;
use super::state::{Http2State, OpenStream, Recorders};
use crate::fault::{AfterGoAway, HangUp};

/// The debug data of the GOAWAY to a client that opens too many streams. Source: firebase/firebase-admin-node#2943.
const TOO_MANY_STREAMS: &[u8] = b"exceeded_max_concurrent_streams";

impl Http2State {
    /// Takes a frame from the client, and appends what h2 may see of it to `to_h2`.
    ///
    /// HEADERS and DATA always pass, also on streams that are refused: they carry HPACK state and flow control, which
    /// h2 has to follow.
    pub(super) fn inbound(&mut self, recorders: &Recorders, head: Head, frame: &[u8], to_h2: &mut BytesMut) {
        self.count_whole(head);
        match head.kind {
            kind::SETTINGS if head.is_ack() => {
                recorders.counters.add(&recorders.counters.settings_acknowledged);
                if let Some(sent) = self.unacknowledged.pop_front() {
                    self.acknowledged = Some(sent.limit);
                    if sent.injected {
                        return;
                    }
                }
            }
            kind::SETTINGS => {
                // Without a dynamic table every header block stands alone, so the filter may drop any block of
                // h2.
                frame::settings_with(to_h2, frame, setting::HEADER_TABLE_SIZE, 0);
                return;
            }
            kind::HEADERS => {
                self.headers_from_client(recorders, head);
                if self.advertised.scheme_with_colon
                    && let Some(mended) = scheme::without_colon(frame)
                {
                    to_h2.extend_from_slice(&mended);
                    return;
                }
            }
            kind::DATA if head.ends_stream() => self.ended_by_client(head.stream),
            kind::RST_STREAM => self.reset_by_client(recorders, head.stream, frame),
            kind::PING if !head.is_ack() => recorders.counters.add(&recorders.counters.pings_received),
            kind::PRIORITY => recorders.counters.add(&recorders.counters.priorities_received),
            // h2 judges all other frames, including kinds that are not known.
            0..=u8::MAX => {}
        }
        to_h2.extend_from_slice(frame);
    }

    /// Takes a frame from h2, and appends what may go out to the output.
    pub(super) fn outbound(&mut self, recorders: &Recorders, head: Head, frame: &[u8]) {
        if head.kind == kind::SETTINGS && !head.is_ack() {
            self.start();
            return;
        }
        if head.stream == 0 {
            if head.kind == kind::GOAWAY {
                recorders.counters.add(&recorders.counters.goaways_sent);
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
            kind::HEADERS => self.answer_goes_out(recorders, head),
            kind::DATA if head.ends_stream() => self.ended_by_us(head.stream),
            kind::RST_STREAM => {
                recorders.counters.add(&recorders.counters.resets_sent);
                self.streams.remove(&head.stream);
                self.close_if_drained();
            }
            // DATA in the middle of a body and WINDOW_UPDATE need no more.
            0..=u8::MAX => {}
        }
    }

    fn headers_from_client(&mut self, recorders: &Recorders, head: Head) {
        if !self.count_begun(head) {
            if head.ends_stream() {
                self.ended_by_client(head.stream);
            }
            return;
        }
        if head.stream > self.last_served {
            return;
        }
        let stream = OpenStream { ended_by_client: head.ends_stream(), ..OpenStream::default() };
        self.streams.insert(head.stream, stream);
        self.peak = self.peak.max(self.streams.len());
        match self.allowed() {
            None => recorders.counters.add(&recorders.counters.opened_before_settings),
            Some(limit) if self.streams.len() > limit as usize => {
                self.violations += 1;
                recorders.counters.add(&recorders.counters.limit_violations);
                match self.advertised.over_limit {
                    OverLimit::Refused => self.reset(recorders, head.stream, &[code::REFUSED_STREAM]),
                    OverLimit::EndsConnection => {
                        let (last, then) = (head.stream.saturating_sub(2), AfterGoAway::HangUp(HangUp::Fin));
                        self.goaway(recorders, last, code::PROTOCOL_ERROR, TOO_MANY_STREAMS, then);
                    }
                }
            }
            Some(_) => {}
        }
    }

    fn answer_goes_out(&mut self, recorders: &Recorders, head: Head) {
        let Some(stream) = self.streams.get_mut(&head.stream) else { return };
        if let Some(announced) = stream.announced.take() {
            stream.answered = true;
            if let Some(entry) = stream.entry {
                recorders.journal.conclude(entry, announced.outcome);
            }
            if head.ends_stream() {
                self.ended_by_us(head.stream);
            }
            self.after_answer(recorders, announced.follow_up);
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

    fn reset_by_client(&mut self, recorders: &Recorders, id: u32, frame: &[u8]) {
        recorders.counters.add(&recorders.counters.resets_received);
        let code = frame.get(HEAD_LEN..).and_then(|payload| payload.first_chunk::<4>());
        if let Some(entry) = self.streams.remove(&id).and_then(|stream| stream.entry) {
            recorders.journal.cancel(entry, code.map_or(0, |code| u32::from_be_bytes(*code)));
        }
        self.close_if_drained();
    }
}
