//! The frame filter stands between TLS and the server of h2, so that the simulator can do what no HTTP/2 library lets a
//! server do.
//!
//! ```text
//! socket ── TLS ── Filter ── h2::server ── service
//!                     │                       │
//!                     └──── FilterHandle ─────┘
//! ```
//!
//! It puts its own SETTINGS in the place of those of h2, adds SETTINGS, GOAWAY with debug data and RST_STREAM between
//! whole frames, drops what h2 writes for streams that these closed, and stalls, throttles or breaks the connection.

mod advertised;
mod frame;
mod handle;
mod scheme;
mod state;
#[cfg(test)]
mod tests;
mod traffic;

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};
use tokio_rustls::server::TlsStream;

use self::frame::{HEAD_LEN, Head, PREFACE};
use super::fault::HangUp;
use super::socket::Socket;

pub(super) use self::advertised::{AdvertisedSettings, OverLimit};
pub(super) use self::frame::{MAX_STREAM_ID, code};
pub(super) use self::handle::{Admission, FilterHandle};
pub(super) use self::state::{AnnouncedAnswer, Recorders};

/// How many bytes of output are held back before h2 has to wait.
const MAX_OUTPUT: usize = 256 * 1024;

/// How many bytes are read from TLS at once.
const READ_CHUNK: usize = 32 * 1024;

/// How long the simulator waits for the client to close too after its own FIN. Closing a socket with unread bytes
/// would send RST instead.
const LINGER: Duration = Duration::from_secs(1);

/// The transport that h2 sees.
pub(super) struct Filter {
    io: TlsStream<Socket>,
    handle: Arc<FilterHandle>,
    chunk: Box<[u8]>,
    /// Bytes from the client that are not yet a whole frame.
    arriving: BytesMut,
    /// Whole frames for h2.
    to_h2: BytesMut,
    /// Bytes from h2 that are not yet a whole frame.
    leaving: BytesMut,
    /// Bytes that are on their way to TLS.
    sending: BytesMut,
    unflushed: bool,
    preface_seen: bool,
    budget: Option<ThrottleBudget>,
    linger: Option<Pin<Box<Sleep>>>,
    shut: bool,
}

/// How much a throttled connection may still write in the current step.
struct ThrottleBudget {
    left: usize,
    step: Pin<Box<Sleep>>,
}

impl Filter {
    pub(super) fn new(io: TlsStream<Socket>, handle: Arc<FilterHandle>) -> Self {
        Self {
            io,
            handle,
            chunk: vec![0; READ_CHUNK].into_boxed_slice(),
            arriving: BytesMut::new(),
            to_h2: BytesMut::new(),
            leaving: BytesMut::new(),
            sending: BytesMut::new(),
            unflushed: false,
            preface_seen: false,
            budget: None,
            linger: None,
            shut: false,
        }
    }

    /// Writes what may be written. It is ready when nothing is left.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut state = self.handle.state();
            if state.stalled {
                return Poll::Pending;
            }
            let throttle = state.throttle;
            if self.sending.is_empty() {
                self.sending = state.out.split();
            }
            drop(state);

