//! Who asks: gRPC calls, and the operator's questions on a listener of their own.

pub mod admin;
pub mod grpc;
