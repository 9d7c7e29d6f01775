//! What comes from the socket, in pieces of any size, as whole frames.

use super::frame::{FrameHeader, HEADER_BYTES, MAX_PAYLOAD_BYTES};
use super::violation::Violation;

/// A frame that has not come whole, and the header block that has not.
#[derive(Debug, Default)]
pub(super) struct Input {
    /// The beginning of a frame. It is never longer than the longest frame.
    partial: Vec<u8>,
    /// A header block whose END_HEADERS is still to come. Nothing else may come before.
    pub(super) block: Option<HeaderBlock>,
}

/// A header block over several frames.
#[derive(Debug)]
pub(super) struct HeaderBlock {
    pub(super) stream: u32,
    pub(super) ends_stream: bool,
    pub(super) bytes: Vec<u8>,
}

/// A frame, whole.
pub(super) enum Frame<'a> {
    /// It lies in what was just read.
    There(FrameHeader, &'a [u8]),
    /// It came in pieces. Its buffer goes back by [`Input::done`].
    Gathered(FrameHeader, Vec<u8>),
}

impl Input {
    /// The next whole frame, which is taken from `bytes`, or `None` if all of `bytes` was taken and more has to come.
    pub(super) fn next<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<Option<Frame<'a>>, Violation> {
        if self.partial.is_empty() {
            if let Some((header, rest)) = header(bytes)?
                && let Some((payload, rest)) = rest.split_at_checked(header.length)
            {
                *bytes = rest;
                return Ok(Some(Frame::There(header, payload)));
            }
            self.partial.extend_from_slice(bytes);
            *bytes = &[];
            return Ok(None);
        }
        self.gather(HEADER_BYTES, bytes);
        let Some((header, _)) = header(&self.partial)? else { return Ok(None) };
        self.gather(HEADER_BYTES + header.length, bytes);
        if self.partial.len() < HEADER_BYTES + header.length {
            return Ok(None);
        }
        Ok(Some(Frame::Gathered(header, std::mem::take(&mut self.partial))))
    }

    /// The buffer of a frame that came in pieces is not needed any more.
    pub(super) fn done(&mut self, mut buffer: Vec<u8>) {
        buffer.clear();
        self.partial = buffer;
    }

    /// Gives memory back that is not in use.
    pub(super) fn rest(&mut self) {
        if self.partial.is_empty() {
            self.partial = Vec::new();
        }
    }

    /// Fills the beginning of a frame up to `length` bytes, as far as there are any.
    fn gather(&mut self, length: usize, bytes: &mut &[u8]) {
        let count = length.saturating_sub(self.partial.len()).min(bytes.len());
        let (taken, rest) = bytes.split_at_checked(count).unwrap_or((bytes, &[]));
        self.partial.extend_from_slice(taken);
        *bytes = rest;
    }
}

/// The header in front, and what is behind it.
fn header(bytes: &[u8]) -> Result<Option<(FrameHeader, &[u8])>, Violation> {
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER_BYTES>() else { return Ok(None) };
    let header = FrameHeader::read(*header);
    if header.length > MAX_PAYLOAD_BYTES {
        // A server that knows no HTTP/2 answers the preface so.
        let what = match bytes.starts_with(b"HTTP/") {
            true => "it answers in HTTP/1.1",
            false => "a frame that is longer than 16,384 bytes",
        };
        return Err(Violation::frame_size(what));
    }
    Ok(Some((header, rest)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http2::engine::frame::kind;

    #[test]
    fn frames_are_whole_whatever_the_pieces() {
        let frame = |kind, stream, payload: &[u8]| {
            let header = FrameHeader { length: payload.len(), kind, flags: 0, stream };
            [&header.bytes()[..], payload].concat()
        };
        let bytes = [
            frame(kind::SETTINGS, 0, b""),
            frame(kind::DATA, 1, b"hello"),
            frame(kind::DATA, 1, b""),
            frame(kind::PING, 0, b"12345678"),
        ]
        .concat();
        for size in 1..=bytes.len() {
            let (mut input, mut seen) = (Input::default(), Vec::new());
            for mut piece in bytes.chunks(size) {
                while let Some(frame) = input.next(&mut piece).unwrap() {
                    match frame {
                        Frame::There(header, payload) => seen.push((header.kind, payload.to_vec())),
                        Frame::Gathered(header, buffer) => {
                            seen.push((header.kind, buffer[HEADER_BYTES..].to_vec()));
                            input.done(buffer);
                        }
                    }
                }
                assert!(piece.is_empty());
            }
            let expected =
                [(4, b"".to_vec()), (0, b"hello".to_vec()), (0, b"".to_vec()), (6, b"12345678".to_vec())];
            assert_eq!(seen, expected, "pieces of {size}");
        }
    }

    #[test]
    fn a_frame_that_is_too_long_is_refused_before_it_came() {
        let mut input = Input::default();
        let header = FrameHeader { length: 16_385, kind: kind::DATA, flags: 0, stream: 1 }.bytes();
        assert!(input.next(&mut &header[..8]).unwrap().is_none());
        assert!(input.next(&mut &header[8..]).is_err());
    }

    #[test]
    fn a_server_of_http_1_is_called_that() {
        let refused = Input::default().next(&mut &b"HTTP/1.1 400 Bad Request\r\n"[..]).err().unwrap();
        assert_eq!(refused.to_string(), "FRAME_SIZE_ERROR: it answers in HTTP/1.1");
    }
}
