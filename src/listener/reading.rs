//! Reads the body of a call over HTTP/1.1 without waking the connection that it has been read from.
//!
//! hyper wakes the task of a connection whenever a service takes a piece of a body, so that it reads the next piece. It does so for the
//! last piece as well, when nothing is left to read. Nearly every body has one piece, so each call would be polled once more from its
//! connection down to its push, in vain.
//!
//! Source: hyper 1.12, `src/body/chan.rs`: `poll_next` wakes the sender that `poll_ready` registered, also where it was dropped since.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use hyper::body::{Body, Frame};

thread_local! {
    static READING: Cell<Reading> = const { Cell::new(Reading::Nothing) };
}

/// What this thread reads at this moment.
#[derive(Default)]
enum Reading {
    #[default]
    Nothing,
    /// It takes a piece of a body, which has woken no connection so far.
    Piece,
    /// That piece would have woken this task of a connection.
    Woke(Waker),
}

/// A piece of a body, its end, or why there is none.
type Piece<B> = Option<Result<Frame<<B as Body>::Data>, <B as Body>::Error>>;

/// Takes the next piece of a body. Where it was the last one, the connection below [`Quiet`] is not woken for it.
pub(crate) fn poll_frame<B: Body + Unpin>(body: &mut B, cx: &mut Context<'_>) -> Poll<Piece<B>> {
    let reads = Reads::begin();
    let frame = Pin::new(&mut *body).poll_frame(cx);
    if let Some(task) = reads.end()
        && !body.is_end_stream()
    {
        task.wake();
    }
    frame
}

/// This thread takes a piece of a body. It is dropped even if that panics, as wakes would be lost otherwise.
struct Reads;

impl Reads {
    /// No piece is taken while another is, since hyper's bodies read nothing else.
    fn begin() -> Self {
        READING.set(Reading::Piece);
        Self
    }

    /// The task that would have been woken since.
    fn end(self) -> Option<Waker> {
        match READING.take() {
            Reading::Woke(task) => Some(task),
            Reading::Nothing | Reading::Piece => None,
        }
    }
}

impl Drop for Reads {
    fn drop(&mut self) {
        READING.set(Reading::Nothing);
    }
}

/// Polls a connection over HTTP/1.1, which [`poll_frame`] does not wake. Once hyper has handed over the last piece of a body whose length is
/// known, it waits for no room for another.
#[derive(Default)]
pub(super) struct Quiet {
    /// The waker of the task, and the one that the connection is polled with.
    wakers: Option<(Waker, Waker)>,
}

impl Quiet {
    pub(super) fn poll<F: Future>(
        &mut self,
        connection: Pin<&mut F>,
        cx: &mut Context<'_>,
    ) -> Poll<F::Output> {
        let wakers = self.wakers.take().filter(|(task, _)| task.will_wake(cx.waker()));
        let (_, own) = self.wakers.insert(wakers.unwrap_or_else(|| {
            let task = cx.waker().clone();
            (task.clone(), Waker::from(Arc::new(WakeUnlessReading(task))))
        }));
        connection.poll(&mut Context::from_waker(own))
    }
}

/// Wakes a task, unless this thread takes a piece of a body.
struct WakeUnlessReading(Waker);

impl Wake for WakeUnlessReading {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // A thread that ends reads nothing any more.
        match READING.try_with(Cell::take).unwrap_or_default() {
            Reading::Nothing => self.0.wake_by_ref(),
            Reading::Piece | Reading::Woke(_) => READING.set(Reading::Woke(self.0.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::poll_fn;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use bytes::Bytes;
    use futures_util::FutureExt;
    use http::{Request, Response};
    use http_body_util::Full;
    use hyper::body::Incoming;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Reads a whole body, after a look at what is there at once, and then never answers.
    async fn silent(
        request: Request<Incoming>,
        read: &AtomicUsize,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let mut body = request.into_body();
        let mut first = poll_fn(|cx| poll_frame(&mut body, cx)).now_or_never();
        loop {
            let frame = match first.take() {
                Some(frame) => frame,
                None => poll_fn(|cx| poll_frame(&mut body, cx)).await,
            };
            let Some(frame) = frame else { break };
            read.fetch_add(frame.unwrap().into_data().unwrap().len(), Ordering::Relaxed);
        }
        std::future::pending().await
    }

    #[tokio::test]
    async fn a_body_of_one_piece_wakes_nobody_and_any_other_is_read_to_its_end() {
        for (head, pieces, wakes) in [
            ("content-length: 4", &["body"][..], 0),
            ("content-length: 4", &["bo", "dy"], 1),
            ("transfer-encoding: chunked", &["4\r\nbody\r\n0\r\n\r\n"], 1),
            ("expect: 100-continue\r\ncontent-length: 4", &["", "body"], 1),
        ] {
            let (mut peer, stream) = duplex(1024);
            let read = AtomicUsize::new(0);
            let service = service_fn(|request| silent(request, &read));
            let mut connection =
                Box::pin(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            let (woken, mut quiet) = (Arc::new(Wakes::default()), Quiet::default());
            let waker = Waker::from(Arc::clone(&woken));
            let mut poll = || {
                woken.0.store(0, Ordering::Relaxed);
                assert!(quiet.poll(connection.as_mut(), &mut Context::from_waker(&waker)).is_pending());
                woken.0.load(Ordering::Relaxed)
            };
            peer.write_all(format!("POST / HTTP/1.1\r\nhost: a\r\n{head}\r\n\r\n").as_bytes()).await.unwrap();
            let mut last = 0;
            for piece in pieces {
                peer.write_all(piece.as_bytes()).await.unwrap();
                last = poll();
                let mut again = last;
                while again > 0 {
                    again = poll();
                }
            }
            assert_eq!((last, read.load(Ordering::Relaxed)), (wakes, 4), "{head}, {pieces:?}");
            let interim = peer.read_u8().now_or_never().map(Result::unwrap);
            assert_eq!(interim.is_some(), head.starts_with("expect"), "{head}");
        }
    }

    #[test]
    fn what_panics_while_it_is_read_loses_no_later_wakes() {
        struct Broken;
        impl Body for Broken {
            type Data = Bytes;
            type Error = Infallible;
            fn poll_frame(
                self: Pin<&mut Self>,
                _: &mut Context<'_>,
            ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
                panic!("as a poisoned lock would")
            }
        }
        let read = || poll_frame(&mut Broken, &mut Context::from_waker(Waker::noop())).is_ready();
        std::panic::catch_unwind(read).unwrap_err();
        let woken = Arc::new(Wakes::default());
        Waker::from(Arc::new(WakeUnlessReading(Waker::from(Arc::clone(&woken))))).wake();
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    }
}
