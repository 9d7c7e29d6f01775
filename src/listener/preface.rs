//! Sees when a client has begun its HTTP/2: hyper reads a preface as long as it takes, and does not tell when it has come.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connection::Connection;

/// How many bytes the connection preface has, before its SETTINGS. Source: RFC 9113, section 3.4.
const PREFACE: u64 = 24;

/// How many bytes the header of a frame has, the first three of which are the length of what follows. Source: RFC 9113,
/// section 4.1.
const FRAME_HEADER: u64 = 9;
const FRAME_LENGTH: u64 = 3;

/// A stream below HTTP/2 which tells its connection when the preface and the client's SETTINGS were read. Whether they are
/// good, HTTP/2 finds out.
pub(super) struct Prefaced<S> {
    stream: S,
    connection: Arc<Connection>,
    /// How many bytes were read, until the connection has begun.
    read: u64,
    settings: u64,
    begun: bool,
}

impl<S> Prefaced<S> {
    pub(super) fn new(stream: S, connection: &Arc<Connection>) -> Self {
        Self { stream, connection: Arc::clone(connection), read: 0, settings: 0, begun: false }
    }

    fn look(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if (PREFACE..PREFACE + FRAME_LENGTH).contains(&self.read) {
                self.settings = self.settings << 8 | u64::from(*byte);
            }
            self.read += 1;
        }
        let head = PREFACE + FRAME_HEADER;
        if self.read >= head && self.read - head >= self.settings {
            self.begun = true;
            self.connection.begins();
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
        if !self.begun {
            self.look(buf.filled().get(before..).unwrap_or_default());
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Prefaced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
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

    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn a_connection_has_begun_with_the_last_byte_of_its_settings() {
        let connection = Arc::new(Connection::new(SocketAddr::from(([127, 0, 0, 1], 1)), Vec::new()));
        let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x06\x04\x00\x00\x00\x00\x00".to_vec();
        bytes.extend([0, 4, 0, 0, 255, 255]);
        let mut stream = Prefaced::new(tokio::io::join(&*bytes, tokio::io::sink()), &connection);
        for _ in 1..bytes.len() {
            stream.read_u8().await.unwrap();
            assert!(!connection.has_begun());
        }
        stream.read_u8().await.unwrap();
        assert!(connection.has_begun());
    }
}
