//! The body of an answer, which tells its connection when the peer takes it.
//!
//! HTTP/2 holds an answer back while the peer's window is closed, which costs the peer nothing and the gateway the answer.
//! So each piece of an answer carries its count with it, and is counted as taken where it is dropped: when it was written,
//! or when its call or its connection is gone.

use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::Response;
use hyper::body::{Body, Frame, SizeHint};

use super::connection::Counted;

/// Says of an answer, as an extension of it, that it notices by itself when its caller takes nothing, as batch streams do.
#[derive(Debug, Clone, Copy)]
pub struct WatchedByItself;

/// The body of an answer.
#[derive(Debug)]
pub(super) struct Answer<B> {
    body: B,
    call: Counted,
    /// Counts the answer until its first piece is taken, if that has not been made yet.
    waiting: Option<Counted>,
    /// Counts an answer that watches over itself while it is open.
    watched_by_itself: Option<Counted>,
}

impl<B> Answer<B> {
    /// Counts the answer of a call from now on.
    pub(super) fn new(response: Response<B>, call: Counted) -> Response<Self> {
        let connection = call.connection();
        let (waiting, watched_by_itself) = if response.extensions().get::<WatchedByItself>().is_some() {
            (None, Some(connection.answer_watched_by_itself()))
        } else {
            (Some(connection.answer()), None)
        };
        response.map(|body| Self { body, call, waiting, watched_by_itself })
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Answer<B> {
    type Data = Piece;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if self.watched_by_itself.is_some() {
            // It is asked for the next piece when the one before was taken.
            self.call.connection().piece_taken();
        }
        Poll::Ready(
            frame.map(|frame| Ok(frame?.map_data(|data| Piece { data, _waiting: self.waiting.take() }))),
        )
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A piece of an answer.
#[derive(Debug)]
pub(super) struct Piece {
    data: Bytes,
    _waiting: Option<Counted>,
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.data.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.data.chunk()
    }

    fn chunks_vectored<'a>(&'a self, to: &mut [IoSlice<'a>]) -> usize {
        self.data.chunks_vectored(to)
    }

    fn advance(&mut self, count: usize) {
        self.data.advance(count);
    }
}
