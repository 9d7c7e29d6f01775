//! Counts above TLS what was sent, for HTTP/1.1.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::counted_socket::SocketBytes;
use super::io::Io;

/// How many bytes of plaintext may have been sent. Clones count the same bytes.
#[derive(Debug, Clone, Default)]
pub(crate) struct SentBytes(Arc<AtomicU64>);

impl SentBytes {
    /// The most bytes that may have been sent. What TLS accepted counts, though TLS may still hold it.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// A byte stream that counts what was sent. It lies above TLS, where there is TLS.
pub(crate) struct CountedStream {
    io: Box<dyn Io>,
    below: SocketBytes,
    sent: SentBytes,
}

impl CountedStream {
    /// Wraps a stream above TLS. `below` counts what the socket below TLS takes. The second part is the count.
    pub(crate) fn new(io: Box<dyn Io>, below: SocketBytes) -> (Self, SentBytes) {
        let sent = SentBytes::default();
        (Self { io, below, sent: sent.clone() }, sent)
    }
}

impl AsyncRead for CountedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for CountedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let before = self.below.get();
        let written = Pin::new(&mut self.io).poll_write(cx, bytes);
        let sent = match &written {
            Poll::Ready(Ok(count)) => *count as u64,
            // TLS does not say how many records of a failed write left. They hold less plaintext than the bytes that
            // the socket took.
            Poll::Ready(Err(_)) => (self.below.get() - before).min(bytes.len() as u64),
            Poll::Pending => 0,
        };
        self.sent.0.fetch_add(sent, Ordering::Release);
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        false
    }
}
