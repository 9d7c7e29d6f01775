//! The top-level fields of a message that lies there as bytes.

use std::ops::Range;

use bytes::{Buf, Bytes};
use prost::DecodeError;
use prost::encoding::{DecodeContext, WireType, check_wire_type, decode_key, skip_field};

/// One field: its number, how its value is written, and the value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) number: u32,
    pub(super) wire_type: WireType,
    /// The value as it is written. That of a message begins with its length.
    pub(super) value: &'a [u8],
}

impl Field<'_> {
    /// Fails if the value cannot be that of a message.
    pub(super) fn expect_message(&self) -> Result<(), DecodeError> {
        check_wire_type(WireType::LengthDelimited, self.wire_type)
    }
}

/// Takes the next field off the front. prost itself reads and skips, so what it refuses is refused.
pub(super) fn next<'a>(rest: &mut &'a [u8]) -> Result<Field<'a>, DecodeError> {
    let (number, wire_type) = decode_key(rest)?;
    let before = *rest;
    skip_field(wire_type, number, rest, DecodeContext::default())?;
    Ok(Field { number, wire_type, value: &before[..before.len() - rest.len()] })
}

/// Walks over a message, from one field with a wanted number to the next.
#[derive(Debug, Clone, Default)]
pub(super) struct Walk {
    message: Bytes,
    at: usize,
}

impl Walk {
    pub(super) fn over(message: Bytes) -> Self {
        Self { message, at: 0 }
    }

    /// Where the value of the next field with this number lies. None: there are no more.
    pub(super) fn next(&mut self, number: u32) -> Option<Range<usize>> {
        let mut rest = self.message.get(self.at..)?;
        while rest.has_remaining() {
            // Nothing fails here: the message was looked through as a whole before.
            let field = next(&mut rest).ok()?;
            self.at = self.message.len() - rest.len();
            if field.number == number {
                return Some(self.at - field.value.len()..self.at);
            }
        }
        None
    }

    /// The bytes of a value that was found.
    pub(super) fn value(&self, at: Range<usize>) -> &[u8] {
        self.message.get(at).unwrap_or_default()
    }

    /// The same, to be kept. It keeps the whole message.
    pub(super) fn kept(&self, at: Range<usize>) -> Bytes {
        self.message.slice(at)
    }

    /// Begins again at the first field.
    pub(super) fn rewind(&mut self) {
        self.at = 0;
    }
}
