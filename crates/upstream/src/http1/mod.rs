//! HTTP/1.1, for peers that speak nothing newer: one request at a time on a connection, on hyper.
//!
//! A request belongs to the task of its connection ([`Driver`]) from the moment that it is handed over ([`exchange`]).
//! When its caller leaves, the answer is still read, as with HTTP/2. hyper cannot tell whether a request was sent
//! whole; the number of bytes that the socket took can.

mod caller;
mod driver;
mod http_types;
mod reply;
mod request;

pub(crate) use caller::exchange;
pub(crate) use driver::{Driver, Http1Connection, handshake};
pub(crate) use http_types::to_http;
pub(crate) use request::Http1Sender;
