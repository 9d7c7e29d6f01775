//! A compressed message. It says itself how large it becomes, and gets that much room and no more: what is said is held against
//! the limit of a message before anything is decompressed, and what becomes of the message against what was said.

use std::io::Read;

use bytes::Bytes;
use flate2::read::GzDecoder;
use tonic::{Code, Status};
use zstd_safe::ErrorCode;

use super::super::encode;
use super::arriving::{MessageLimit, Whole};
use super::encoding::Encoding;
use crate::push::Reason;

/// A message that has come whole and is compressed.
#[derive(Debug)]
pub(super) struct Compressed {
    encoding: Encoding,
    message: Bytes,
    /// How many bytes it takes once it is decompressed, at most.
    room: usize,
    limit: MessageLimit,
}

impl Compressed {
    /// Looks at what a message says of itself.
    ///
    /// # Errors
    /// Fails if it says that it becomes larger than a message may be, or says nothing that can be read.
    pub(super) fn new(encoding: Encoding, message: Bytes, limit: MessageLimit) -> Result<Self, Status> {
        let room = match encoding {
            Encoding::Gzip => Some(gzip_length(&message).ok_or_else(unreadable)?),
            Encoding::Zstd => {
                zstd_safe::find_decompressed_size(&message).map_err(|_| unreadable())?.map(saturated)
            }
        };
        let room = match room {
            Some(length) if length > limit.bytes => {
                return Err(encode::message_too_large(length, limit.bytes, limit.key));
            }
            Some(length) => length,
            // A writer of zstd that began before it knew the length. The number of blocks bounds it.
            None => zstd_safe::decompress_bound(&message).map_or(limit.bytes, saturated).min(limit.bytes),
        };
        Ok(Self { encoding, message, room, limit })
    }

    /// How many bytes it takes once it is decompressed, at most.
    pub(super) fn room(&self) -> usize {
        self.room
    }

    /// Decompresses it.
    ///
    /// # Errors
    /// Fails if it is not what its encoding says, or becomes larger than it may.
    pub(super) fn decompress(self) -> Result<Whole, Status> {
        let message = match self.encoding {
            Encoding::Gzip => self.gunzip().ok_or_else(unreadable)?,
            Encoding::Zstd => self.unzstd()?,
        };
        Whole::decompressed(message).map_err(|_| unreadable())
    }

    /// The decoder holds length and checksum against what has come of the message. One byte more than there is room for shows
    /// a message that is longer than it says.
    fn gunzip(&self) -> Option<Vec<u8>> {
        let mut message = Vec::with_capacity(self.room);
        let one_more = u64::try_from(self.room).ok()?.checked_add(1)?;
        GzDecoder::new(&*self.message).take(one_more).read_to_end(&mut message).ok()?;
        (message.len() == self.room).then_some(message)
    }

    fn unzstd(&self) -> Result<Vec<u8>, Status> {
        let mut message = Vec::with_capacity(self.room);
        zstd_safe::decompress(&mut message, &self.message).map_err(|why| {
            if is_too_small(why) && self.room == self.limit.bytes { self.too_large() } else { unreadable() }
        })?;
        // It may have become far less than its blocks could hold.
        message.shrink_to_fit();
        Ok(message)
    }

    fn too_large(&self) -> Status {
        let MessageLimit { bytes, key } = self.limit;
        let message = format!(
            "expected a message of at most {bytes} bytes ({key}), found more once it was decompressed"
        );
        encode::status(Code::OutOfRange, Reason::FieldTooLarge, message)
    }
}

/// The length of a gzip file with one member, which its last four bytes say. Source: RFC 1952, section 2.3.1, `ISIZE`.
fn gzip_length(message: &[u8]) -> Option<usize> {
    message.last_chunk().map(|length| u32::from_le_bytes(*length) as usize)
}

fn saturated(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

/// Whether a message did not fit. Source: zstd 1.5, `lib/common/error_private.c`, `ZSTD_error_dstSize_tooSmall`.
fn is_too_small(why: ErrorCode) -> bool {
    zstd_safe::get_error_name(why) == "Destination buffer is too small"
}

fn unreadable() -> Status {
    let message =
        "the message is not compressed as its grpc-encoding says, or not to its end; nothing of it was sent";
    encode::status(Code::InvalidArgument, Reason::FieldInvalid, message)
}
