//! HTTP for callers without gRPC: what the three ingresses json, mattermost and matrix share. A listener serves one or more of
//! them.
//!
//! - `service.rs` answers the calls of a connection: it finds the route, the caller and the whole body, and hands all of it
//!   to the ingress as a `Call`.
//! - `caller.rs` finds who calls, `source.rs` bounds the calls that show nothing by their addresses, `body.rs` reads a body.
//! - `traced.rs` begins the span of a call that is traced.
//! - `Refused` says why a call does not reach its ingress, which gives that its own form. `Answer` is what an ingress
//!   returns.

mod answer;
mod body;
mod call;
mod caller;
mod listened;
mod parts;
mod refused;
mod route;
mod service;
mod settings;
mod source;
mod terms;
#[cfg(test)]
mod tests;
mod traced;
mod well_formed;

pub(crate) use answer::{Answer, Body, answer, retry_after};
pub(crate) use call::Call;
pub(crate) use listened::Http;
pub(crate) use parts::HttpParts;
pub(crate) use refused::Refused;
pub(crate) use service::of_connection;
pub use settings::HttpSettings;
pub(crate) use terms::Terms;
