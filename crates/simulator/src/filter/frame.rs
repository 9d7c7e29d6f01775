//! HTTP/2 frames as bytes: what the filter reads of them, and those that it writes itself.
//!
//! Source: RFC 9113, 4.1 (the header of a frame) and 6 (the frames).

use bytes::{BufMut, BytesMut};

/// The bytes of a frame's header.
pub(super) const HEAD_LEN: usize = 9;

/// What a client sends before its first frame. Source: RFC 9113, 3.4.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The largest last stream id, which excludes no stream.
pub(crate) const MAX_STREAM_ID: u32 = (1 << 31) - 1;

pub(super) mod kind {
    pub(in super::super) const DATA: u8 = 0;
    pub(in super::super) const HEADERS: u8 = 1;
    pub(in super::super) const PRIORITY: u8 = 2;
    pub(in super::super) const RST_STREAM: u8 = 3;
    pub(in super::super) const SETTINGS: u8 = 4;
    pub(in super::super) const PING: u8 = 6;
    pub(in super::super) const GOAWAY: u8 = 7;
}

pub(crate) mod code {
    pub(crate) const NO_ERROR: u32 = 0;
    pub(crate) const PROTOCOL_ERROR: u32 = 1;
    pub(crate) const STREAM_CLOSED: u32 = 5;
    pub(crate) const REFUSED_STREAM: u32 = 7;
}

pub(super) mod setting {
    pub(in super::super) const HEADER_TABLE_SIZE: u16 = 1;
    pub(in super::super) const MAX_CONCURRENT_STREAMS: u16 = 3;
    pub(in super::super) const INITIAL_WINDOW_SIZE: u16 = 4;
    pub(in super::super) const MAX_FRAME_SIZE: u16 = 5;
    pub(in super::super) const MAX_HEADER_LIST_SIZE: u16 = 6;
}

/// The flag ACK of SETTINGS and PING, and END_STREAM of HEADERS and DATA, are the same bit.
const FLAG_ACK_OR_END_STREAM: u8 = 1;

/// The bytes of one parameter of a SETTINGS frame.
const SETTING_LEN: usize = 6;

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) len: usize,
    pub(super) kind: u8,
    flags: u8,
    pub(super) stream: u32,
}

impl Head {
    /// Parses the header at the start of `bytes`, if it is there in whole.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let &[l0, l1, l2, kind, flags, s0, s1, s2, s3] = bytes.first_chunk::<HEAD_LEN>()?;
        Some(Self {
            len: u32::from_be_bytes([0, l0, l1, l2]) as usize,
            kind,
            flags,
            stream: u32::from_be_bytes([s0, s1, s2, s3]) & MAX_STREAM_ID,
        })
    }

    pub(super) fn is_ack(self) -> bool {
        self.flags & FLAG_ACK_OR_END_STREAM != 0
    }

    pub(super) fn ends_stream(self) -> bool {
        matches!(self.kind, kind::DATA | kind::HEADERS) && self.flags & FLAG_ACK_OR_END_STREAM != 0
    }

    fn write(self, out: &mut BytesMut) {
        out.put_uint(self.len as u64, 3);
        out.put_u8(self.kind);
        out.put_u8(self.flags);
        out.put_u32(self.stream);
    }
}

pub(super) fn settings(out: &mut BytesMut, settings: &[(u16, u32)]) {
    Head { len: settings.len() * SETTING_LEN, kind: kind::SETTINGS, flags: 0, stream: 0 }.write(out);
    for (name, value) in settings {
        out.put_u16(*name);
        out.put_u32(*value);
    }
}

/// Copies the SETTINGS frame `frame` with one more parameter at its end. The last one wins, since parameters are
/// processed in order. Source: RFC 9113, 6.5.
pub(super) fn settings_with(out: &mut BytesMut, frame: &[u8], name: u16, value: u32) {
    let payload = frame.get(HEAD_LEN..).unwrap_or_default();
    Head { len: payload.len() + SETTING_LEN, kind: kind::SETTINGS, flags: 0, stream: 0 }.write(out);
    out.extend_from_slice(payload);
    out.put_u16(name);
    out.put_u32(value);
}

pub(super) fn rst_stream(out: &mut BytesMut, stream: u32, code: u32) {
    Head { len: 4, kind: kind::RST_STREAM, flags: 0, stream }.write(out);
    out.put_u32(code);
}

pub(super) fn goaway(out: &mut BytesMut, last: u32, code: u32, debug_data: &[u8]) {
    Head { len: 8 + debug_data.len(), kind: kind::GOAWAY, flags: 0, stream: 0 }.write(out);
    out.put_u32(last);
    out.put_u32(code);
    out.extend_from_slice(debug_data);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_frame_reads_back() {
        let mut out = BytesMut::new();
        goaway(&mut out, 7, code::NO_ERROR, b"{}");
        let head = Head::parse(&out).unwrap();
        assert_eq!((head.len, head.kind, head.stream), (10, kind::GOAWAY, 0));
        assert_eq!(out.len(), HEAD_LEN + head.len);
        assert!(Head::parse(&out[..HEAD_LEN - 1]).is_none());
    }

    #[test]
    fn a_parameter_added_to_settings_comes_last() {
        let (mut first, mut out) = (BytesMut::new(), BytesMut::new());
        settings(&mut first, &[(setting::HEADER_TABLE_SIZE, 4096)]);
        settings_with(&mut out, &first, setting::HEADER_TABLE_SIZE, 0);
        assert_eq!(Head::parse(&out).unwrap().len, 12);
        assert_eq!(&out[out.len() - 4..], &[0; 4]);
    }
}
