//! The socket that hyper sees.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};
use tokio_rustls::server::TlsStream;

use super::connection::Http1Connection;

/// A TCP connection, with TLS or without it.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {
    fn tcp(&self) -> &TcpStream;
}

impl Io for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Io for TlsStream<crate::socket::Socket> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0.tcp()
    }
}

/// Tells its connection what was written, and writes slowly if the connection is throttled.
pub(super) struct Socket<T> {
    io: T,
    connection: Arc<Http1Connection>,
    next_write: Option<Pin<Box<Sleep>>>,
}

impl<T> Socket<T> {
    pub(super) fn new(io: T, connection: Arc<Http1Connection>) -> Self {
        Self { io, connection, next_write: None }
    }

    pub(super) fn into_inner(self) -> T {
        self.io
    }
}

impl<T: Io> AsyncRead for Socket<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_read(cx, buf)
    }
}

impl<T: Io> AsyncWrite for Socket<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let mut most = buf.len();
        if let Some((bytes, every)) = this.connection.throttle() {
            most = most.min(bytes);
            let next_write = this.next_write.get_or_insert_with(|| Box::pin(tokio::time::sleep(every)));
            ready!(next_write.as_mut().poll(cx));
            next_write.as_mut().reset(Instant::now() + every);
        }
        let written = ready!(Pin::new(&mut this.io).poll_write(cx, buf.get(..most).unwrap_or(buf)))?;
        if written > 0 {
            this.connection.wrote();
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}
