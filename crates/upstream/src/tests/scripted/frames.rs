//! The frames of the scripted server. Source: RFC 9113, sections 4 and 6, and RFC 7541, sections 5 and 6.

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const PRIORITY: u8 = 2;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PUSH_PROMISE: u8 = 5;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

/// The flags ACK and END_STREAM have the same bit.
pub(super) const ACK: u8 = 1;
pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;
pub(super) const PADDED: u8 = 8;

/// The identifiers of settings.
pub(super) const TABLE_SIZE: u16 = 1;
pub(super) const MAX_STREAMS: u16 = 3;
pub(super) const WINDOW: u16 = 4;

/// The largest window, and the largest id of a stream.
pub(super) const LARGEST: u32 = (1 << 31) - 1;

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

pub(super) fn settings(all: &[(u16, u32)]) -> Vec<u8> {
    let payload = all.iter().flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat());
    frame(SETTINGS, 0, 0, &payload.collect::<Vec<_>>())
}

pub(super) fn settings_ack() -> Vec<u8> {
    frame(SETTINGS, ACK, 0, &[])
}

/// A header block in which every field is written out.
pub(super) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            match u8::try_from(text.len()) {
                Ok(length @ ..127) => block.push(length),
                _ => {
                    block.push(127);
                    let mut rest = text.len() - 127;
                    while rest >= 128 {
                        block.push(u8::try_from(rest % 128).unwrap() | 128);
                        rest /= 128;
                    }
                    block.push(u8::try_from(rest).unwrap());
                }
            }
            block.extend(text.as_bytes());
        }
    }
    block
}

pub(super) fn headers(stream: u32, ends: bool, fields: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | u8::from(ends), stream, &block(fields))
}

/// The head of an answer whose body is still to come.
pub(super) fn head(stream: u32) -> Vec<u8> {
    headers(stream, false, &[(":status", "200")])
}

/// A whole answer.
pub(super) fn ok(stream: u32) -> Vec<u8> {
    headers(stream, true, &[(":status", "200")])
}

pub(super) fn data(stream: u32, ends: bool, bytes: &[u8]) -> Vec<u8> {
    frame(DATA, u8::from(ends), stream, bytes)
}

pub(super) fn rst(stream: u32, code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &code.to_be_bytes())
}

pub(super) fn ping(payload: u64) -> Vec<u8> {
    frame(PING, 0, 0, &payload.to_be_bytes())
}

pub(super) fn goaway(last: u32, code: u32) -> Vec<u8> {
    frame(GOAWAY, 0, 0, &[last.to_be_bytes(), code.to_be_bytes()].concat())
}

pub(super) fn window_update(stream: u32, by: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &by.to_be_bytes())
}

/// A frame that the client wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl Frame {
    /// Whether it ends the request of its stream.
    pub(super) fn ends_stream(&self) -> bool {
        matches!(self.kind, DATA | HEADERS) && self.flags & END_STREAM != 0
    }

    /// The code of a reset.
    pub(super) fn reset(&self) -> Option<(u32, u32)> {
        let code = || u32::from_be_bytes(self.payload[..].try_into().unwrap());
        (self.kind == RST_STREAM).then(|| (self.stream, code()))
    }

    /// The code of a GOAWAY.
    pub(super) fn goaway(&self) -> Option<u32> {
        (self.kind == GOAWAY).then(|| u32::from_be_bytes(self.payload[4..8].try_into().unwrap()))
    }
}

/// Takes the first whole frame out of what was read.
pub(super) fn take_frame(read: &mut Vec<u8>) -> Option<Frame> {
    let header = read.get(..9)?;
    let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
    let length = usize::try_from(number(&header[..3])).unwrap();
    let (kind, flags, stream) = (header[3], header[4], number(&header[5..9]));
    let payload = read.get(9..9 + length)?.to_vec();
    read.drain(..9 + length);
    Some(Frame { kind, flags, stream, payload })
}
