//! What comes for a stream: the pieces of its answer, and its reset.
//!
//! Source: RFC 9113, sections 6 and 8.1.

use super::answer::{Answer, HeadMeaning, Section};
use super::frame::{FrameHeader, flag, without_padding};
use super::input::HeaderBlock;
use super::receive::Received;
use super::stream::Closed;
use super::violation::Violation;
use super::{End, Ended, Engine};
use crate::error_code::ErrorCode;

/// The longest header block, in bytes as they come, unless the longest header list is longer.
const MAX_BLOCK_BYTES: usize = 32 * 1024;

impl<T> Engine<T> {
    pub(super) fn data(&mut self, frame: FrameHeader, payload: &[u8], ends: &mut Vec<Ended<T>>) -> Received {
        self.check_opened(frame)?;
        let id = frame.stream;
        // Padding counts too. What comes for a stream that has ended counts as well.
        self.receive
            .receive(payload.len())
            .map_err(|_| Violation::flow_control("more DATA than the window"))?;
        if let Some(by) = self.receive.give_back() {
            self.output.window_update(0, by);
        }
        let piece = without_padding(frame, payload)
            .ok_or(Violation::protocol("more padding than the frame has room for"))?;
        let ends_stream = frame.has(flag::END_STREAM);
        if piece.is_empty() && !ends_stream {
            self.budget.spend()?;
        }
        let limit = self.limits.body;
        let Some(stream) = self.streams.open.get_mut(&id) else {
            return self.data_of_closed(id, payload.len(), ends_stream);
        };
        if stream.receive.receive(payload.len()).is_err() {
            self.unreadable(id, ErrorCode::FLOW_CONTROL_ERROR, ends);
            return Ok(());
        }
        if !stream.answer.as_mut().is_some_and(|answer| answer.body(piece, limit)) {
            // The body comes before its head, or is too large.
            let code = if stream.answer.is_some() { ErrorCode::CANCEL } else { ErrorCode::PROTOCOL_ERROR };
            self.unreadable(id, code, ends);
            return Ok(());
        }
        if ends_stream {
            self.answered(id, ends);
        } else if let Some(by) = stream.receive.give_back() {
            self.output.window_update(id, by);
        }
        Ok(())
    }

    fn data_of_closed(&mut self, id: u32, bytes: usize, ends_stream: bool) -> Received {
        match self.streams.closed(id) {
            Closed::Forgotten => self.budget.spend()?,
            Closed::Reset => {
                let window = self.streams.receive_closed(id, bytes);
                window.map_err(|_| Violation::flow_control("more DATA than the window of a reset stream"))?;
                if ends_stream {
                    self.budget.answered_late();
                }
            }
        }
        if ends_stream {
            self.streams.closed_ends(id);
        }
        Ok(())
    }

    pub(super) fn headers(
        &mut self,
        frame: FrameHeader,
        payload: &[u8],
        ends: &mut Vec<Ended<T>>,
    ) -> Received {
        self.check_opened(frame)?;
        let mut block = without_padding(frame, payload)
            .ok_or(Violation::protocol("more padding than the frame has room for"))?;
        if frame.has(flag::PRIORITY) {
            block = block.get(5..).ok_or(Violation::frame_size("HEADERS without their priority"))?;
        }
        let ends_stream = frame.has(flag::END_STREAM);
        if frame.has(flag::END_HEADERS) {
            return self.block(frame.stream, ends_stream, block, ends);
        }
        self.input.block = Some(HeaderBlock { stream: frame.stream, ends_stream, bytes: block.to_vec() });
        Ok(())
    }

    pub(super) fn continuation(
        &mut self,
        frame: FrameHeader,
        payload: &[u8],
        ends: &mut Vec<Ended<T>>,
    ) -> Received {
        self.budget.spend()?;
        let most = MAX_BLOCK_BYTES.max(usize::try_from(self.limits.header_list).unwrap_or(usize::MAX));
        let Some(block) = &mut self.input.block else {
            return Err(Violation::protocol("CONTINUATION without HEADERS"));
        };
        if block.bytes.len() + payload.len() > most {
            return Err(Violation::too_much("a header block that is longer than is sensible"));
        }
        block.bytes.extend_from_slice(payload);
        match self.input.block.take_if(|_| frame.has(flag::END_HEADERS)) {
            Some(HeaderBlock { stream, ends_stream, bytes }) => self.block(stream, ends_stream, &bytes, ends),
            None => Ok(()),
        }
    }

