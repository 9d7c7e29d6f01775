//! Answers that notice by themselves when their caller takes nothing, as batch streams do.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use hyper::body::{Body, Frame};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::calls;
use super::connection::Counted;
use super::on_the_way::{Leaves, OnTheWay};

/// Says of an answer, as an extension of it, that somebody watches over it.
#[derive(Debug, Clone)]
pub struct WatchedByItself {
    takes: watch::Sender<()>,
    given_up: CancellationToken,
}

/// Watches over an answer.
#[derive(Debug)]
pub struct AnswerWatch {
    taken: watch::Receiver<()>,
    given_up: CancellationToken,
}

/// There is nothing left to watch over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerGone;

impl WatchedByItself {
    /// What an answer is marked with, and what watches over it.
    #[must_use]
    pub fn new() -> (Self, AnswerWatch) {
        let (takes, taken) = watch::channel(());
        let given_up = CancellationToken::new();
        (Self { takes, given_up: given_up.clone() }, AnswerWatch { taken, given_up })
    }
}

impl AnswerWatch {
    /// Waits until the caller has taken something more.
    ///
    /// # Errors
    /// Fails once the answer is gone: the caller has taken all of it, or has left.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn taken(&mut self) -> Result<(), AnswerGone> {
        self.taken.changed().await.map_err(|_| AnswerGone)
    }

    /// Resets the call of the answer, and drops what its caller did not take.
    pub fn give_up(self) {
        self.given_up.cancel();
    }
}

/// What is known of an answer that is watched over.
#[derive(Debug)]
pub(super) struct Watched {
    takes: watch::Sender<()>,
    /// Counts it while it is open.
    _open: Counted,
    /// Its pieces that were not written yet.
    pieces: OnTheWay,
    /// The trailers at the end of the body, if it has any. They wait for those pieces: HTTP/2 takes them at once and then knows
    /// nothing more of the call, so that nobody could give up a call whose caller does not take the rest.
    end: Option<Option<HeaderMap>>,
}

impl Watched {
    /// Watches over the answer of the call whose task runs now.
    pub(super) fn new(by: WatchedByItself, call: &Counted) -> Self {
        calls::given_up_by(by.given_up);
        let open = call.connection().answer_watched_by_itself();
        Self { takes: by.takes, _open: open, pieces: OnTheWay::default(), end: None }
    }

    /// The next frame of the body. It is asked for when the caller has taken the one before.
    pub(super) fn poll_frame<B: Body<Data = Bytes> + Unpin>(
        &mut self,
        body: &mut B,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let frame = ready!(self.poll_after_pieces(body, cx));
        self.takes.send_replace(());
        Poll::Ready(frame)
    }

    fn poll_after_pieces<B: Body<Data = Bytes> + Unpin>(
        &mut self,
        body: &mut B,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if self.end.is_none() {
            match ready!(Pin::new(body).poll_frame(cx)).transpose()?.map(Frame::into_trailers) {
                Some(Err(data)) => return Poll::Ready(Some(Ok(data))),
                Some(Ok(trailers)) => self.end = Some(Some(trailers)),
                None => self.end = Some(None),
            }
        }
        ready!(self.pieces.poll_none(cx));
        Poll::Ready(self.end.take().flatten().map(|trailers| Ok(Frame::trailers(trailers))))
    }

    /// One more piece is on its way.
    pub(super) fn leaves(&self) -> Leaves {
        self.pieces.leaves()
    }

    /// Whether the end of the body has come and waits.
    pub(super) fn has_end(&self) -> bool {
        self.end.is_some()
    }
}
