//! HTTP/2: many requests at once on one connection, on the h2 crate.
//!
//! A caller begins a request ([`begin`]), which puts it into the outbox of its connection, and waits for the answer
//! through its [`Owner`]. The connection's one task ([`Driver`]) takes requests out of the outbox, gives them to h2,
//! and writes to the socket. [`Streams`] is what the two sides share.

mod driver;
mod exchange;
mod orphan;
mod outbox;
mod outlet;
mod owner;
mod sender;
mod streams;

pub(crate) use driver::Driver;
pub(crate) use owner::{Owner, begin};
pub(crate) use sender::Http2Sender;
pub(crate) use streams::Streams;
