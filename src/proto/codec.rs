//! prost's codec, but for the status of a request that cannot be decoded: its caller wrote it, so it is
//! INVALID_ARGUMENT, where the library says INTERNAL as of bugs.

use std::collections::HashMap;

use prost::Message;
use tonic::codec::{BufferSettings, Codec as GrpcCodec, DecodeBuf, Decoder};
use tonic::{Code, Status};
use tonic_prost::{ProstCodec, ProstDecoder, ProstEncoder};
use tonic_types::{ErrorDetails, StatusExt};

use super::{
    ERROR_DOMAIN, Reason, SendBatchRequest, SendBatchResponse, SendPushRequest, SendPushResponse,
    SendPushesRequest, SendPushesResponse,
};

/// Who wrote a message.
pub(crate) trait Direction {
    /// A caller did; else the gateway.
    const FROM_CALLER: bool;
}

macro_rules! direction {
    ($from_caller:literal: $($message:ty),*) => {
        $(impl Direction for $message {
            const FROM_CALLER: bool = $from_caller;
        })*
    };
}

direction!(true: SendPushRequest, SendPushesRequest, SendBatchRequest);
direction!(false: SendPushResponse, SendPushesResponse, SendBatchResponse);

/// Encodes `T` and decodes `U`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Codec<T, U>(ProstCodec<T, U>);

impl<T, U> GrpcCodec for Codec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Direction + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = NamingDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        self.0.encoder()
    }

    fn decoder(&mut self) -> Self::Decoder {
        NamingDecoder(self.0.decoder())
    }
}

/// Decodes `U`, and names who is at fault where that fails.
#[derive(Debug, Clone)]
pub(crate) struct NamingDecoder<U>(ProstDecoder<U>);

impl<U: Message + Default + Direction> Decoder for NamingDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        self.0.decode(buf).map_err(|status| if U::FROM_CALLER { undecodable(&status) } else { status })
    }

    fn buffer_settings(&self) -> BufferSettings {
        self.0.buffer_settings()
    }
}

fn undecodable(status: &Status) -> Status {
    let name = Reason::FieldInvalid.as_str_name();
    let mut details = ErrorDetails::new();
    details.set_error_info(name.trim_start_matches("REASON_"), ERROR_DOMAIN, HashMap::new());
    let message = format!("the message cannot be decoded: {}", status.message());
    Status::with_error_details(Code::InvalidArgument, message, details)
}
