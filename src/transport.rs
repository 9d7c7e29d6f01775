//! The socket wrapper between h2 and TLS: it gathers writes, knows what was sent, and reads GOAWAY as it
//! passes.
//!
//! h2 flushes each DATA frame that it does not copy, one write call per push. Here `poll_flush` does nothing;
//! the task that drives the connection calls [`Wire::write_out`] one turn after h2 had nothing more to say,
//! and many frames leave in one write. And h2 cannot tell a request that was written from one that was not:
//! the walk over the bytes that the socket accepted can.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A byte stream that HTTP/2 can run on.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Io for T {}

/// Bytes gathered before a write is forced.
const BUFFER_BYTES: usize = 64 * 1024;

/// Debug data of a GOAWAY that is kept.
const GOAWAY_DEBUG_BYTES: usize = 1024;

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

/// A GOAWAY that the peer sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoAway {
    /// Streams above it were not processed.
    pub last_stream_id: u32,
    /// Its error code. Source: RFC 9113, section 7.
    pub code: u32,
    /// Its debug data, cut to 1 KiB.
    pub debug: Bytes,
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
        if self.unended.load(Ordering::Acquire) == 0 || !self.lock().sent.unended.contains(&stream) {
            return Progress::Complete;
        }
        Progress::Incomplete
    }

    /// The request of this stream is settled: whether it ended matters no more. A stream that the peer reset
    /// before its body left would count as unended for as long as the connection lives.
    pub fn settle(&self, stream: u32) {
        if self.unended.load(Ordering::Acquire) > 0 {
            let mut state = self.lock();
            end(&mut state.sent.unended, stream);
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
        self.goaway_seen.load(Ordering::Acquire).then(|| self.lock().received.goaway.clone()).flatten()
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
        let unended = u32::try_from(state.sent.unended.len()).unwrap_or(u32::MAX);
        self.unended.store(unended, Ordering::Release);
        self.begun.store(state.sent.begun, Ordering::Release);
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

/// How many bytes a socket has taken.
#[derive(Debug, Clone, Default)]
pub struct Taken(Arc<AtomicU64>);

impl Taken {
    fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A socket below TLS that counts what it takes.
#[derive(Debug)]
pub struct Counted<I> {
    io: I,
    taken: Taken,
}

impl<I: Io> Counted<I> {
    /// Wraps a socket.
    pub fn new(io: I) -> (Self, Taken) {
        let taken = Taken::default();
        (Self { io, taken: taken.clone() }, taken)
    }

    fn count(&self, written: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(count)) = written {
            self.taken.0.fetch_add(*count as u64, Ordering::Relaxed);
        }
    }
}

impl<I: Io> AsyncRead for Counted<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<I: Io> AsyncWrite for Counted<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.count(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, slices);
        self.count(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
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
            wire.settings_seen.store(state.received.settings_seen, Ordering::Release);
            wire.goaway_seen.store(state.received.goaway.is_some(), Ordering::Release);
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

// Frame types and flags. Source: RFC 9113, section 6.
const DATA: u8 = 0x0;
const HEADERS: u8 = 0x1;
const RST_STREAM: u8 = 0x3;
const SETTINGS: u8 = 0x4;
const GOAWAY: u8 = 0x7;
const CONTINUATION: u8 = 0x9;
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

/// The client preface. Source: RFC 9113, section 3.4.
const PREFACE_BYTES: usize = 24;

#[derive(Debug, Clone, Copy)]
struct Head {
    kind: u8,
    flags: u8,
    stream: u32,
}

/// Walks frame headers through a byte stream that comes in pieces of any size.
#[derive(Debug, Default)]
struct Frames {
    partial: [u8; 9],
    have: usize,
    head: Option<Head>,
    left: usize,
}

enum Step<'a> {
    /// A frame header is complete.
    Begins(Head),
    /// Some payload of the frame.
    Payload(Head, &'a [u8]),
    /// The frame is complete.
    Ends(Head),
}

impl Frames {
    fn walk<'a>(&mut self, mut bytes: &'a [u8], mut on: impl FnMut(Step<'a>)) {
        while !bytes.is_empty() || self.head.is_some_and(|_| self.left == 0) {
            let Some(head) = self.head else {
                let take = bytes.len().min(9 - self.have);
                self.partial[self.have..self.have + take].copy_from_slice(&bytes[..take]);
                self.have += take;
                bytes = &bytes[take..];
                if self.have == 9 {
                    let [a, b, c, kind, flags, id @ ..] = self.partial;
                    let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
                    let stream = u32::from_be_bytes(id) & 0x7fff_ffff;
                    let head = Head { kind, flags, stream };
                    self.head = Some(head);
                    self.left = length;
                    self.have = 0;
                    on(Step::Begins(head));
                }
                continue;
            };
            let take = bytes.len().min(self.left);
            if take > 0 {
                on(Step::Payload(head, &bytes[..take]));
                bytes = &bytes[take..];
                self.left -= take;
            }
            if self.left == 0 {
                self.head = None;
                on(Step::Ends(head));
            }
        }
    }
}

/// What the socket accepted: HEADERS leave in the order of their ids, so one number tells which were begun.
#[derive(Debug, Default)]
struct Sent {
    preface: usize,
    frames: Frames,
    begun: u32,
    /// Begun and not ended, oldest first; mostly empty, since a request's frames leave together.
    unended: VecDeque<u32>,
    /// HEADERS with END_STREAM whose CONTINUATION is still to come.
    ends_with_headers: Option<u32>,
}

impl Sent {
    fn walk(&mut self, mut bytes: &[u8]) {
        let preface = bytes.len().min(PREFACE_BYTES - self.preface);
        self.preface += preface;
        bytes = &bytes[preface..];
        let Self { frames, begun, unended, ends_with_headers, .. } = self;
        frames.walk(bytes, |step| match step {
            Step::Begins(head) if head.kind == HEADERS && head.stream > *begun => {
                *begun = head.stream;
                unended.push_back(head.stream);
            }
            Step::Ends(head) => {
                let ends_stream = head.flags & END_STREAM != 0;
                let ends_headers = head.flags & END_HEADERS != 0;
                match head.kind {
                    DATA if ends_stream => end(unended, head.stream),
                    HEADERS if ends_stream && ends_headers => end(unended, head.stream),
                    HEADERS if ends_stream => *ends_with_headers = Some(head.stream),
                    CONTINUATION if ends_headers && *ends_with_headers == Some(head.stream) => {
                        *ends_with_headers = None;
                        end(unended, head.stream);
                    }
                    RST_STREAM => end(unended, head.stream),
                    _ => {}
                }
            }
            Step::Begins(_) | Step::Payload(..) => {}
        });
    }
}

/// Bodies mostly end in the order in which their streams began.
fn end(unended: &mut VecDeque<u32>, id: u32) {
    if unended.front() == Some(&id) {
        unended.pop_front();
    } else if let Some(at) = unended.iter().position(|open| *open == id) {
        unended.remove(at);
    }
}

/// What came: the first SETTINGS, and GOAWAY with its reason, which h2 shows nowhere.
#[derive(Debug, Default)]
struct Received {
    frames: Frames,
    settings_seen: bool,
    partial: BytesMut,
    goaway: Option<GoAway>,
}

impl Received {
    fn walk(&mut self, bytes: &[u8]) {
        let Self { frames, settings_seen, partial, goaway } = self;
        frames.walk(bytes, |step| match step {
            Step::Begins(head) if head.kind == GOAWAY => partial.clear(),
            Step::Payload(head, piece) if head.kind == GOAWAY => {
                let room = (8 + GOAWAY_DEBUG_BYTES).saturating_sub(partial.len());
                partial.extend_from_slice(&piece[..piece.len().min(room)]);
            }
            Step::Ends(head) if head.kind == GOAWAY && partial.len() >= 8 => {
                let last_stream_id = partial.get_u32() & 0x7fff_ffff;
                let code = partial.get_u32();
                *goaway = Some(GoAway { last_stream_id, code, debug: partial.split().freeze() });
            }
            Step::Ends(head) if head.kind == SETTINGS => *settings_seen = true,
            Step::Begins(_) | Step::Payload(..) | Step::Ends(_) => {}
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags];
        frame.extend_from_slice(&stream.to_be_bytes());
        frame.extend_from_slice(payload);
        frame
    }

    fn preface() -> Vec<u8> {
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()
    }

    #[test]
    fn requests_are_begun_and_ended_whatever_the_pieces() {
        let bytes = [
            preface(),
            frame(SETTINGS, 0, 0, &[0; 12]),
            frame(HEADERS, END_HEADERS, 1, b"headers"),
            frame(HEADERS, END_HEADERS, 3, b"headers"),
            frame(DATA, END_STREAM, 3, b"body"),
            frame(HEADERS, END_STREAM, 5, b"first part"),
            frame(CONTINUATION, END_HEADERS, 5, b"rest"),
            frame(HEADERS, END_HEADERS, 7, b"headers"),
            frame(DATA, 0, 7, b"half"),
            frame(HEADERS, END_HEADERS, 9, b"headers"),
            frame(RST_STREAM, 0, 9, &8_u32.to_be_bytes()),
        ]
        .concat();
        for size in 1..bytes.len() {
            let mut sent = Sent::default();
            bytes.chunks(size).for_each(|piece| sent.walk(piece));
            assert_eq!((sent.begun, Vec::from(sent.unended)), (9, vec![1, 7]), "pieces of {size}");
        }
    }

    #[test]
    fn a_body_cut_in_its_last_byte_is_incomplete() {
        let whole =
            [preface(), frame(HEADERS, END_HEADERS, 1, b"h"), frame(DATA, END_STREAM, 1, b"body")].concat();
        let mut sent = Sent::default();
        sent.walk(&whole[..whole.len() - 1]);
        assert_eq!(sent.unended, [1]);
        sent.walk(&whole[whole.len() - 1..]);
        assert!(sent.unended.is_empty());
    }

    #[test]
    fn an_empty_last_data_frame_ends_the_request() {
        let mut sent = Sent::default();
        sent.walk(
            &[preface(), frame(HEADERS, END_HEADERS, 1, b"h"), frame(DATA, END_STREAM, 1, b"")].concat(),
        );
        assert!(sent.unended.is_empty());
    }

    #[test]
    fn goaway_is_read_as_it_passes() {
        let debug = br#"{"reason":"Shutdown"}"#;
        let payload = [&7_u32.to_be_bytes()[..], &0_u32.to_be_bytes(), debug].concat();
        let bytes =
            [frame(SETTINGS, 0, 0, &[]), frame(GOAWAY, 0, 0, &payload), frame(DATA, 0, 1, b"x")].concat();
        for size in 1..bytes.len() {
            let mut received = Received::default();
            bytes.chunks(size).for_each(|piece| received.walk(piece));
            assert!(received.settings_seen);
            let goaway = GoAway { last_stream_id: 7, code: 0, debug: Bytes::from_static(debug) };
            assert_eq!(received.goaway, Some(goaway), "pieces of {size}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_a_walk_panic(bytes: Vec<u8>, size in 1_usize..64) {
            let (mut sent, mut received) = (Sent::default(), Received::default());
            for piece in bytes.chunks(size) {
                sent.walk(piece);
                received.walk(piece);
            }
        }
    }
}
