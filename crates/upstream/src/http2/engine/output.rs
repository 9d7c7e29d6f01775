//! What is to be written, and how much of all that was ever written the socket took.

use super::frame::{FrameHeader, HEADER_BYTES, MAX_PAYLOAD_BYTES, flag, kind};
use crate::error_code::ErrorCode;

/// Bytes that were taken are moved out of the way once there are so many of them.
const COMPACT_BYTES: usize = 64 * 1024;

/// The bytes on their way to the socket. A place in the whole of what was ever written is an offset, so a request was
/// sent whole when the socket took more bytes than the offset of its end.
#[derive(Debug, Default)]
pub(super) struct Output {
    bytes: Vec<u8>,
    /// How many of `bytes` the socket took.
    taken: usize,
    /// The offset of the first of `bytes`.
    base: u64,
    /// Nothing more is written, so nothing more is taken.
    closed: bool,
}

impl Output {
    /// What is to be written next.
    pub(super) fn waiting(&self) -> &[u8] {
        self.bytes.get(self.taken..).unwrap_or_default()
    }

    /// The offset behind the last byte.
    pub(super) fn end(&self) -> u64 {
        self.base + self.bytes.len() as u64
    }

    /// The offset behind the last byte that the socket took.
    pub(super) fn taken(&self) -> u64 {
        self.base + self.taken as u64
    }

    /// The socket took so many more bytes.
    pub(super) fn take(&mut self, count: usize) {
        self.taken = self.taken.saturating_add(count).min(self.bytes.len());
        if self.taken == self.bytes.len() || self.taken >= COMPACT_BYTES {
            self.base += self.taken as u64;
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
    }

    /// Drops what waits, and all that is written from now on.
    pub(super) fn close(&mut self) {
        self.base += self.taken as u64;
        self.taken = 0;
        self.bytes = Vec::new();
        self.closed = true;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Gives memory back that is not in use.
    pub(super) fn rest(&mut self) {
        if self.bytes.is_empty() {
            self.bytes = Vec::new();
        }
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) {
        if !self.closed {
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Writes a frame that is no longer than [`MAX_PAYLOAD_BYTES`].
    pub(super) fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        debug_assert!(payload.len() <= MAX_PAYLOAD_BYTES);
        self.raw(&FrameHeader { length: payload.len(), kind, flags, stream }.bytes());
        self.raw(payload);
    }

    pub(super) fn reset(&mut self, stream: u32, code: ErrorCode) {
        self.frame(kind::RST_STREAM, 0, stream, &code.0.to_be_bytes());
    }

    pub(super) fn window_update(&mut self, stream: u32, by: u32) {
        self.frame(kind::WINDOW_UPDATE, 0, stream, &by.to_be_bytes());
    }

    pub(super) fn goaway(&mut self, code: ErrorCode) {
        // The last stream of the peer that was processed is 0, since the peer opens none.
        let [a, b, c, d] = code.0.to_be_bytes();
        self.frame(kind::GOAWAY, 0, 0, &[0, 0, 0, 0, a, b, c, d]);
    }

    /// Writes a header block, which `encode` appends, in as many frames as it needs.
    pub(super) fn headers(&mut self, stream: u32, ends_stream: bool, encode: impl FnOnce(&mut Vec<u8>)) {
        if self.closed {
            return;
        }
        let at = self.bytes.len();
        self.bytes.extend_from_slice(&[0; HEADER_BYTES]);
        encode(&mut self.bytes);
        let length = self.bytes.len() - at - HEADER_BYTES;
        let flags = if ends_stream { flag::END_STREAM } else { 0 };
        if length <= MAX_PAYLOAD_BYTES {
            let flags = flags | flag::END_HEADERS;
            let header = FrameHeader { length, kind: kind::HEADERS, flags, stream }.bytes();
            if let Some(place) = self.bytes.get_mut(at..at + HEADER_BYTES) {
                place.copy_from_slice(&header);
            }
            return;
        }
        let block = self.bytes.split_off(at + HEADER_BYTES);
        self.bytes.truncate(at);
        let pieces = block.len().div_ceil(MAX_PAYLOAD_BYTES);
        for (index, piece) in block.chunks(MAX_PAYLOAD_BYTES).enumerate() {
            let last = if index + 1 == pieces { flag::END_HEADERS } else { 0 };
            match index {
                0 => self.frame(kind::HEADERS, flags | last, stream, piece),
                _ => self.frame(kind::CONTINUATION, last, stream, piece),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_stays_the_same_whatever_was_taken() {
        let mut output = Output::default();
        output.raw(&[1; 100]);
        let end = output.end();
        output.take(40);
        output.raw(&[2; 100_000]);
        assert_eq!((end, output.taken(), output.end()), (100, 40, 100_100));
        output.take(70_000);
        assert_eq!((output.taken(), output.end(), output.waiting().len()), (70_040, 100_100, 30_060));
        output.take(1_000_000);
        assert_eq!((output.taken(), output.waiting().len()), (100_100, 0), "no more is taken than there is");
    }

    #[test]
    fn what_was_not_taken_before_the_end_never_is() {
        let mut output = Output::default();
        output.raw(&[1; 100]);
        output.take(40);
        output.close();
        output.reset(1, ErrorCode::CANCEL);
        output.headers(3, true, |block| block.push(1));
        output.take(100);
        assert_eq!((output.taken(), output.waiting()), (40, &[][..]));
    }

    #[test]
    fn a_long_block_goes_out_in_frames_that_follow_each_other() {
        for length in [0, 1, MAX_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES + 1, 3 * MAX_PAYLOAD_BYTES] {
            let mut output = Output::default();
            output.headers(5, true, |block| block.extend(std::iter::repeat_n(7, length)));
            let (mut rest, mut seen, mut ended) = (output.waiting(), 0, false);
            while let Some((header, after)) = rest.split_first_chunk::<HEADER_BYTES>() {
                let header = FrameHeader::read(*header);
                assert!(!ended && header.stream == 5 && header.length <= MAX_PAYLOAD_BYTES);
                assert_eq!(header.kind == kind::HEADERS, seen == 0);
                assert_eq!(header.kind == kind::HEADERS, header.flags & flag::END_STREAM != 0);
                let (payload, after) = after.split_at(header.length);
                assert!(payload.iter().all(|byte| *byte == 7));
                (seen, ended, rest) = (seen + payload.len(), header.has(flag::END_HEADERS), after);
            }
            assert!(ended && seen == length && rest.is_empty(), "{length}");
        }
    }
}
