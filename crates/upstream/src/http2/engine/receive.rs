//! Frames that come in. Each is checked, and ends at most what it is about: a stream, or the connection.
//!
//! Source: RFC 9113, section 6, each frame in the part that has its name.

use super::frame::{FrameHeader, HEADER_BYTES, flag, kind};
use super::input::Frame;
use super::violation::Violation;
use super::{End, Ended, Engine};
use crate::error_code::ErrorCode;
use crate::goaway::GoAway;

/// How much of the debug data of a GOAWAY is kept, in bytes.
const GOAWAY_DEBUG_BYTES: usize = 1024;

pub(super) type Received = Result<(), Violation>;

impl<T> Engine<T> {
    /// Takes what came from the socket, and adds the requests that end by it to `ends`.
    ///
    /// # Errors
    /// Fails if the connection cannot go on. The peer is told by a GOAWAY, which is the last thing to be written; then the
    /// owner closes the connection, and loses the requests that are left.
    pub(crate) fn receive(&mut self, mut bytes: &[u8], ends: &mut Vec<Ended<T>>) -> Received {
        let received = self.receive_frames(&mut bytes, ends);
        if let Err(error) = received {
            // No body goes on behind the GOAWAY, so what is not whole by now provably never is.
            self.blocked.clear();
            self.leave(error.code);
        }
        received
    }

    fn receive_frames(&mut self, bytes: &mut &[u8], ends: &mut Vec<Ended<T>>) -> Received {
        while let Some(frame) = self.input.next(bytes)? {
            match frame {
                Frame::There(header, payload) => self.frame(header, payload, ends)?,
                Frame::Gathered(header, buffer) => {
                    self.frame(header, buffer.get(HEADER_BYTES..).unwrap_or_default(), ends)?;
                    self.input.done(buffer);
                }
            }
        }
        if self.unblocked {
            self.write_bodies();
        }
        Ok(())
    }

    fn frame(&mut self, frame: FrameHeader, payload: &[u8], ends: &mut Vec<Ended<T>>) -> Received {
        if self
            .input
            .block
            .as_ref()
            .is_some_and(|block| frame.kind != kind::CONTINUATION || block.stream != frame.stream)
        {
            return Err(Violation::protocol("a frame inside of a header block"));
        }
        if !self.settings_seen && !matches!(frame.kind, kind::SETTINGS | kind::GOAWAY) {
            return Err(Violation::protocol("another frame before SETTINGS"));
        }
        match frame.kind {
            kind::DATA => self.data(frame, payload, ends),
            kind::HEADERS => self.headers(frame, payload, ends),
            kind::CONTINUATION => self.continuation(frame, payload, ends),
            kind::RST_STREAM => self.rst_stream(frame, payload, ends),
            kind::SETTINGS => self.settings(frame, payload),
            kind::PING => self.pinged(frame, payload),
            kind::GOAWAY => self.goes_away(frame, payload, ends),
            kind::WINDOW_UPDATE => self.window_update(frame, payload, ends),
            kind::PUSH_PROMISE => Err(Violation::protocol("PUSH_PROMISE, which is disabled")),
            kind::PRIORITY if payload.len() != 5 => {
                Err(Violation::frame_size("PRIORITY of a length other than 5"))
            }
            // PRIORITY is deprecated, and frames of other types are ignored. Source: RFC 9113, sections 5.3.2 and 4.1.
            _ => self.budget.spend(),
        }
    }

    /// A frame names a stream, which must be one that was opened.
    pub(super) fn check_opened(&self, frame: FrameHeader) -> Received {
        if self.was_opened(frame.stream) {
            return Ok(());
        }
        Err(Violation::protocol("a frame for a stream that was never opened"))
    }

