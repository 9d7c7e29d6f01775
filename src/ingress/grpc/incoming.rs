//! Accepted connections, each with a count of its batch streams.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use fanfare_upstream::transport::Gathered;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_stream::wrappers::TcpListenerStream;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::server::Connected;

use super::peer::Peer;

/// The batch streams of one connection.
#[derive(Debug, Clone, Default)]
pub(super) struct BatchStreams(Arc<AtomicUsize>);

impl BatchStreams {
    /// Counts one more, where there are fewer than `most`.
    pub(super) fn open(&self, most: usize) -> Option<OpenBatch> {
        let more = |open: usize| (open < most).then_some(open + 1);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok()?;
        Some(OpenBatch(self.clone()))
    }
}

/// An open batch stream, which is counted until this is dropped.
#[derive(Debug)]
pub(super) struct OpenBatch(BatchStreams);

impl Drop for OpenBatch {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// An accepted connection.
#[derive(Debug)]
pub struct Accepted {
    socket: Gathered<TcpStream>,
    peer: Arc<Peer>,
    batches: BatchStreams,
}

/// Yields connections as they are accepted.
pub fn incoming(listener: TcpListener) -> impl Stream<Item = io::Result<Accepted>> {
    TcpListenerStream::new(listener).map(|socket| {
        let socket = socket?;
        // Answers are gathered before they are written; waiting for more would only delay.
        socket.set_nodelay(true)?;
        let peer = Arc::new(Peer::new(socket.peer_addr()?, Vec::new()));
        Ok(Accepted { socket: Gathered::new(socket), peer, batches: BatchStreams::default() })
    })
}

impl Connected for Accepted {
    type ConnectInfo = ConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        ConnectInfo { peer: Arc::clone(&self.peer), batches: self.batches.clone() }
    }
}

/// What the handlers know of a call's connection.
#[derive(Debug, Clone)]
pub struct ConnectInfo {
    pub(super) peer: Arc<Peer>,
    pub(super) batches: BatchStreams,
}

impl AsyncRead for Accepted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buf)
    }
}

impl AsyncWrite for Accepted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, buf)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
