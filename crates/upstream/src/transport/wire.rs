//! The socket wrapper between h2 and TLS. It gathers writes, knows what was sent, and reads GOAWAY as it passes.
//!
//! h2 flushes each DATA frame that it does not copy, which is a write call for each request. Here `poll_flush` does
//! nothing. The task that drives the connection calls [`Wire::write_out`] one turn after h2 had nothing more to write,
//! and many frames leave in one write. Also, h2 cannot tell a request that was written from one that was not. The walk
//! over the bytes that the socket took can.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::counted_socket::SocketBytes;
use super::frames::{ReceivedFrames, SentFrames};
use super::goaway::GoAway;
use super::io::Io;

/// How many bytes are gathered before a write is forced.
const BUFFER_BYTES: usize = 64 * 1024;

/// What an HTTP/2 client reads from and writes to.
#[derive(Debug)]
pub struct Transport(Arc<Wire>);

impl Transport {
    /// Wraps a byte stream above TLS. `below` counts what the socket below TLS takes. The second part is for the task
    /// that drives the connection.
    #[must_use]
    pub fn new(io: Box<dyn Io>, below: SocketBytes) -> (Self, Arc<Wire>) {
        let wire = Arc::new(Wire {
            state: Mutex::new(WireState {
                io,
                below,
                buffer: BytesMut::with_capacity(BUFFER_BYTES / 4),
                sent: SentFrames::default(),
                received: ReceivedFrames::default(),
                broken: None,
            }),
            begun: AtomicU32::new(0),
            unended: AtomicU32::new(0),
            reads: AtomicU64::new(0),
            goaway_seen: AtomicBool::new(false),
            settings_seen: AtomicBool::new(false),
        });
        (Self(Arc::clone(&wire)), wire)
    }
}

/// The shared half of a [`Transport`]. Its lock is taken by the task of the connection, and by others only to find out
/// what was sent on a connection that failed.
pub struct Wire {
    state: Mutex<WireState>,
    begun: AtomicU32,
    unended: AtomicU32,
    reads: AtomicU64,
    goaway_seen: AtomicBool,
    settings_seen: AtomicBool,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire")
            .field("begun", &self.begun)
            .field("unended", &self.unended)
            .finish_non_exhaustive()
    }
}

/// What the lock of a wire guards.
struct WireState {
    io: Box<dyn Io>,
    below: SocketBytes,
    buffer: BytesMut,
    sent: SentFrames,
    received: ReceivedFrames,
    /// Why a write failed, if one did. Writes are swallowed from then on, and reads go on to their end: a GOAWAY may
    /// still wait in the receive buffer, and it tells which requests the peer did not process.
    broken: Option<io::ErrorKind>,
}

/// How much of a request the socket took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The socket took nothing of it.
    NotBegun,
    /// The socket did not take its end. If it has a `content-length`, what the peer has is malformed. Source: RFC 9113,
    /// section 8.1.1.
    Incomplete,
    /// The socket may have taken all of it.
    Complete,
}

impl Wire {
    /// Writes what was gathered. It is ready when all is written, or when the socket is broken.
    pub fn write_out(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        let done = state.write_out(cx);
        self.publish(&state);
        done
    }

    /// Whether something waits to be written.
    #[must_use]
    pub fn has_output(&self) -> bool {
        !self.lock().buffer.is_empty()
    }

