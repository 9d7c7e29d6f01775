//! Sees how a client begins its HTTP/2, which hyper does not tell: when its preface and its SETTINGS have come, and how long
//! it took to acknowledge ours.
//!
//! That is the round trip, measured once, and through whatever hands bytes on in between. What a slow client needs for its
//! answer is in it. TCP's own measure would go on, but ends at the next proxy, and to ask for it takes unsafe code.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::connection::Connection;

/// How many bytes the connection preface has, before its SETTINGS. Source: RFC 9113, section 3.4.
const PREFACE: usize = 24;

/// How many bytes the header of a frame has: the length of what follows in three, the type, the flags, and the number of the
/// stream in four. Source: RFC 9113, section 4.1.
const FRAME_HEADER: usize = 9;

/// The type of a SETTINGS frame, and the flag of one that acknowledges. Source: RFC 9113, section 6.5.
const SETTINGS: u8 = 4;
const ACK: u8 = 1;

/// A stream below HTTP/2 which tells its connection how the client begins. Whether what it says is good, HTTP/2 finds out.
pub(super) struct Prefaced<S> {
    stream: S,
    connection: Arc<Connection>,
    /// When the first bytes were written, which are our SETTINGS.
    written: Option<Instant>,
    /// The frames that come until ours are acknowledged.
    frames: Option<Frames>,
}

impl<S> Prefaced<S> {
    pub(super) fn new(stream: S, connection: &Arc<Connection>) -> Self {
        Self { stream, connection: Arc::clone(connection), written: None, frames: Some(Frames::new()) }
    }

    fn look(&mut self, bytes: &[u8]) {
        let Some(frames) = &mut self.frames else { return };
        let acknowledged = frames.pass(bytes);
        if frames.begun && !self.connection.has_begun() {
            self.connection.begins();
        }
        if acknowledged {
            self.frames = None;
            if let Some(written) = self.written {
                self.connection.took(written.elapsed());
            }
        }
    }
}

/// Where in the frames of a client its bytes are.
struct Frames {
    /// How many bytes of the preface or of a frame are to come.
    rest: usize,
    /// What has come of the header of the next frame.
    header: [u8; FRAME_HEADER],
    come: usize,
    /// Whether the first frame has begun, and whether it has come.
    first: bool,
    begun: bool,
}

impl Frames {
    fn new() -> Self {
        Self { rest: PREFACE, header: [0; FRAME_HEADER], come: 0, first: false, begun: false }
    }

    /// Passes bytes, and returns whether an acknowledgement of SETTINGS is among them.
    fn pass(&mut self, mut bytes: &[u8]) -> bool {
        loop {
            let passed = self.rest.min(bytes.len());
            (self.rest, bytes) = (self.rest - passed, bytes.get(passed..).unwrap_or_default());
            if self.rest > 0 {
                return false;
            }
            self.begun = self.first;
            for (place, byte) in self.header.iter_mut().skip(self.come).zip(bytes) {
                *place = *byte;
            }
            let taken = bytes.len().min(FRAME_HEADER - self.come);
            (self.come, bytes) = (self.come + taken, bytes.get(taken..).unwrap_or_default());
            if self.come < FRAME_HEADER {
                return false;
            }
            let [high, middle, low, kind, flags, ..] = self.header;
            if kind == SETTINGS && flags & ACK != 0 {
                return true;
            }
            self.rest = u32::from_be_bytes([0, high, middle, low]) as usize;
            (self.come, self.first) = (0, true);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Prefaced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        self.look(buf.filled().get(before..).unwrap_or_default());
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Prefaced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        if self.written.is_none() {
            self.written = Some(Instant::now());
        }
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    const CLIENT_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    const CLIENT_SETTINGS: &[u8] = &[0, 0, 6, SETTINGS, 0, 0, 0, 0, 0, 0, 4, 0, 0, 255, 255];
    const ACKNOWLEDGED: &[u8] = &[0, 0, 0, SETTINGS, ACK, 0, 0, 0, 0];

    fn connection() -> (DuplexStream, Arc<Connection>, Prefaced<DuplexStream>) {
        let connection = Arc::new(Connection::new(SocketAddr::from(([127, 0, 0, 1], 1)), Vec::new()));
        let (client, stream) = duplex(4096);
        let stream = Prefaced::new(stream, &connection);
        (client, connection, stream)
    }

    #[tokio::test]
    async fn a_connection_has_begun_with_the_last_byte_of_its_settings() {
        let (mut client, connection, mut stream) = connection();
        let bytes = [CLIENT_PREFACE, CLIENT_SETTINGS].concat();
        client.write_all(&bytes).await.unwrap();
        for _ in 1..bytes.len() {
            stream.read_u8().await.unwrap();
            assert!(!connection.has_begun());
        }
        stream.read_u8().await.unwrap();
        assert!(connection.has_begun());
    }

    #[tokio::test(start_paused = true)]
    async fn the_round_trip_ends_where_the_client_acknowledges_however_its_bytes_are_cut() {
        // A frame with the flag of an acknowledgement that is none, as DATA that ends its stream is.
        let data: &[u8] = &[0, 0, 3, 0, ACK, 0, 0, 0, 1, 9, 9, 9];
        let before = [CLIENT_PREFACE, CLIENT_SETTINGS, data].concat();
        for size in [1, 2, 7, 100] {
            let (mut client, connection, mut stream) = connection();
            stream.write_all(b"ours").await.unwrap();
            stream.write_all(b"and later").await.unwrap();
            client.write_all(&before).await.unwrap();
            let mut read = vec![0; before.len()];
            for part in read.chunks_mut(size) {
                stream.read_exact(part).await.unwrap();
            }
            tokio::time::advance(Duration::from_millis(120)).await;
            assert_eq!(connection.round_trip(), Duration::ZERO, "nothing is known yet");
            client.write_all(ACKNOWLEDGED).await.unwrap();
            let mut read = vec![0; ACKNOWLEDGED.len()];
            for part in read.chunks_mut(size) {
                stream.read_exact(part).await.unwrap();
            }
            assert_eq!(connection.round_trip(), Duration::from_millis(120));
        }
    }
}
