//! The socket of a connection, with the engine that speaks over it.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::connect_error::certificate_alert;
use crate::http2::engine::{Ended, Engine, Violation};
use crate::transport::{Io, SocketBytes};

/// How much is read at once. A TLS record has no more plaintext. Source: RFC 8446, section 5.1.
const READ_BYTES: usize = 16 * 1024;

/// How often a socket is read before other tasks have their turn.
const READS_A_TURN: usize = 8;

/// The socket of a connection, with the engine that speaks over it. It knows for each byte whether the socket may have
/// taken it.
pub(crate) struct Link<T> {
    pub(super) engine: Engine<T>,
    io: Box<dyn Io>,
    /// Counts what the socket below TLS takes.
    below: SocketBytes,
    /// Why a write failed, if one did. Nothing is written from then on, and reads go on to their end: a GOAWAY may still
    /// wait in the receive buffer, and it tells which requests the peer did not process.
    broken: Option<io::ErrorKind>,
    /// How many reads have brought bytes.
    reads: u64,
}

/// How far a socket was read.
#[derive(Debug)]
pub(super) enum ReadEnd {
    /// Nothing more is there by now.
    Empty,
    /// More is there, and other tasks have their turn first.
    More,
    /// The peer sends nothing more.
    Closed,
    /// The socket failed.
    Failed(io::Error),
    /// The peer broke a rule.
    Refused(Violation),
}

impl<T: Unpin> Link<T> {
    /// A link on which nothing was written. `below` counts what the socket below TLS takes.
    pub(crate) fn new(engine: Engine<T>, io: Box<dyn Io>, below: SocketBytes) -> Self {
        Self { engine, io, below, broken: None, reads: 0 }
    }

    /// Writes the preface, and waits for the peer's first SETTINGS. No request leaves before them, so a peer that never
    /// speaks HTTP/2 gets none. It is false if the peer hangs up, or goes away, before.
    ///
    /// # Errors
    /// Fails if the socket does, or if what comes is not HTTP/2.
    pub(crate) async fn first_settings(&mut self) -> io::Result<bool> {
        let mut ends = Vec::new();
        poll_fn(|cx| {
            let _ = self.write_out(cx);
            match self.read(cx, &mut ends) {
                // It counts although the SETTINGS came before it in the same read: nothing is read behind it.
                ReadEnd::Refused(error) => {
                    Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error)))
                }
                // A peer may say its SETTINGS before it has judged the client's certificate.
                ReadEnd::Failed(error) if certificate_alert(&error).is_some() => Poll::Ready(Err(error)),
                ReadEnd::Empty | ReadEnd::More | ReadEnd::Closed | ReadEnd::Failed(_)
                    if self.engine.settings_seen() =>
                {
                    Poll::Ready(Ok(true))
                }
                ReadEnd::Empty if self.engine.goaway().is_some() => Poll::Ready(Ok(false)),
                ReadEnd::Empty => Poll::Pending,
                ReadEnd::More => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                ReadEnd::Closed => Poll::Ready(Ok(false)),
                ReadEnd::Failed(error) => Poll::Ready(Err(error)),
            }
        })
        .await
    }

    /// How many streams the peer allows.
    pub(crate) fn max_streams(&self) -> usize {
        self.engine.max_streams()
    }

    /// Whether something waits to be written.
    pub(super) fn has_output(&self) -> bool {
        !self.engine.output().is_empty()
    }

    /// How many reads have brought bytes.
    pub(super) fn reads(&self) -> u64 {
        self.reads
    }

    /// Whether a write failed.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// Reads what is there, and adds the requests that end by it to `ends`. Nothing is read while the peer does not read
    /// what we have to say.
    pub(super) fn read(&mut self, cx: &mut Context<'_>, ends: &mut Vec<Ended<T>>) -> ReadEnd {
        let mut space = [MaybeUninit::uninit(); READ_BYTES];
        for _ in 0..READS_A_TURN {
            if !self.engine.may_read() {
                return ReadEnd::Empty;
            }
            let mut buffer = ReadBuf::uninit(&mut space);
            match Pin::new(&mut self.io).poll_read(cx, &mut buffer) {
                Poll::Pending => return ReadEnd::Empty,
                Poll::Ready(Err(error)) => return ReadEnd::Failed(error),
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => return ReadEnd::Closed,
                Poll::Ready(Ok(())) => {
                    self.reads += 1;
                    if let Err(error) = self.engine.receive(buffer.filled(), ends) {
                        return ReadEnd::Refused(error);
                    }
                }
            }
        }
        ReadEnd::More
    }

    /// Writes what the engine has to say. It is ready when all is written, or when the socket is broken.
    pub(super) fn write_out(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.broken.is_none() && self.has_output() {
            let before = self.below.get();
            match Pin::new(&mut self.io).poll_write(cx, self.engine.output()) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(0)) => self.break_off(io::ErrorKind::WriteZero),
                Poll::Ready(Ok(count)) => self.engine.accepted(count),
                Poll::Ready(Err(error)) => {
                    // TLS writes record by record, and does not say how many records of a failed write left. They hold
                    // less plaintext than the bytes that the socket took.
                    let most = usize::try_from(self.below.get() - before).unwrap_or(usize::MAX);
                    self.engine.accepted(most);
                    self.break_off(error.kind());
                }
            }
        }
        if self.broken.is_some() {
            return Poll::Ready(());
        }
        // TLS holds back bytes when the socket is full.
        match Pin::new(&mut self.io).poll_flush(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(flushed) => {
                if let Err(error) = flushed {
                    self.break_off(error.kind());
                }
                Poll::Ready(())
            }
        }
    }

    /// Tells the peer that nothing more is written.
    pub(super) fn shut_down(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.broken.is_some() {
            return Poll::Ready(());
        }
        Pin::new(&mut self.io).poll_shutdown(cx).map(drop)
    }

    /// Closes the socket. What it did not take until now it never will.
    pub(super) fn close(&mut self) {
        self.break_off(io::ErrorKind::NotConnected);
        self.io = Box::new(tokio::io::empty());
    }

    fn break_off(&mut self, why: io::ErrorKind) {
        self.broken.get_or_insert(why);
        self.engine.close_output();
    }
}
