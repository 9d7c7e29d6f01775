//! What a connection reads from and writes to.

use tokio::io::{AsyncRead, AsyncWrite};

/// A byte stream that HTTP can run on, such as a TCP socket or a TLS stream.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Io for T {}
