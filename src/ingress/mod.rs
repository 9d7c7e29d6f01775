//! Protocols: how callers reach the desk, and how an operator asks about the gateway.

pub(crate) mod admin;
pub mod grpc;
mod peer;
