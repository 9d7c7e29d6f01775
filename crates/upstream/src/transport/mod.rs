//! Socket wrappers: they gather writes, and they know what was sent.
//!
//! HTTP libraries do not say whether a request was sent, and h2 writes to its socket too often. Both are cured below
//! them:
//!
//! - [`CountedSocket`] lies below TLS, and counts the bytes that the socket took. That bounds what a TLS write that failed
//!   may have sent.
//! - [`Transport`] lies between h2 and TLS. It gathers writes, walks over the frames that the socket took, and reads GOAWAY
//!   as it passes. Its other half, [`Wire`], is for the task that drives the connection.
//! - `CountedStream` lies between an HTTP/1.1 client and TLS, and counts the plaintext that was sent.
//! - [`Gathered`] is for a server: it gathers the writes of a connection whose task is not ours.

mod counted_socket;
mod counted_stream;
mod frames;
mod gathered;
mod goaway;
mod io;
mod wire;

pub use counted_socket::{CountedSocket, SocketBytes};
pub(crate) use counted_stream::{CountedStream, SentBytes};
pub use gathered::Gathered;
pub(crate) use goaway::GoAway;
pub use io::Io;
pub(crate) use wire::Progress;
pub use wire::{Transport, Wire};
