//! The generated code of `proto/fanfare/push/v1/push.proto`, included once.

#![allow(missing_docs, unreachable_pub, clippy::all, clippy::large_futures, reason = "generated")]

tonic::include_proto!("fanfare.push.v1");

/// The compiled descriptors of the contract and its imports, for reflection and ProtoJSON.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