    /// A whole header block came. It is decoded in any case, because the table of the connection depends on it.
    fn block(&mut self, id: u32, ends_stream: bool, block: &[u8], ends: &mut Vec<Ended<T>>) -> Received {
        let open = self.streams.open.contains_key(&id);
        let mut section = Section::new(usize::try_from(self.limits.header_list).unwrap_or(usize::MAX));
        let decoded = self.decoder.decode(block, |name, value| {
            if open {
                section.field(name, value);
            }
        });
        decoded.map_err(|_| Violation::compression("a header block that cannot be decoded"))?;
        let Some(stream) = self.streams.open.get_mut(&id) else {
            // A head costs its peer something until its answer ends, because there may be any number of them.
            return if ends_stream { self.data_of_closed(id, 0, true) } else { self.budget.spend() };
        };
        if stream.answer.is_some() {
            // Trailers end an answer, and say nothing that anybody asks for.
            if ends_stream && section.is_trailers() {
                self.answered(id, ends);
            } else {
                self.unreadable(id, ErrorCode::PROTOCOL_ERROR, ends);
            }
            return Ok(());
        }
        let Some(head) = section.head() else {
            self.unreadable(id, ErrorCode::PROTOCOL_ERROR, ends);
            return Ok(());
        };
        match head.meaning(ends_stream) {
            HeadMeaning::Malformed => self.unreadable(id, ErrorCode::PROTOCOL_ERROR, ends),
            HeadMeaning::Informational => self.budget.spend()?,
            HeadMeaning::Final => {
                stream.answer = Some(Answer::new(head));
                if ends_stream {
                    self.answered(id, ends);
                }
            }
        }
        Ok(())
    }

    /// The answer to a request is whole. If the request is not, what is left of it is not sent.
    fn answered(&mut self, id: u32, ends: &mut Vec<Ended<T>>) {
        let Some(stream) = self.streams.open.remove(&id) else { return };
        if stream.ends.is_none() {
            self.output.reset(id, ErrorCode::CANCEL);
            self.forget_body(id, true);
        }
        self.budget.answered();
        let whole = stream.answer.ok_or(None).and_then(|answer| answer.whole(stream.to_head).map_err(Some));
        let end = whole.map_or_else(|head| End::Unreadable { head }, End::Answered);
        ends.push(Ended { token: stream.token, end });
    }

    /// Resets a stream whose answer cannot be read.
    pub(super) fn unreadable(&mut self, id: u32, code: ErrorCode, ends: &mut Vec<Ended<T>>) {
        if let Some((token, answer)) = self.reset(id, code) {
            ends.push(Ended { token, end: End::Unreadable { head: answer.map(|answer| answer.head) } });
        }
    }

    pub(super) fn rst_stream(
        &mut self,
        frame: FrameHeader,
        payload: &[u8],
        ends: &mut Vec<Ended<T>>,
    ) -> Received {
        let Ok(code) = payload.try_into().map(u32::from_be_bytes) else {
            return Err(Violation::frame_size("RST_STREAM of a length other than 4"));
        };
        self.check_opened(frame)?;
        let id = frame.stream;
        let Some(stream) = self.streams.open.remove(&id) else {
            self.streams.closed_ends(id);
            return self.budget.spend();
        };
        self.forget_body(id, stream.ends.is_none());
        let end = match stream.answer {
            None if ErrorCode(code) == ErrorCode::REFUSED_STREAM => End::Refused,
            answer => End::Reset { code, head: answer.map(|answer| answer.head) },
        };
        ends.push(Ended { token: stream.token, end });
        Ok(())
    }
}
