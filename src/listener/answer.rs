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
use super::on_the_way::Leaves;
use super::watched::{Watched, WatchedByItself};

/// The body of an answer.
#[derive(Debug)]
pub(super) struct Answer<B> {
    body: B,
    call: Counted,
    /// Counts the answer until its first piece is taken, if that has not been made yet.
    waiting: Option<Counted>,
    watched: Option<Watched>,
}

impl<B> Answer<B> {
    /// Counts the answer of a call from now on.
    pub(super) fn new(mut response: Response<B>, call: Counted) -> Response<Self> {
        let (waiting, watched) = match response.extensions_mut().remove::<WatchedByItself>() {
            Some(by) => (None, Some(Watched::new(by, &call))),
            None => (Some(call.connection().answer()), None),
        };
        response.map(|body| Self { body, call, waiting, watched })
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Answer<B> {
    type Data = Piece;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let Self { body, call, waiting, watched } = self.get_mut();
        let frame = match watched {
            Some(watched) => {
                let frame = ready!(watched.poll_frame(body, cx));
                // It is asked for the next piece when the one before was taken.
                call.connection().piece_taken();
                frame
            }
            None => ready!(Pin::new(body).poll_frame(cx)),
        };
        let piece = |data| {
            let leaves = watched.as_ref().map(|watched| watched.leaves());
            Piece { data, _waiting: waiting.take(), _leaves: leaves }
        };
        Poll::Ready(frame.map(|frame| Ok(frame?.map_data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream() && self.watched.as_ref().is_none_or(|watched| !watched.has_end())
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
    _leaves: Option<Leaves>,
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