    fn settings(&mut self, frame: FrameHeader, payload: &[u8]) -> Received {
        if frame.stream != 0 {
            return Err(Violation::protocol("SETTINGS for a stream"));
        }
        if frame.has(flag::ACK) {
            return match (payload.is_empty(), self.settings_seen) {
                (false, _) => Err(Violation::frame_size("an ACK of SETTINGS with a payload")),
                (true, false) => Err(Violation::protocol("another frame before SETTINGS")),
                (true, true) => self.budget.spend(),
            };
        }
        self.budget.spend()?;
        let changes = self.peer.apply(payload)?;
        if let Some((least, last)) = changes.table {
            self.encoder.set_table_size(least);
            self.encoder.set_table_size(last);
        }
        if changes.windows != 0 {
            for stream in self.streams.open.values_mut() {
                let changed = stream.send.change(changes.windows);
                changed.map_err(|_| Violation::flow_control("a window above 2^31-1"))?;
            }
            self.unblocked = true;
        }
        self.settings_seen = true;
        self.output.frame(kind::SETTINGS, flag::ACK, 0, &[]);
        Ok(())
    }

    fn pinged(&mut self, frame: FrameHeader, payload: &[u8]) -> Received {
        if frame.stream != 0 {
            return Err(Violation::protocol("PING for a stream"));
        }
        if payload.len() != 8 {
            return Err(Violation::frame_size("PING of a length other than 8"));
        }
        if !frame.has(flag::ACK) {
            self.output.frame(kind::PING, flag::ACK, 0, payload);
        } else if self.awaits_pong && payload == self.pings.to_be_bytes() {
            self.awaits_pong = false;
            return Ok(());
        }
        self.budget.spend()
    }

    fn goes_away(&mut self, frame: FrameHeader, payload: &[u8], ends: &mut Vec<Ended<T>>) -> Received {
        if frame.stream != 0 {
            return Err(Violation::protocol("GOAWAY for a stream"));
        }
        let Some((&[a, b, c, d, e, f, g, h], debug)) = payload.split_first_chunk::<8>() else {
            return Err(Violation::frame_size("GOAWAY of less than 8 bytes"));
        };
        let last_stream_id = u32::from_be_bytes([a, b, c, d]) & 0x7fff_ffff;
        if self.goaway.as_ref().is_some_and(|before| before.last_stream_id < last_stream_id) {
            return Err(Violation::protocol("a GOAWAY that raises its last id"));
        }
        self.budget.spend()?;
        let debug = debug.get(..GOAWAY_DEBUG_BYTES).unwrap_or(debug);
        let code = u32::from_be_bytes([e, f, g, h]);
        self.goaway = Some(GoAway { last_stream_id, code, debug: debug.to_vec().into() });
        let mut above: Vec<_> = self.streams.open.keys().copied().filter(|id| *id > last_stream_id).collect();
        above.sort_unstable();
        let taken = self.output.taken();
        for id in above {
            let Some(stream) = self.streams.open.remove(&id) else { continue };
            self.forget_body(id, stream.ends.is_none());
            let progress = stream.progress(taken);
            let end = match stream.answer {
                None => End::GoneAway,
                // What it has answered in part it has seen, whatever it says now.
                Some(answer) => End::Lost { progress, head: Some(answer.head) },
            };
            ends.push(Ended { token: stream.token, end });
        }
        Ok(())
    }

    fn window_update(&mut self, frame: FrameHeader, payload: &[u8], ends: &mut Vec<Ended<T>>) -> Received {
        let Ok(by) = payload.try_into().map(u32::from_be_bytes) else {
            return Err(Violation::frame_size("WINDOW_UPDATE of a length other than 4"));
        };
        let (by, id) = (i64::from(by & 0x7fff_ffff), frame.stream);
        if id == 0 {
            if by == 0 {
                return Err(Violation::protocol("WINDOW_UPDATE by 0"));
            }
            self.send.change(by).map_err(|_| Violation::flow_control("a window above 2^31-1"))?;
            self.unblocked = true;
            return self.budget.spend();
        }
        self.check_opened(frame)?;
        self.budget.spend()?;
        let Some(stream) = self.streams.open.get_mut(&id) else { return Ok(()) };
        if by == 0 {
            self.unreadable(id, ErrorCode::PROTOCOL_ERROR, ends);
        } else if stream.send.change(by).is_err() {
            self.unreadable(id, ErrorCode::FLOW_CONTROL_ERROR, ends);
        } else if stream.ends.is_none() {
            self.unblocked = true;
        }
        Ok(())
    }
}
