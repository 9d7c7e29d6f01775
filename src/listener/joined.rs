//! A stream below HTTP/1.1, to which small pieces are written as one.
//!
//! hyper hands over the head of an answer and its body as two pieces. The kernel takes a longer way for pieces than for one
//! buffer: about 0.17 µs of the 3.7 µs that a small answer costs over loopback, which is several times what joining them does.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How many bytes are joined at most: the head of an answer, and what is said to one push.
const MOST: usize = 512;

/// A stream to which small pieces are written as one.
pub(super) struct Joined<S>(S);

impl<S> Joined<S> {
    pub(super) fn new(stream: S) -> Self {
        Self(stream)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Joined<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Joined<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if pieces.iter().map(|piece| piece.len()).sum::<usize>() > MOST {
            return Pin::new(&mut self.0).poll_write_vectored(cx, pieces);
        }
        let mut joined = [0; MOST];
        let mut length = 0;
        for piece in pieces {
            joined[length..length + piece.len()].copy_from_slice(piece);
            length += piece.len();
        }
        Pin::new(&mut self.0).poll_write(cx, &joined[..length])
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt, duplex};

    use super::*;

    #[tokio::test]
    async fn pieces_are_written_in_their_order_and_counted_as_one_write_takes_them() {
        let (mut peer, stream) = duplex(10);
        let mut joined = Joined::new(stream);
        let pieces = [IoSlice::new(b"head "), IoSlice::new(b""), IoSlice::new(b"and body")];
        let taken = poll_fn(|cx| Pin::new(&mut joined).poll_write_vectored(cx, &pieces)).await.unwrap();
        drop(joined);
        let mut read = String::new();
        peer.read_to_string(&mut read).await.unwrap();
        assert_eq!((taken, read.as_str()), (10, "head and b"));
    }

    #[tokio::test]
    async fn what_is_large_arrives_whole() {
        let (mut peer, stream) = duplex(4 * MOST);
        let mut joined = Joined::new(stream);
        let large = vec![7; MOST];
        let pieces = [IoSlice::new(b"head"), IoSlice::new(&large)];
        let mut taken = 0;
        while taken < 4 + MOST {
            let mut rest = pieces;
            let mut rest = &mut rest[..];
            IoSlice::advance_slices(&mut rest, taken);
            taken += poll_fn(|cx| Pin::new(&mut joined).poll_write_vectored(cx, rest)).await.unwrap();
        }
        drop(joined);
        let mut read = Vec::new();
        peer.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, [&b"head"[..], &large].concat());
    }
}