    /// Closes the socket, and drops what was gathered. What was not sent until now never is. The buffer is freed, since
    /// requests that are sent again on another connection may hold this wire for a while.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.buffer = BytesMut::new();
        state.broken.get_or_insert(io::ErrorKind::NotConnected);
        state.io = Box::new(tokio::io::empty());
    }

    /// How much of the request of a stream the socket took. This is final once the connection has been dropped, or
    /// closed by [`close`](Self::close).
    pub(crate) fn progress(&self, stream: u32) -> Progress {
        if stream > self.begun.load(Ordering::Acquire) {
            return Progress::NotBegun;
        }
        if self.unended.load(Ordering::Acquire) == 0 || !self.lock().sent.unended().contains(&stream) {
            return Progress::Complete;
        }
        Progress::Incomplete
    }

    /// Forgets the request of a stream, whose [`progress`](Self::progress) nobody asks for any more. Without this, a
    /// stream that the peer reset before its body left would be looked for as long as the connection lives.
    pub(crate) fn settle(&self, stream: u32) {
        if self.unended.load(Ordering::Acquire) > 0 {
            let mut state = self.lock();
            state.sent.settle(stream);
            self.publish(&state);
        }
    }

    /// How many reads have brought bytes.
    pub(crate) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// Whether the first SETTINGS of the peer have come.
    pub(crate) fn settings_seen(&self) -> bool {
        self.settings_seen.load(Ordering::Acquire)
    }

    /// The last GOAWAY that came.
    pub(crate) fn goaway(&self) -> Option<GoAway> {
        self.goaway_seen.load(Ordering::Acquire).then(|| self.lock().received.goaway().cloned()).flatten()
    }

    /// The error of the first write that failed.
    pub(crate) fn broken(&self) -> Option<io::ErrorKind> {
        self.lock().broken
    }

    fn lock(&self) -> MutexGuard<'_, WireState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, state: &WireState) {
        // `unended` is stored first, since a stream that counts as begun must already count as unended.
        let unended = u32::try_from(state.sent.unended().len()).unwrap_or(u32::MAX);
        self.unended.store(unended, Ordering::Release);
        self.begun.store(state.sent.begun(), Ordering::Release);
    }
}

impl WireState {
    fn write_out(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.broken.is_none() && !self.buffer.is_empty() {
            let before = self.below.get();
            match ready!(Pin::new(&mut self.io).poll_write(cx, &self.buffer)) {
                Ok(0) => self.broken = Some(io::ErrorKind::WriteZero),
                Ok(count) => {
                    self.sent.walk(&self.buffer[..count]);
                    self.buffer.advance(count);
                }
                Err(error) => {
                    self.broken = Some(error.kind());
                    // TLS writes record by record, and does not say how many records of a failed write left. They hold
                    // less plaintext than the bytes that the socket took.
                    let most = usize::try_from(self.below.get() - before).unwrap_or(usize::MAX);
                    self.sent.walk(&self.buffer[..most.min(self.buffer.len())]);
                }
            }
        }
        if self.broken.is_some() {
            self.buffer.clear();
            return Poll::Ready(());
        }
        // TLS holds back bytes when the socket is full.
        if let Err(error) = ready!(Pin::new(&mut self.io).poll_flush(cx)) {
            self.broken = Some(error.kind());
        }
        Poll::Ready(())
    }
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let wire = &self.0;
        let mut state = wire.lock();
        let before = buf.filled().len();
        ready!(Pin::new(&mut state.io).poll_read(cx, buf))?;
        let fresh = &buf.filled()[before..];
        if !fresh.is_empty() {
            wire.reads.fetch_add(1, Ordering::Relaxed);
            state.received.walk(fresh);
            wire.settings_seen.store(state.received.settings_seen(), Ordering::Release);
            wire.goaway_seen.store(state.received.goaway().is_some(), Ordering::Release);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let wire = &self.0;
        let mut state = wire.lock();
        if state.broken.is_none() && state.buffer.len() >= BUFFER_BYTES {
            let written = state.write_out(cx);
            wire.publish(&state);
            if state.buffer.len() >= BUFFER_BYTES {
                ready!(written);
            }
        }
        if state.broken.is_some() {
            return Poll::Ready(Ok(bytes.len()));
        }
        let count = bytes.len().min(BUFFER_BYTES.saturating_sub(state.buffer.len()).max(1));
        state.buffer.extend_from_slice(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wire = &self.0;
        let mut state = wire.lock();
        let written = state.write_out(cx);
        wire.publish(&state);
        ready!(written);
        if state.broken.is_some() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut state.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        false
    }
}
