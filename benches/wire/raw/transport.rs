//! The socket wrapper below the h2 loop. h2 flushes each DATA frame that it does not copy, which is a write call for each
//! request, so flushes do nothing here, and the loop's driver writes one turn after h2 had nothing more to say.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use fanfare_upstream::transport::Io;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How many bytes are gathered before a write is forced.
const BUFFER_BYTES: usize = 64 * 1024;

/// What h2 reads from and writes to.
pub(crate) struct Transport(Arc<Wire>);

/// The half of it that the driver has.
pub(crate) struct Wire(Mutex<State>);

struct State {
    io: Box<dyn Io>,
    buffer: BytesMut,
}

impl Transport {
    pub(crate) fn new(io: Box<dyn Io>) -> (Self, Arc<Wire>) {
        let wire = Arc::new(Wire(Mutex::new(State { io, buffer: BytesMut::new() })));
        (Self(Arc::clone(&wire)), wire)
    }
}

impl Wire {
    pub(crate) fn has_output(&self) -> bool {
        !self.lock().buffer.is_empty()
    }

    pub(crate) fn write_out(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.lock().write_out(cx)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn write_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.buffer.is_empty() {
            let count = ready!(Pin::new(&mut self.io).poll_write(cx, &self.buffer))?;
            self.buffer.advance(count);
        }
        Pin::new(&mut self.io).poll_flush(cx)
    }
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.lock().io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = self.0.lock();
        if state.buffer.len() >= BUFFER_BYTES {
            ready!(state.write_out(cx))?;
        }
        let count = bytes.len().min(BUFFER_BYTES - state.buffer.len());
        state.buffer.extend_from_slice(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.lock();
        ready!(state.write_out(cx))?;
        Pin::new(&mut state.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        false
    }
}
