//! The codec of the gateway's server. A message that cannot be decoded was written by its caller, so its status is
//! INVALID_ARGUMENT, where the library says INTERNAL as of bugs.

use std::collections::HashMap;
use std::marker::PhantomData;

use bytes::{Buf, Bytes};
use prost::{DecodeError, Message};
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder};
use tonic::{Code, Status};
use tonic_prost::ProstEncoder;
use tonic_types::{ErrorDetails, StatusExt};

use super::unread::{ItemFields, Unread};
use super::{ERROR_DOMAIN, Reason, SendPushRequest};

/// The largest message that is copied out of the decoder's buffer to be kept as bytes. The buffer has this size, and serves
/// the next message once this one is copied. The decoder makes a buffer for each larger message, which is kept without a copy.
const COPIED: usize = 8 * 1024;

/// How a request becomes what the server works with.
pub(crate) trait FromCaller: Sized {
    /// Reads a whole message.
    fn read(message: &mut DecodeBuf<'_>) -> Result<Self, DecodeError>;
}

/// A message that is decoded at once, and how many bytes it had.
#[derive(Debug)]
pub(crate) struct Measured<M> {
    pub(crate) message: M,
    pub(crate) bytes: usize,
}

/// A SendPushRequest as the gateway's server reads it.
pub(crate) type MeasuredPush = Measured<SendPushRequest>;

impl<M: Message + Default> FromCaller for Measured<M> {
    fn read(message: &mut DecodeBuf<'_>) -> Result<Self, DecodeError> {
        let bytes = message.remaining();
        Ok(Self { message: M::decode(message)?, bytes })
    }
}

impl<M: Message + Default + ItemFields> FromCaller for Unread<M> {
    fn read(message: &mut DecodeBuf<'_>) -> Result<Self, DecodeError> {
        let length = message.remaining();
        let bytes = match message.chunk() {
            chunk if chunk.len() == length && length <= COPIED => Bytes::copy_from_slice(chunk),
            _ => return Self::of(message.copy_to_bytes(length)),
        };
        message.advance(length);
        Self::of(bytes)
    }
}

/// Encodes `T` and reads `U`.
#[derive(Debug, Clone)]
pub(crate) struct ServerCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for ServerCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for ServerCodec<T, U>
where
    T: Message + Send + 'static,
    U: FromCaller + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = Reader<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::new(BufferSettings::default())
    }

    fn decoder(&mut self) -> Self::Decoder {
        Reader(PhantomData)
    }
}

/// Reads `U`, and says that its caller is at fault where that fails.
#[derive(Debug, Clone)]
pub(crate) struct Reader<U>(PhantomData<U>);

impl<U: FromCaller> Decoder for Reader<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        U::read(buf).map(Some).map_err(|error| undecodable(&error))
    }
}

fn undecodable(error: &DecodeError) -> Status {
    let name = Reason::FieldInvalid.as_str_name();
    let mut details = ErrorDetails::new();
    details.set_error_info(name.trim_start_matches("REASON_"), ERROR_DOMAIN, HashMap::new());
    let message = format!("the message cannot be decoded: {error}");
    Status::with_error_details(Code::InvalidArgument, message, details)
}
