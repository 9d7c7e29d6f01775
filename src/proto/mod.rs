//! The generated code of `proto/fanfare/push/v1/push.proto`, included once.

#![allow(missing_docs, unreachable_pub, clippy::all, clippy::large_futures, reason = "generated")]

pub(crate) mod codec;

tonic::include_proto!("fanfare.push.v1");

/// The domain of every ErrorInfo of the gateway's: who said it.
pub(crate) const ERROR_DOMAIN: &str = "push.fanfare.dev";

/// The compiled descriptors of the contract and its imports, for reflection and ProtoJSON.
pub(crate) const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
