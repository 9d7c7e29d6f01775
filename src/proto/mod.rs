//! The generated code of `proto/fanfare/push/v1/push.proto`, included once, and how the gateway's server reads its
//! requests.

#![allow(missing_docs, unreachable_pub, clippy::all, clippy::large_futures, reason = "generated")]

pub(crate) mod codec;
mod fields;
mod unread;

pub(crate) use codec::Measured;
pub(crate) use unread::{Item, UnreadAddressees, UnreadItems, UnreadMulticast, UnreadPush};

tonic::include_proto!("fanfare.push.v1");

/// The stubs of the gateway's server, whose requests are the types below.
pub(crate) mod server {
    include!(concat!(env!("OUT_DIR"), "/server/fanfare.push.v1.rs"));
}

/// A SendPushRequest as the gateway's server reads it.
pub(crate) type MeasuredPush = Measured<SendPushRequest>;
/// A SendPushesRequest as the gateway's server reads it.
pub(crate) type UnreadPushes = unread::Unread<SendPushesRequest>;
/// A SendBatchRequest as the gateway's server reads it.
pub(crate) type UnreadBatch = unread::Unread<SendBatchRequest>;

/// The domain of every ErrorInfo of the gateway's: who said it.
pub(crate) const ERROR_DOMAIN: &str = "push.fanfare.dev";

/// The compiled descriptors of the contract and its imports, for reflection and ProtoJSON.
pub(crate) const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
