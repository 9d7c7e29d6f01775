//! The generated code of `proto/fanfare/push/v1/push.proto`, included once, and how the gateway's server reads its
//! requests.

#![allow(missing_docs, unreachable_pub, clippy::all, clippy::large_futures, reason = "generated")]

pub(crate) mod codec;
mod fields;
mod unread;

pub(crate) use codec::MeasuredPush;
pub(crate) use unread::{
    Item, UnreadAddressees, UnreadBatch, UnreadItems, UnreadMulticast, UnreadPush, UnreadPushes,
};

tonic::include_proto!("fanfare.push.v1");

/// The stubs of the gateway's server, whose requests are the types above.
pub(crate) mod server {
    include!(concat!(env!("OUT_DIR"), "/server/fanfare.push.v1.rs"));
}

/// The domain of every ErrorInfo of the gateway's: who said it.
pub(crate) const ERROR_DOMAIN: &str = "push.fanfare.dev";

/// The compiled descriptors of the contract and its imports, for reflection, and for those who write ProtoJSON.
pub(crate) const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// The same as the stubs have them, without oneofs, so that a push with two targets is refused in one place.
pub(crate) const STUB_DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/stubs.bin"));
