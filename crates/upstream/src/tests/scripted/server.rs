//! The server's end of a connection, at which the test reads frames and writes them, and the socket of the client.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};

use super::frames::*;
use crate::tests::*;

/// How the socket of a connection fails.
#[derive(Default)]
struct Faults {
    /// Its end is a reset.
    resets: AtomicBool,
    /// Each write fails.
    writes_fail: AtomicBool,
}

/// The client's socket.
struct Socket {
    pipe: DuplexStream,
    faults: Arc<Faults>,
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        std::task::ready!(Pin::new(&mut self.pipe).poll_read(cx, buffer))?;
        let ended = buffer.filled().len() == before;
        Poll::Ready(match ended && self.faults.resets.load(Ordering::Acquire) {
            true => Err(io::ErrorKind::ConnectionReset.into()),
            false => Ok(()),
        })
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.faults.writes_fail.load(Ordering::Acquire) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        Pin::new(&mut self.pipe).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(cx)
    }
}

/// The server's end of a connection.
pub(super) struct Server {
    pipe: DuplexStream,
    faults: Arc<Faults>,
    read: Vec<u8>,
}

impl Server {
    /// A connection whose socket holds so many bytes in either direction, and the client's end of it.
    pub(super) fn new(holds: usize) -> (Self, Box<dyn Io>) {
        let (ours, theirs) = tokio::io::duplex(holds);
        let faults = Arc::new(Faults::default());
        let socket = Socket { pipe: ours, faults: Arc::clone(&faults) };
        (Self { pipe: theirs, faults, read: Vec::new() }, Box::new(socket))
    }

    /// Reads the preface, and says the first SETTINGS.
    pub(super) async fn begin(&mut self, all: &[(u16, u32)]) {
        let mut preface = [0; 24];
        self.pipe.read_exact(&mut preface).await.unwrap();
        assert_eq!(&preface, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        self.say(&[settings(all), settings_ack()].concat()).await;
    }

    /// Says this. The client may have closed the connection.
    pub(super) async fn say(&mut self, bytes: &[u8]) {
        let _ = self.pipe.write_all(bytes).await;
    }

    /// Says this. What is left in `bytes` was not taken by the client, or by the socket on the way to it.
    pub(super) async fn say_what_fits(&mut self, bytes: &mut &[u8]) {
        while self.pipe.write_buf(bytes).await.unwrap_or(0) > 0 {}
    }

    /// Says this while it reads, until a frame comes that matches.
    pub(super) async fn say_and_read(&mut self, mut bytes: &[u8], matches: impl Fn(&Frame) -> bool) {
        let Self { pipe, read, .. } = self;
        let (mut reads, mut writes) = tokio::io::split(pipe);
        let says = async { while writes.write_buf(&mut bytes).await.unwrap_or(0) > 0 {} };
        let waits = async {
            while !std::iter::from_fn(|| take_frame(read)).any(|frame| matches(&frame)) {
                read.reserve(1 << 20);
                assert!(reads.read_buf(read).await.unwrap() > 0);
            }
        };
        tokio::join!(says, waits);
    }

    /// The next frame of the client, or `None` at the end of the connection.
    pub(super) async fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = take_frame(&mut self.read) {
                return Some(frame);
            }
            if self.pipe.read_buf(&mut self.read).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// The next frame that comes by then.
    pub(super) async fn frame_by(&mut self, moment: Instant) -> Option<Frame> {
        let next = tokio::time::timeout_at(moment, self.frame()).await;
        next.ok().map(|frame| frame.expect("the connection goes on"))
    }

    /// The next frame that matches.
    pub(super) async fn until(&mut self, matches: impl Fn(&Frame) -> bool) -> Frame {
        loop {
            let frame = self.frame().await.expect("the connection goes on");
            if matches(&frame) {
                return frame;
            }
        }
    }

    /// Reads the next whole request. Returns its id.
    pub(super) async fn request(&mut self) -> u32 {
        self.until(Frame::ends_stream).await.stream
    }

    /// Answers PINGs until the end of the connection. Returns what the client wrote.
    pub(super) async fn stay(mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(frame) = self.frame().await {
            if (frame.kind, frame.flags) == (PING, 0) {
                self.say(&super::frames::frame(PING, ACK, 0, &frame.payload)).await;
            }
            frames.push(frame);
        }
        frames
    }

    /// Each write of the client fails from now on.
    pub(super) fn writes_fail(&self) {
        self.faults.writes_fail.store(true, Ordering::Release);
    }

    /// Resets the connection. The client still reads what was said.
    pub(super) fn reset(self) {
        self.faults.resets.store(true, Ordering::Release);
    }
}
