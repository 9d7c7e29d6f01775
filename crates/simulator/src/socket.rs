//! A socket that counts what was read from it. What the client wrote beyond that still lies in a buffer of the kernel,
//! or, where a TLS record came in part, of TLS.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::tls_records::TlsRecords;

/// A TCP connection below TLS.
pub(super) struct Socket {
    tcp: TcpStream,
    tls_records: TlsRecords,
    received: Arc<AtomicU64>,
}

/// The side of the client.
#[derive(Clone, Debug)]
pub(super) struct Remote {
    pub(super) address: Option<SocketAddr>,
    received: Arc<AtomicU64>,
}

impl Remote {
    /// Returns how many bytes of whole TLS records were read.
    pub(super) fn received(&self) -> u64 {
        self.received.load(Ordering::SeqCst)
    }
}

impl Socket {
    pub(super) fn new(tcp: TcpStream) -> Self {
        Self { tcp, tls_records: TlsRecords::default(), received: Arc::default() }
    }

    pub(super) fn remote(&self) -> Remote {
        Remote { address: self.tcp.peer_addr().ok(), received: Arc::clone(&self.received) }
    }

    pub(super) fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// Makes closing the socket send RST.
    pub(super) fn set_zero_linger(&self) -> io::Result<()> {
        self.tcp.set_zero_linger()
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        let read = Pin::new(&mut this.tcp).poll_read(cx, buf);
        let whole = this.tls_records.take(buf.filled().get(before..).unwrap_or_default());
        this.received.store(whole, Ordering::SeqCst);
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

/// Reads and forgets everything until the client ends the connection.
pub(super) async fn swallow<T: AsyncRead + Unpin>(mut io: T) {
    let mut chunk = [0; 1024];
    while io.read(&mut chunk).await.is_ok_and(|n| n > 0) {}
}