            if self.sending.is_empty() {
                if self.unflushed {
                    ready!(Pin::new(&mut self.io).poll_flush(cx))?;
                    self.unflushed = false;
                }
                return Poll::Ready(Ok(()));
            }
            let most = match throttle {
                None => self.sending.len(),
                Some((bytes, every)) => ready!(self.poll_budget(cx, bytes, every)),
            };
            let piece = self.sending.get(..most.min(self.sending.len())).unwrap_or_default();
            let written = ready!(Pin::new(&mut self.io).poll_write(cx, piece))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sending.advance(written);
            self.unflushed = true;
            if let Some(budget) = &mut self.budget {
                budget.left = budget.left.saturating_sub(written);
                // A throttled piece leaves at once, since TLS would gather several.
                ready!(Pin::new(&mut self.io).poll_flush(cx))?;
            }
        }
    }

    fn poll_budget(&mut self, cx: &mut Context<'_>, bytes: usize, every: Duration) -> Poll<usize> {
        let budget = self
            .budget
            .get_or_insert_with(|| ThrottleBudget { left: bytes, step: Box::pin(tokio::time::sleep(every)) });
        if budget.left == 0 {
            ready!(budget.step.as_mut().poll(cx));
            budget.step.as_mut().reset(Instant::now() + every);
            budget.left = bytes;
        }
        Poll::Ready(budget.left)
    }

    /// Ends the connection. It is ready when h2 may learn that the connection has ended.
    fn poll_hang_up(&mut self, cx: &mut Context<'_>, how: HangUp) -> Poll<io::Result<()>> {
        match how {
            HangUp::Reset => {
                // What the socket takes without waiting still goes out before the RST, however much this task has done
                // in its turn. Errors do not matter, since the connection ends.
                let last_words = poll_fn(|cx| {
                    let _ = self.poll_drain(cx);
                    let _ = self.poll_left_over(cx);
                    Poll::Ready(())
                });
                let _ = std::pin::pin!(tokio::task::unconstrained(last_words)).poll(cx);
                self.io.get_ref().0.set_zero_linger()?;
                Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
            }
            HangUp::Fin => {
                let linger = self.linger.get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER)));
                if linger.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Ok(()));
                }
                if !self.shut {
                    ready!(self.poll_drain(cx))?;
                    ready!(Pin::new(&mut self.io).poll_shutdown(cx))?;
                    self.shut = true;
                }
                self.poll_left_over(cx)
            }
        }
    }

    /// Reads what the client had sent before it could know of the end, and counts the requests in it, which nobody
    /// serves. It is ready at the end of the input.
    fn poll_left_over(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if !self.preface_seen && self.arriving.starts_with(PREFACE) {
                self.arriving.advance(PREFACE.len());
                self.preface_seen = true;
            }
            while self.preface_seen
                && let Some(head) = Head::parse(&self.arriving)
                && self.arriving.len() >= HEAD_LEN + head.len
            {
                self.arriving.advance(HEAD_LEN + head.len);
                self.handle.state().left_over(head);
            }
            let mut rest = ReadBuf::new(&mut self.chunk);
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut rest))?;
            if rest.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.arriving.extend_from_slice(rest.filled());
        }
    }

    /// Moves whole frames from `arriving` to `to_h2`.
    fn take_in(&mut self) {
        if !self.preface_seen {
            if self.arriving.len() < PREFACE.len() {
                return;
            }
            self.to_h2.extend_from_slice(&self.arriving.split_to(PREFACE.len()));
            self.preface_seen = true;
        }
        let mut state = self.handle.state();
        while let Some(head) = Head::parse(&self.arriving)
            && self.arriving.len() >= HEAD_LEN + head.len
        {
            let frame = self.arriving.split_to(HEAD_LEN + head.len);
            state.inbound(&self.handle.recorders, head, &frame, &mut self.to_h2);
        }
    }
}

impl AsyncRead for Filter {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            let (hang_up, stalled) = {
                let state = this.handle.watched(cx);
                (state.hang_up, state.stalled)
            };

            if let Some(how) = hang_up {
                return this.poll_hang_up(cx, how);
            }
            if stalled {
                return Poll::Pending;
            }
            // h2 reads at every turn, so this is where the frames leave that the service added.
            let _ = this.poll_drain(cx)?;

            if this.to_h2.has_remaining() {
                let n = this.to_h2.len().min(buf.remaining());
                buf.put_slice(&this.to_h2.split_to(n));
                return Poll::Ready(Ok(()));
            }
            let mut chunk = ReadBuf::new(&mut this.chunk);
            ready!(Pin::new(&mut this.io).poll_read(cx, &mut chunk))?;
            if chunk.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.arriving.extend_from_slice(chunk.filled());
            this.take_in();
        }
    }
}

impl AsyncWrite for Filter {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let (hang_up, stalled, queued) = {
            let state = this.handle.watched(cx);
            (state.hang_up, state.stalled, state.out.len() + this.sending.len())
        };
        // The hang-up is handled here as well as in reading, since h2 does not read while it cannot write.
        if let Some(how) = hang_up {
            ready!(this.poll_hang_up(cx, how))?;
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        // h2 keeps what cannot be written, so the journal shows a stalled answer as unanswered.
        if stalled {
            return Poll::Pending;
        }
        if queued > MAX_OUTPUT {
            ready!(this.poll_drain(cx))?;
        }
        this.leaving.extend_from_slice(buf);
        let mut state = this.handle.state();
        while let Some(head) = Head::parse(&this.leaving)
            && this.leaving.len() >= HEAD_LEN + head.len
        {
            let frame = this.leaving.split_to(HEAD_LEN + head.len);
            state.outbound(&this.handle.recorders, head, &frame);
        }
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let hang_up = this.handle.watched(cx).hang_up;
        match hang_up {
            // h2 flushes before it ends, and a connection that stalls would never get there.
            Some(how) => this.poll_hang_up(cx, how),
            None => this.poll_drain(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(cx))?;
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}
