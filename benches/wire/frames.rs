//! HTTP/2 frames, which load and stand-in read and write by hand so that they cost little. Source: RFC 9113.

use std::io;
use std::pin::Pin;
use std::task::Poll;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The first bytes of a client. Source: RFC 9113, 3.4.
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// Frame types and flags. Source: RFC 9113, 6.
pub(crate) const DATA: u8 = 0x0;
pub(crate) const HEADERS: u8 = 0x1;
pub(crate) const RST_STREAM: u8 = 0x3;
pub(crate) const SETTINGS: u8 = 0x4;
pub(crate) const PING: u8 = 0x6;
pub(crate) const GOAWAY: u8 = 0x7;
pub(crate) const WINDOW_UPDATE: u8 = 0x8;
pub(crate) const END_STREAM: u8 = 0x1;
pub(crate) const ACK: u8 = 0x1;
pub(crate) const END_HEADERS: u8 = 0x4;

// Settings. Source: RFC 9113, 6.5.2.
pub(crate) const MAX_CONCURRENT_STREAMS: u16 = 0x3;
pub(crate) const INITIAL_WINDOW_SIZE: u16 = 0x4;

/// The largest window, and a connection's first one. Source: RFC 9113, 6.9.1 and 6.9.2.
pub(crate) const LARGEST_WINDOW: u32 = (1 << 31) - 1;
pub(crate) const FIRST_WINDOW: u32 = 65_535;

/// The largest payload of a frame, unless another one was agreed. Source: RFC 9113, 6.5.2.
pub(crate) const MAX_PAYLOAD: usize = 16_384;

/// The length of a frame's head. Source: RFC 9113, 4.1.
pub(crate) const HEAD: usize = 9;

/// How many bytes are received before the window is opened again. They are many, so that this is rare, and far fewer than the
/// window has.
const REOPEN_AFTER: u32 = 1 << 30;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) length: usize,
}

impl Head {
    pub(crate) fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// Appends a frame's head.
pub(crate) fn put_head(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, length: usize) {
    let length = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    out.extend_from_slice(&[length[1], length[2], length[3], kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
}

/// Appends a frame.
pub(crate) fn put(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    put_head(out, kind, flags, stream, payload.len());
    out.extend_from_slice(payload);
}

/// Appends SETTINGS, and the WINDOW_UPDATE that opens the connection's window to its largest size.
pub(crate) fn put_greeting(out: &mut Vec<u8>, settings: &[(u16, u32)]) {
    let payload: Vec<u8> = settings
        .iter()
        .flat_map(|(name, value)| name.to_be_bytes().into_iter().chain(value.to_be_bytes()))
        .collect();
    put(out, SETTINGS, 0, 0, &payload);
    put(out, WINDOW_UPDATE, 0, 0, &(LARGEST_WINDOW - FIRST_WINDOW).to_be_bytes());
}

/// Reads a big-endian number at the beginning of `bytes`.
pub(crate) fn number(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

/// A receive window, which is opened again in large steps.
#[derive(Debug, Default)]
pub(crate) struct Received(u32);

impl Received {
    pub(crate) fn take(&mut self, out: &mut Vec<u8>, stream: u32, bytes: usize) {
        self.0 += u32::try_from(bytes).unwrap_or(u32::MAX);
        if self.0 >= REOPEN_AFTER {
            put(out, WINDOW_UPDATE, 0, stream, &self.0.to_be_bytes());
            self.0 = 0;
        }
    }
}

/// A socket, and the bytes that were read from it and are to be written to it.
pub(crate) struct Pipe<S> {
    socket: S,
    input: Vec<u8>,
    begin: usize,
    end: usize,
    pub(crate) out: Vec<u8>,
    written: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Pipe<S> {
    pub(crate) fn new(socket: S) -> Self {
        Self { socket, input: vec![0; 16 * MAX_PAYLOAD], begin: 0, end: 0, out: Vec::new(), written: 0 }
    }

    /// Writes what is to be written, and reads more. Returns `false` at the end of the stream.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(crate) async fn turn(&mut self) -> io::Result<bool> {
        if self.begin > 0 {
            self.input.copy_within(self.begin..self.end, 0);
            self.end -= self.begin;
            self.begin = 0;
        }
        std::future::poll_fn(|cx| {
            while self.written < self.out.len() {
                match Pin::new(&mut self.socket).poll_write(cx, &self.out[self.written..])? {
                    Poll::Ready(count) => self.written += count,
                    Poll::Pending => break,
                }
            }
            if self.written > 0 && self.written == self.out.len() {
                self.out.clear();
                self.written = 0;
            }
            // TLS keeps bytes back when the socket is full.
            let _ = Pin::new(&mut self.socket).poll_flush(cx)?;
            let mut fresh = ReadBuf::new(&mut self.input[self.end..]);
            match Pin::new(&mut self.socket).poll_read(cx, &mut fresh)? {
                Poll::Pending => Poll::Pending,
                Poll::Ready(()) => {
                    let count = fresh.filled().len();
                    self.end += count;
                    Poll::Ready(Ok(count > 0))
                }
            }
        })
        .await
    }

    /// Drops so many bytes, if they have come. Returns whether they have.
    pub(crate) fn skip(&mut self, bytes: usize) -> bool {
        let whole = self.end - self.begin >= bytes;
        if whole {
            self.begin += bytes;
        }
        whole
    }

    /// The next whole frame: its head, and where [`Pipe::payload`] finds its payload.
    pub(crate) fn frame(&mut self) -> Option<(Head, std::ops::Range<usize>)> {
        let bytes = &self.input[self.begin..self.end];
        let (head, rest) = bytes.split_first_chunk::<HEAD>()?;
        let [a, b, c, kind, flags, id @ ..] = *head;
        let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        if rest.len() < length {
            return None;
        }
        let from = self.begin + HEAD;
        self.begin = from + length;
        let stream = u32::from_be_bytes(id) & LARGEST_WINDOW;
        Some((Head { kind, flags, stream, length }, from..from + length))
    }

    pub(crate) fn payload(&self, range: &std::ops::Range<usize>) -> &[u8] {
        &self.input[range.clone()]
    }

    /// Answers SETTINGS and PING, as any peer does.
    pub(crate) fn acknowledge(&mut self, head: Head, range: &std::ops::Range<usize>) {
        if head.has(ACK) {
            return;
        }
        match head.kind {
            SETTINGS => put(&mut self.out, SETTINGS, ACK, 0, &[]),
            PING => {
                put_head(&mut self.out, PING, ACK, 0, head.length);
                self.out.extend_from_slice(&self.input[range.clone()]);
            }
            _ => {}
        }
    }

    /// Writes what is left and ends the writing half.
    pub(crate) async fn shut_down(&mut self) -> io::Result<()> {
        use tokio::io::AsyncWriteExt;
        self.socket.write_all(&self.out[self.written..]).await?;
        self.out.clear();
        self.written = 0;
        self.socket.shutdown().await
    }
}
