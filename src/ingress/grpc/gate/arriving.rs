//! The frames of gRPC messages: a byte that says whether the message is compressed, four bytes of its length, the message.
//!
//! Source: gRPC over HTTP/2, "Length-Prefixed-Message".

use std::num::TryFromIntError;

use bytes::{Buf, Bytes, BytesMut};
use tonic::Status;

use super::super::encode;

const HEADER: usize = 5;

/// The first byte of the header of a compressed message. It is 0 where the message is as it was written.
const COMPRESSED: u8 = 1;

/// How large a message may be, and which setting says so.
#[derive(Debug, Clone, Copy)]
pub(super) struct MessageLimit {
    pub(super) bytes: usize,
    pub(super) key: &'static str,
}

impl MessageLimit {
    /// How many bytes at the front of `chunk` are whole messages that are not over the limit, and not compressed.
    pub(super) fn whole(self, chunk: &[u8]) -> usize {
        let mut whole = 0;
        while let Some(length) = claimed(&chunk[whole..])
            && chunk[whole] != COMPRESSED
            && length <= self.bytes
            && chunk.len() - whole >= HEADER + length
        {
            whole += HEADER + length;
        }
        whole
    }
}

/// The length that the header at the front of `bytes` claims. None: there is no whole header.
fn claimed(bytes: &[u8]) -> Option<usize> {
    let [_, length @ ..] = bytes.first_chunk::<HEADER>()?;
    Some(u32::from_be_bytes(*length) as usize)
}

/// A message of which a part has arrived.
///
/// What arrives is copied into one buffer that grows with it. The chunks are slices of the buffers into which the
/// connection is read, of 16 KiB and more: kept as they came, a chunk of one byte would keep all of its buffer.
#[derive(Debug, Default)]
pub(super) struct Arriving {
    bytes: BytesMut,
    /// The length of the message, once its header is there.
    length: Option<usize>,
}

/// A message that is there, with its header apart: the decoder, which reserves as much as a header says, finds the
/// message not in its buffer yet, and so does not reserve room for it twice.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) header: Bytes,
    pub(super) message: Bytes,
}

impl Whole {
    /// A message that was compressed, as it would have come otherwise.
    ///
    /// # Errors
    /// Fails if it is longer than a message can be.
    pub(super) fn decompressed(message: Vec<u8>) -> Result<Self, TryFromIntError> {
        let [a, b, c, d] = u32::try_from(message.len())?.to_be_bytes();
        Ok(Self { header: Bytes::copy_from_slice(&[0, a, b, c, d]), message: message.into() })
    }

    pub(super) fn is_compressed(&self) -> bool {
        self.header.first() == Some(&COMPRESSED)
    }
}

impl Arriving {
    /// Whether nothing of a next message is there.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The length of the message, once its header is there.
    pub(super) fn length(&self) -> Option<usize> {
        self.length
    }

    /// Takes what belongs to the message off the front of a chunk: its header, or what follows the header.
    ///
    /// # Errors
    /// Fails if the message is over the limit.
    pub(super) fn take(&mut self, chunk: &mut Bytes, limit: MessageLimit) -> Result<Option<Whole>, Status> {
        let all = HEADER + self.length.unwrap_or_default();
        let part = chunk.split_to(chunk.len().min(all - self.bytes.len()));
        self.bytes.extend_from_slice(&part);
        if self.length.is_none() {
            self.length = claimed(&self.bytes);
        }
        if let Some(length) = self.length.filter(|length| *length > limit.bytes) {
            return Err(encode::message_too_large(length, limit.bytes, limit.key));
        }
        let Some(length) = self.length.filter(|length| self.bytes.len() == HEADER + length) else {
            return Ok(None);
        };
        let mut message = std::mem::take(self).bytes.freeze();
        let header = Bytes::copy_from_slice(&message[..HEADER]);
        message.advance(HEADER);
        debug_assert_eq!(message.len(), length);
        Ok(Some(Whole { header, message }))
    }
}
