//! Messages whose items stay bytes until they are asked for: a decoded item takes many times the memory of its bytes, and
//! an empty one takes two bytes on the wire.
//!
//! One look over a message, before anything of it is sent, checks the frames of its items and addressees, counts them and
//! decodes everything else. What is wrong inside an item is found when it is decoded, and is that item's fault alone.

use bytes::Bytes;
use prost::encoding::{DecodeContext, WireType, decode_varint, message};
use prost::{DecodeError, Message};

use super::fields::{self, Walk};
use super::{Addressee, Multicast, Push, SendBatchRequest, SendPushesRequest};

/// The numbers of the fields that hold items. Source: `push.proto`.
pub(crate) trait ItemFields {
    const PUSHES: u32;
    const MULTICASTS: u32;
}

impl ItemFields for SendPushesRequest {
    const PUSHES: u32 = 3;
    const MULTICASTS: u32 = 4;
}

impl ItemFields for SendBatchRequest {
    const PUSHES: u32 = 2;
    const MULTICASTS: u32 = 3;
}

/// The number of `Multicast.addressees`. Source: `push.proto`.
const ADDRESSEES: u32 = 4;

/// A message with its items unread.
#[derive(Debug)]
pub(crate) struct Unread<M> {
    /// Everything but the items.
    pub(crate) message: M,
    pub(crate) items: UnreadItems,
}

/// A SendPushesRequest as the gateway's server reads it.
pub(crate) type UnreadPushes = Unread<SendPushesRequest>;

/// A SendBatchRequest as the gateway's server reads it.
pub(crate) type UnreadBatch = Unread<SendBatchRequest>;

impl<M: Message + Default + ItemFields> Unread<M> {
    /// Looks through a message.
    ///
    /// # Errors
    /// Fails if it cannot be told what items it has, or if a field that is no item cannot be decoded.
    pub(crate) fn of(bytes: Bytes) -> Result<Self, DecodeError> {
        let (mut message, mut pushes, mut addressees) = (M::default(), 0, 0);
        let mut rest = &*bytes;
        while !rest.is_empty() {
            let field = fields::next(&mut rest)?;
            if field.number == M::PUSHES {
                field.expect_message()?;
                pushes += 1;
            } else if field.number == M::MULTICASTS {
                field.expect_message()?;
                addressees += count_addressees(field.value)?;
            } else {
                let mut value = field.value;
                message.merge_field(field.number, field.wire_type, &mut value, DecodeContext::default())?;
            }
        }
        let items = UnreadItems {
            walk: Walk::over(bytes),
            push_field: M::PUSHES,
            multicast_field: M::MULTICASTS,
            pushes,
            addressees,
        };
        Ok(Self { message, items })
    }
}

fn count_addressees(multicast: &[u8]) -> Result<usize, DecodeError> {
    let (mut rest, mut count) = (content_of(multicast)?, 0);
    while !rest.is_empty() {
        let field = fields::next(&mut rest)?;
        if field.number == ADDRESSEES {
            field.expect_message()?;
            count += 1;
        }
    }
    Ok(count)
}

/// The bytes of a message behind its length.
fn content_of(mut value: &[u8]) -> Result<&[u8], DecodeError> {
    decode_varint(&mut value)?;
    Ok(value)
}

/// The items of a message that were not decoded yet: its pushes in the order written, then its multicasts.
#[derive(Debug, Default)]
pub(crate) struct UnreadItems {
    walk: Walk,
    push_field: u32,
    multicast_field: u32,
    pushes: usize,
    /// The addressees of the multicasts that were not taken yet.
    addressees: usize,
}

/// One item, or several.
#[derive(Debug)]
pub(crate) enum Item {
    Push(UnreadPush),
    Multicast(UnreadMulticast),
}

/// A push, decoded as far as it could be.
#[derive(Debug)]
pub(crate) struct UnreadPush {
    pub(crate) push: Push,
    /// Why it could not be decoded to its end.
    pub(crate) error: Option<DecodeError>,
    /// How many bytes it had.
    pub(crate) bytes: usize,
}

/// A multicast, decoded but for its addressees.
#[derive(Debug)]
pub(crate) struct UnreadMulticast {
    pub(crate) multicast: Multicast,
    /// Why it could not be decoded to its end.
    pub(crate) error: Option<DecodeError>,
    /// How many bytes it had without its addressees.
    pub(crate) bytes: usize,
    pub(crate) addressees: UnreadAddressees,
}

impl UnreadItems {
    /// How many pushes and addressees there are.
    pub(crate) fn len(&self) -> usize {
        self.pushes + self.addressees
    }

    /// Takes the next push, or the next multicast that has addressees. One without has no items, so whatever is wrong
    /// with it is no result.
    pub(crate) fn next(&mut self) -> Option<Item> {
        if self.pushes > 0 {
            self.pushes -= 1;
            let at = self.walk.next(self.push_field)?;
            if self.pushes == 0 {
                self.walk.rewind();
            }
            return Some(Item::Push(UnreadPush::read(self.walk.value(at))));
        }
        while self.addressees > 0 {
            let at = self.walk.next(self.multicast_field)?;
            let read = UnreadMulticast::read(&self.walk.kept(at));
            self.addressees = self.addressees.saturating_sub(read.addressees.len());
            if read.addressees.len() > 0 {
                return Some(Item::Multicast(read));
            }
        }
        None
    }
}

impl UnreadPush {
    fn read(mut value: &[u8]) -> Self {
        let (mut push, bytes) = (Push::default(), value.len());
        let read = message::merge(WireType::LengthDelimited, &mut push, &mut value, DecodeContext::default());
        Self { push, error: read.err(), bytes }
    }
}

impl UnreadMulticast {
    fn read(value: &Bytes) -> Self {
        let (mut multicast, mut error, mut bytes, mut left) = (Multicast::default(), None, 0, 0);
        let mut rest = content_of(value).unwrap_or_default();
        let content = value.slice_ref(rest);
        while !rest.is_empty() {
            // Nothing fails here: the multicast was looked through when its message came.
            let Ok(field) = fields::next(&mut rest) else { break };
            if field.number == ADDRESSEES {
                left += 1;
                continue;
            }
            let mut value = field.value;
            bytes += value.len();
            let read =
                multicast.merge_field(field.number, field.wire_type, &mut value, DecodeContext::default());
            error = error.or(read.err());
        }
        Self { multicast, error, bytes, addressees: UnreadAddressees { walk: Walk::over(content), left } }
    }
}

/// The addressees of a multicast that were not decoded yet.
#[derive(Debug)]
pub(crate) struct UnreadAddressees {
    walk: Walk,
    left: usize,
}

impl Iterator for UnreadAddressees {
    type Item = (Addressee, Option<DecodeError>);

    /// The next addressee, decoded as far as it could be, and why not to its end.
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let at = self.walk.next(ADDRESSEES)?;
        let (mut addressee, mut value) = (Addressee::default(), self.walk.value(at));
        let read =
            message::merge(WireType::LengthDelimited, &mut addressee, &mut value, DecodeContext::default());
        Some((addressee, read.err()))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for UnreadAddressees {}

#[cfg(test)]
mod tests;
