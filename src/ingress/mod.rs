//! Protocols: how callers reach the desk, and how an operator asks about the gateway.

pub(crate) mod admin;
mod client;
pub mod grpc;
pub(crate) mod health;
pub mod http;
pub mod json;
pub mod matrix;
pub mod mattermost;
