//! The socket wrapper between h2 and TLS: it gathers writes, knows what was sent, and reads GOAWAY as it
//! passes.
//!
//! h2 flushes each DATA frame that it does not copy, one write call per push. Here `poll_flush` does nothing;
//! the task that drives the connection calls [`Wire::write_out`] one turn after h2 had nothing more to say,
//! and many frames leave in one write. And h2 cannot tell a request that was written from one that was not:
//! the walk over the bytes that the socket accepted can.
//!
//! Of accepted connections the task is not ours; there [`Gathered`] gathers.

mod counted;
mod frames;
mod gathered;
mod goaway;
mod watched;

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub use counted::{Counted, Taken};
pub use gathered::Gathered;
pub use goaway::GoAway;
pub use watched::{SentBytes, Watched};

use frames::{Received, Sent};

/// A byte stream that HTTP/2 can run on.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Io for T {}

/// Bytes gathered before a write is forced.
const BUFFER_BYTES: usize = 64 * 1024;

/// What h2 reads from and writes to.
#[derive(Debug)]
pub struct Transport(Arc<Wire>);

impl Transport {
    /// Wraps a socket, above TLS; `below` counts what the socket under TLS takes. The second handle is for the
    /// task that drives the connection.
    #[must_use]
    pub fn new(io: Box<dyn Io>, below: Taken) -> (Self, Arc<Wire>) {
        let wire = Arc::new(Wire {
            state: Mutex::new(State {
                io,
                below,
                buffer: BytesMut::with_capacity(BUFFER_BYTES / 4),
                sent: Sent::default(),
                received: Received::default(),
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

/// The shared half of a [`Transport`]. Its lock is taken by the connection's own task, and by others only
/// on the way to a verdict about a connection in trouble.
pub struct Wire {
    state: Mutex<State>,
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

struct State {
    io: Box<dyn Io>,
    below: Taken,
    buffer: BytesMut,
    sent: Sent,
    received: Received,
    /// A write failed. Writes are swallowed from then on, and reads go on to their end: the peer's GOAWAY may
    /// still wait in the receive buffer, and it tells which pushes were not processed.
    broken: Option<io::ErrorKind>,
}

/// How far a request got on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// None of it was accepted by the socket.
    NotBegun,
    /// Its end was not: with `content-length` set, what the peer has is malformed (RFC 9113, 8.1.1).
    Incomplete,
    /// All of it was.
    Complete,
}

impl Wire {
    /// Writes what was gathered.
    ///
    /// Ready when all is written, or when the socket is broken.
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

    /// Closes the socket and drops what was gathered: what was not sent now never will be.
    pub fn close(&self) {
        let mut state = self.lock();
        state.buffer.clear();
        state.broken.get_or_insert(io::ErrorKind::NotConnected);
        state.io = Box::new(tokio::io::empty());
    }

    /// How far the request of this stream got. Final once the connection has been dropped.
    #[must_use]
    pub fn progress(&self, stream: u32) -> Progress {
        if stream > self.begun.load(Ordering::Acquire) {
            return Progress::NotBegun;
        }
        if self.unended.load(Ordering::Acquire) == 0 || !self.lock().sent.unended().contains(&stream) {
            return Progress::Complete;
        }
        Progress::Incomplete
    }

    /// The request of this stream is settled: whether it ended matters no more. A stream that the peer reset
    /// before its body left would count as unended for as long as the connection lives.
    pub fn settle(&self, stream: u32) {
        if self.unended.load(Ordering::Acquire) > 0 {
            let mut state = self.lock();
            state.sent.settle(stream);
            self.publish(&state);
        }
    }

    /// How many reads brought bytes.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// Whether the peer's first SETTINGS came.
    #[must_use]
    pub fn settings_seen(&self) -> bool {
        self.settings_seen.load(Ordering::Acquire)
    }

    /// The last GOAWAY that came.
    #[must_use]
    pub fn goaway(&self) -> Option<GoAway> {
        self.goaway_seen.load(Ordering::Acquire).then(|| self.lock().received.goaway().cloned()).flatten()
    }

    /// The error of the first write that failed.
    #[must_use]
    pub fn broken(&self) -> Option<io::ErrorKind> {
        self.lock().broken
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, state: &State) {
        // `unended` first: a stream that counts as begun must already count as unended.
        let unended = u32::try_from(state.sent.unended().len()).unwrap_or(u32::MAX);
        self.unended.store(unended, Ordering::Release);
        self.begun.store(state.sent.begun(), Ordering::Release);
    }
}

impl State {
    fn write_out(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.broken.is_none() && !self.buffer.is_empty() {
            let before = self.below.bytes();
            match ready!(Pin::new(&mut self.io).poll_write(cx, &self.buffer)) {
                Ok(0) => self.broken = Some(io::ErrorKind::WriteZero),
                Ok(count) => {
                    self.sent.walk(&self.buffer[..count]);
                    self.buffer.advance(count);
                }
                Err(error) => {
                    self.broken = Some(error.kind());
                    // TLS writes record by record, and of a write that fails it does not say how many the peer
                    // has got. They hold less plaintext than the bytes that the socket took.
                    let most = usize::try_from(self.below.bytes() - before).unwrap_or(usize::MAX);
                    self.sent.walk(&self.buffer[..most.min(self.buffer.len())]);
                }
            }
        }
        if self.broken.is_some() {
            self.buffer.clear();
            return Poll::Ready(());
        }
        // TLS keeps accepted bytes of its own when the socket is full.
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
