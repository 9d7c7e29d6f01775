//! The frames of HTTP/2, as bytes.
//!
//! Source: RFC 9113, sections 4 and 6.

/// What a client sends before its first frame. Source: RFC 9113, section 3.4.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The length of the header of a frame. Source: RFC 9113, section 4.1.
pub(super) const HEADER_BYTES: usize = 9;

/// The longest payload of a frame that every peer takes, and the longest that this client takes. Source: RFC 9113,
/// section 4.2.
pub(super) const MAX_PAYLOAD_BYTES: usize = 16_384;

/// The types of frames. Source: RFC 9113, section 6.
pub(super) mod kind {
    pub(crate) const DATA: u8 = 0x0;
    pub(crate) const HEADERS: u8 = 0x1;
    pub(crate) const PRIORITY: u8 = 0x2;
    pub(crate) const RST_STREAM: u8 = 0x3;
    pub(crate) const SETTINGS: u8 = 0x4;
    pub(crate) const PUSH_PROMISE: u8 = 0x5;
    pub(crate) const PING: u8 = 0x6;
    pub(crate) const GOAWAY: u8 = 0x7;
    pub(crate) const WINDOW_UPDATE: u8 = 0x8;
    pub(crate) const CONTINUATION: u8 = 0x9;
}

/// The flags of frames. Source: RFC 9113, section 6.
pub(super) mod flag {
    pub(crate) const ACK: u8 = 0x1;
    pub(crate) const END_STREAM: u8 = 0x1;
    pub(crate) const END_HEADERS: u8 = 0x4;
    pub(crate) const PADDED: u8 = 0x8;
    pub(crate) const PRIORITY: u8 = 0x20;
}

/// The header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHeader {
    /// The length of the payload, in bytes.
    pub(super) length: usize,
    pub(super) kind: u8,
    pub(super) flags: u8,
    /// The id of the stream, or 0 for the whole connection.
    pub(super) stream: u32,
}

impl FrameHeader {
    /// Reads a header. The reserved bit in front of the id is ignored.
    pub(super) fn read(bytes: [u8; HEADER_BYTES]) -> Self {
        let [a, b, c, kind, flags, id @ ..] = bytes;
        let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        Self { length, kind, flags, stream: u32::from_be_bytes(id) & 0x7fff_ffff }
    }

    /// The header as bytes. No frame that is written here is longer than [`MAX_PAYLOAD_BYTES`].
    pub(super) fn bytes(self) -> [u8; HEADER_BYTES] {
        let [.., a, b, c] = self.length.to_be_bytes();
        let [d, e, f, g] = self.stream.to_be_bytes();
        [a, b, c, self.kind, self.flags, d, e, f, g]
    }

    pub(super) fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// The payload without its padding, or `None` if the padding is longer than the payload. Source: RFC 9113, sections 6.1
/// and 6.2.
pub(super) fn without_padding(frame: FrameHeader, payload: &[u8]) -> Option<&[u8]> {
    if !frame.has(flag::PADDED) {
        return Some(payload);
    }
    let (padding, rest) = payload.split_first()?;
    rest.len().checked_sub(usize::from(*padding)).and_then(|length| rest.get(..length))
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_header_is_read_as_it_was_written(length in 0_usize..=MAX_PAYLOAD_BYTES, kind: u8, flags: u8, id in 0_u32..1 << 31) {
            let header = FrameHeader { length, kind, flags, stream: id };
            proptest::prop_assert_eq!(FrameHeader::read(header.bytes()), header);
        }
    }

    #[test]
    fn padding_is_cut_off_and_more_of_it_than_there_is_payload_is_an_error() {
        let padded = FrameHeader { length: 0, kind: kind::DATA, flags: flag::PADDED, stream: 1 };
        assert_eq!(without_padding(padded, &[2, b'x', 0, 0]), Some(&b"x"[..]));
        assert_eq!(without_padding(padded, &[3, 0, 0, 0]), Some(&b""[..]));
        assert_eq!(without_padding(padded, &[4, 0, 0, 0]), None);
        assert_eq!(without_padding(padded, &[]), None);
        assert_eq!(without_padding(FrameHeader { flags: 0, ..padded }, &[4, 0]), Some(&[4, 0][..]));
    }
}
