//! Socket wrappers: they know what was sent, and a server's gathers its writes.
//!
//! - [`CountedSocket`] lies below TLS, and counts the bytes that the socket took. That bounds what a TLS write that failed
//!   may have sent.
//! - `CountedStream` lies between an HTTP/1.1 client and TLS, and counts the plaintext that was sent, because the client
//!   does not say it.
//! - [`keep_alive`] lets the kernel probe a connection that rests.
//! - [`Gathered`] is for a server: it gathers the writes of a connection whose task is not ours.

mod counted_socket;
mod counted_stream;
mod gathered;
mod io;
mod keep_alive;

pub use counted_socket::{CountedSocket, SocketBytes};
pub(crate) use counted_stream::{CountedStream, SentBytes};
pub use gathered::Gathered;
pub use io::Io;
pub use keep_alive::keep_alive;
