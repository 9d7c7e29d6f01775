//! The lingering close: a connection ends so that its peer can read all that was written to it.
//!
//! Where a socket is closed while bytes of its peer are unread, or such bytes come afterwards, the kernel answers with a reset.
//! What had not left by then never does, and a peer that meets the reset while it writes may give up what it has not read yet.
//! Peers do write then: HTTP/2 makes room for the next answer by WINDOW_UPDATE, and acknowledges PING and SETTINGS. So the gateway
//! ends its own direction first, reads until its peer has done the same, and closes the socket then. Source: RFC 9112,
//! section 9.6, which tells this of HTTP/1.1.
//!
//! HTTP has ended by then, and everything that it held is free. The connection counts as one for as long as it has its socket.

use std::io;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use fanfare_upstream::transport::Io;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf, copy, empty, sink};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// How long a peer may take to end its direction. It takes a round trip, or a retransmission where a packet is lost. A peer
/// that never does it holds its socket for so long, and a drain at its end. Source: Apache httpd, `SECONDS_TO_LINGER`.
const LINGER: Duration = Duration::from_secs(2);

/// Lends a stream to HTTP, which keeps it for as long as it goes on.
pub(super) fn lend(stream: Box<dyn Io>) -> (Lent, Returned) {
    let (back, returned) = oneshot::channel();
    (Lent { stream, back: Some(back) }, Returned(returned))
}

/// A stream that is given back when it is dropped.
pub(super) struct Lent {
    stream: Box<dyn Io>,
    back: Option<oneshot::Sender<Box<dyn Io>>>,
}

/// Where a stream comes back.
pub(super) struct Returned(oneshot::Receiver<Box<dyn Io>>);

impl Returned {
    /// Ends the connection once HTTP has dropped its stream.
    pub(super) async fn close(self) {
        if let Ok(stream) = self.0.await {
            close(stream).await;
        }
    }
}

/// Ends a connection on which nothing more is to be said.
pub(super) async fn close(mut stream: Box<dyn Io>) {
    let both_ends = async {
        stream.shutdown().await?;
        copy(&mut stream, &mut sink()).await
    };
    // A peer that has reset the connection reads nothing more, and there is nothing left to do for it.
    let _ = timeout(LINGER, both_ends).await;
}

impl Drop for Lent {
    fn drop(&mut self) {
        let stream = mem::replace(&mut self.stream, Box::new(empty()));
        if let Some(back) = self.back.take() {
            // Where nobody waits for it, the task of the connection was aborted, and the socket is closed at once.
            let _ = back.send(stream);
        }
    }
}

impl AsyncRead for Lent {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Lent {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
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
    use tokio::io::{AsyncReadExt, duplex};
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_ends_with_the_direction_of_the_peer_whatever_comes_before() {
        let (mut peer, stream) = duplex(16);
        let (mut lent, returned) = lend(Box::new(stream));
        lent.write_all(b"the last answer").await.unwrap();
        let begun = Instant::now();
        let of_peer = async {
            peer.write_all(&[0; 1000]).await.unwrap();
            let mut read = String::new();
            peer.read_to_string(&mut read).await.unwrap();
            assert_eq!(read, "the last answer");
            tokio::time::sleep(LINGER / 2).await;
            peer.shutdown().await.unwrap();
        };
        let http = async { drop(lent) };
        tokio::join!(http, returned.close(), of_peer);
        assert_eq!(begun.elapsed(), LINGER / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_goes_on_and_on_is_left() {
        let (mut peer, stream) = duplex(16);
        let begun = Instant::now();
        tokio::select! {
            () = close(Box::new(stream)) => {}
            () = async { while peer.write_all(b"on and on").await.is_ok() { tokio::time::sleep(LINGER / 100).await } } => {}
        }
        assert_eq!(begun.elapsed(), LINGER);
        assert!(peer.write_all(b"on").await.is_err());
    }
}
