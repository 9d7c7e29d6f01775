//! One stream, from h2 to the whole answer, or to what is known without one.

use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use h2::client::ResponseFuture;
use h2::{Reason, RecvStream, SendStream};

use super::Streams;
use super::outbox::Sent;
use crate::cause::EndCause;
use crate::connection::Slot;
use crate::error::{NoAnswerCause, Unanswered, UnsentCause};
use crate::permit::Reply;
use crate::transport::Progress;

/// How an exchange ended without a reply.
#[derive(Debug)]
pub(super) enum Ended {
    Returned(UnsentCause),
    Unanswered(Unanswered),
    /// h2 gives the same error to a stream that was written and to one that was not.
    WithItsConnection,
}

/// A stage is as large as its largest, for as long as the stream is waited for: what only a body needs is boxed.
enum Stage {
    Head(ResponseFuture),
    Body(Box<(http::response::Parts, RecvStream, BytesMut)>),
}

/// A request that h2 has. Fields drop in this order: the stream is given up before its permit returns.
pub(super) struct Exchange {
    stage: Stage,
    upload: SendStream<Bytes>,
    pub(super) stream: u32,
    max_reply: usize,
    pub(super) streams: Arc<Streams>,
    pub(super) slot: Slot,
}

impl Exchange {
    pub(super) fn new(sent: Sent, max_reply: usize, streams: Arc<Streams>, slot: Slot) -> Self {
        let Sent { response, upload } = sent;
        let stream = response.stream_id().as_u32();
        Self { stage: Stage::Head(response), upload, stream, max_reply, streams, slot }
    }

    pub(super) fn poll_reply(&mut self, cx: &mut Context<'_>) -> Poll<Result<Reply, Ended>> {
        let ended = ready!(self.poll_stream(cx));
        if !matches!(ended, Err(Ended::WithItsConnection)) {
            self.streams.wire.settle(self.stream);
        }
        // Whether its caller still waits or not.
        if let Ok(reply) = &ended {
            self.slot.connection().answered(reply.status());
        }
        Poll::Ready(ended)
    }

    fn poll_stream(&mut self, cx: &mut Context<'_>) -> Poll<Result<Reply, Ended>> {
        loop {
            match &mut self.stage {
                Stage::Head(response) => match ready!(Pin::new(response).poll(cx)) {
                    Err(error) => return Poll::Ready(Err(before_headers(&error))),
                    Ok(reply) => {
                        let (head, stream) = reply.into_parts();
                        if stream.is_end_stream() {
                            return Poll::Ready(Ok(self.answered(head, Bytes::new())));
                        }
                        self.stage = Stage::Body(Box::new((head, stream, BytesMut::new())));
                    }
                },
                Stage::Body(begun) => {
                    let (head, stream, body) = begun.as_mut();
                    match ready!(stream.poll_data(cx)) {
                        Some(Ok(piece)) => {
                            if body.len() + piece.len() > self.max_reply {
                                return Poll::Ready(Err(self.after_headers(NoAnswerCause::Unreadable)));
                            }
                            body.extend_from_slice(&piece);
                            // Fails only where the stream has ended, and then there is nothing to release.
                            let _ = stream.flow_control().release_capacity(piece.len());
                        }
                        Some(Err(error)) => {
                            let cause = cause_after_headers(&error);
                            return Poll::Ready(Err(self.after_headers(cause)));
                        }
                        None => {
                            let head = mem::replace(head, empty_head());
                            let body = body.split().freeze();
                            return Poll::Ready(Ok(self.answered(head, body)));
                        }
                    }
                }
            }
        }
    }

    /// No answer came in time. A connection that has brought no good answer yet takes no other request: where it is
    /// the only one, each in turn would wait as long, whatever other addresses there are.
    pub(super) fn gave_up(&self) {
        if !self.slot.connection().is_proven() {
            self.slot.connection().retire(EndCause::AnswerTimeout);
        }
    }

    fn answered(&mut self, head: http::response::Parts, body: Bytes) -> Reply {
        // A whole answer before our whole request: h2 keeps the stream's place for ever, unless it is reset.
        // It must not be reset when all is sent: h2 would remember it as reset for a minute.
        if self.streams.wire.progress(self.stream) != Progress::Complete {
            self.upload.send_reset(Reason::CANCEL);
        }
        Reply::from_parts(head, body)
    }

    fn after_headers(&self, cause: NoAnswerCause) -> Ended {
        Ended::Unanswered(self.unanswered(cause))
    }

    /// With the head of the answer, where it came.
    pub(super) fn unanswered(&self, cause: NoAnswerCause) -> Unanswered {
        match &self.stage {
            Stage::Head(_) => Unanswered::without_head(cause),
            Stage::Body(begun) => Unanswered::after_head(&begun.0, cause),
        }
    }
}

fn empty_head() -> http::response::Parts {
    http::Response::new(()).into_parts().0
}

/// Without a head nothing was answered: GOAWAY above its last id and REFUSED_STREAM prove that nothing was
/// processed either. Source: RFC 9113, section 8.7.
fn before_headers(error: &h2::Error) -> Ended {
    if error.is_go_away() && error.is_remote() {
        return Ended::Returned(UnsentCause::GoAway);
    }
    if error.is_reset() {
        if error.is_remote() && error.reason() == Some(Reason::REFUSED_STREAM) {
            return Ended::Returned(UnsentCause::RefusedStream);
        }
        return Ended::Unanswered(Unanswered::without_head(cause_after_headers(error)));
    }
    Ended::WithItsConnection
}

fn cause_after_headers(error: &h2::Error) -> NoAnswerCause {
    match error.reason() {
        Some(reason) if error.is_reset() && error.is_remote() => NoAnswerCause::Reset(reason.into()),
        // Reset by our own h2: the answer was malformed.
        Some(_) if error.is_reset() => NoAnswerCause::Unreadable,
        Some(_) | None => NoAnswerCause::ConnectionLost,
    }
}
