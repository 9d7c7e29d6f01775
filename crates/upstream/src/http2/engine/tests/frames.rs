//! Frames as the model of a peer reads and writes them.
//!
//! They share nothing with the engine's, so that neither hides a mistake of the other. Source: RFC 9113, sections 4
//! and 6.

pub(super) const DATA: u8 = 0x0;
pub(super) const HEADERS: u8 = 0x1;
pub(super) const PRIORITY: u8 = 0x2;
pub(super) const RST_STREAM: u8 = 0x3;
pub(super) const SETTINGS: u8 = 0x4;
pub(super) const PUSH_PROMISE: u8 = 0x5;
pub(super) const PING: u8 = 0x6;
pub(super) const GOAWAY: u8 = 0x7;
pub(super) const WINDOW_UPDATE: u8 = 0x8;
pub(super) const CONTINUATION: u8 = 0x9;

pub(super) const ACK: u8 = 0x1;
pub(super) const END_STREAM: u8 = 0x1;
pub(super) const END_HEADERS: u8 = 0x4;
pub(super) const PADDED: u8 = 0x8;
pub(super) const WITH_PRIORITY: u8 = 0x20;

/// The longest payload that either side sends.
pub(super) const MAX_PAYLOAD: usize = 16_384;

pub(super) struct Frame<'a> {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Takes the frame at the front, which has to be whole.
    pub(super) fn take(bytes: &mut &'a [u8]) -> Self {
        let (&[a, b, c, kind, flags, id @ ..], rest) = bytes.split_first_chunk::<9>().expect("a whole frame");
        let length = usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap();
        assert!(length <= MAX_PAYLOAD, "a frame of {length} bytes");
        let (payload, rest) = rest.split_at_checked(length).expect("a whole frame");
        *bytes = rest;
        let stream = u32::from_be_bytes(id);
        assert!(stream < 1 << 31, "the reserved bit is set");
        Frame { kind, flags, stream, payload }
    }

    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// A payload that is one number.
    pub(super) fn number(&self) -> u32 {
        u32::from_be_bytes(self.payload.try_into().expect("a payload of 4 bytes"))
    }
}

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [.., a, b, c] = payload.len().to_be_bytes();
    [&[a, b, c, kind, flags], &stream.to_be_bytes()[..], payload].concat()
}
