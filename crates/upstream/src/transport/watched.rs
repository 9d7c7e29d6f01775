//! What HTTP/1.1 is written to: it counts what was sent, above TLS.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Io, Taken};

/// How many bytes of plaintext may have been sent.
#[derive(Debug, Clone, Default)]
pub struct SentBytes(Arc<AtomicU64>);

impl SentBytes {
    /// At most so many. What TLS accepted counts, though it may still hold it.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// A byte stream that counts what was sent.
pub struct Watched {
    io: Box<dyn Io>,
    below: Taken,
    sent: SentBytes,
}

impl Watched {
    /// Wraps a stream, above TLS; `below` counts what the socket under TLS takes.
    #[must_use]
    pub fn new(io: Box<dyn Io>, below: Taken) -> (Self, SentBytes) {
        let sent = SentBytes::default();
        (Self { io, below, sent: sent.clone() }, sent)
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let before = self.below.bytes();
        let written = Pin::new(&mut self.io).poll_write(cx, bytes);
        let sent = match &written {
            Poll::Ready(Ok(count)) => *count as u64,
            // TLS does not say how many records of a write that fails the peer has got. They hold less plaintext
            // than the bytes that the socket took.
            Poll::Ready(Err(_)) => (self.below.bytes() - before).min(bytes.len() as u64),
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
