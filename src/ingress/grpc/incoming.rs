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
use tonic::Extensions;
use tonic::transport::server::Connected;

use super::gate::ConnectionBytes;
use crate::held_bytes::{BytesBudget, BytesShare};

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
    batches: BatchStreams,
    bytes: ConnectionBytes,
}

/// Yields connections as they are accepted. Calls over them may hold no bytes until `Accepted::holding` gives them a share.
pub fn incoming(listener: TcpListener) -> impl Stream<Item = io::Result<Accepted>> {
    TcpListenerStream::new(listener).map(|socket| {
        let socket = socket?;
        // Answers are gathered before they are written; waiting for more would only delay.
        socket.set_nodelay(true)?;
        let (batches, bytes) = (BatchStreams::default(), ConnectionBytes::default());
        Ok(Accepted { socket: Gathered::new(socket), batches, bytes })
    })
}

impl Accepted {
    /// Gives the connection a share of the budget, and at most `max_bytes` for its large messages.
    #[must_use]
    pub(crate) fn holding(self, budget: &Arc<BytesBudget>, max_bytes: usize) -> Self {
        Self { bytes: ConnectionBytes::new(budget, max_bytes), ..self }
    }
}

impl Connected for Accepted {
    type ConnectInfo = ConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        ConnectInfo { batches: self.batches.clone(), bytes: self.bytes.clone() }
    }
}

/// What the handlers know of a call's connection.
#[derive(Debug, Clone)]
pub struct ConnectInfo {
    pub(super) batches: BatchStreams,
    pub(super) bytes: ConnectionBytes,
}

/// The caller's share of the budget of bytes, of which a call that came over no connection has none.
pub(super) fn share(extensions: &Extensions) -> BytesShare {
    extensions.get::<ConnectInfo>().map(|connection| connection.bytes.share.clone()).unwrap_or_default()
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
