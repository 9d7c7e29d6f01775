//! One stream: from the request that h2 has to the whole answer, or to what is known without one.

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use h2::client::ResponseFuture;
use h2::{Reason, RecvStream, SendStream};

use super::outbox::OpenStream;
use crate::cause::EndCause;
use crate::connection::Slot;
use crate::error::{Head, NoAnswerCause, Unanswered, UnsentCause};
use crate::http_types::from_http;
use crate::request::Reply;
use crate::transport::{Progress, Wire};

/// How a stream ended without a whole answer.
#[derive(Debug)]
pub(super) enum StreamEnd {
    /// The peer provably did not process the request.
    Unsent(UnsentCause),
    /// The peer may have processed the request.
    Unanswered(Unanswered),
    /// The connection failed. h2 gives the same error to a request that was written and to one that was not, so
    /// only what the socket took can tell them apart.
    WithItsConnection,
}

/// How much of the answer is there. What only a body needs is boxed, since every stream that waits for its head would
/// hold room for it otherwise.
enum Stage {
    /// The head is waited for.
    Head(ResponseFuture),
    /// The head is there, and the body is being read.
    Body(Box<(Head, RecvStream, BytesMut)>),
}

/// A request that h2 has. The fields drop in this order, so that the stream is given up before its permit returns.
pub(super) struct Exchange {
    stage: Stage,
    upload: SendStream<Bytes>,
    /// The id of the stream.
    pub(super) stream: u32,
    max_reply: usize,
    pub(super) slot: Slot,
}

impl Exchange {
    pub(super) fn new(open: OpenStream, max_reply: usize, slot: Slot) -> Self {
        let OpenStream { response, upload } = open;
        let stream = response.stream_id().as_u32();
        Self { stage: Stage::Head(response), upload, stream, max_reply, slot }
    }

    /// Waits for the whole answer. `wire` is the one of the stream's connection.
    pub(super) fn poll_reply(&mut self, cx: &mut Context<'_>, wire: &Wire) -> Poll<Result<Reply, StreamEnd>> {
        let ended = ready!(self.poll_stream(cx, wire));
        if !matches!(ended, Err(StreamEnd::WithItsConnection)) {
            wire.settle(self.stream);
        }
        // A good answer proves the connection, whether the caller still waits for it or not.
        if let Ok(reply) = &ended {
            self.slot.connection().answered(reply.status);
        }
        Poll::Ready(ended)
    }

    fn poll_stream(&mut self, cx: &mut Context<'_>, wire: &Wire) -> Poll<Result<Reply, StreamEnd>> {
        loop {
            match &mut self.stage {
                Stage::Head(response) => match ready!(Pin::new(response).poll(cx)) {
                    Err(error) => return Poll::Ready(Err(before_headers(&error))),
                    Ok(reply) => {
                        let (parts, stream) = reply.into_parts();
                        let Ok(head) = from_http(&parts) else {
                            return Poll::Ready(Err(self.after_headers(NoAnswerCause::Unreadable)));
                        };
                        if stream.is_end_stream() {
                            return Poll::Ready(Ok(self.answered(wire, head, Bytes::new())));
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
                            // This fails only if the stream has ended, and then there is nothing to release.
                            let _ = stream.flow_control().release_capacity(piece.len());
                        }
                        Some(Err(error)) => {
                            let cause = cause_after_headers(&error);
                            return Poll::Ready(Err(self.after_headers(cause)));
                        }
                        None => {
                            let head = mem::take(head);
                            let body = body.split().freeze();
                            return Poll::Ready(Ok(self.answered(wire, head, body)));
                        }
                    }
                }
            }
        }
    }

    /// No answer came in time. A connection that has brought no good answer yet takes no other request: if it is the
    /// only one, each request in turn would wait as long, whatever other addresses the peer has.
    pub(super) fn gave_up(&self) {
        if !self.slot.connection().is_proven() {
            self.slot.connection().retire(EndCause::AnswerTimeout);
        }
    }

    fn answered(&mut self, wire: &Wire, Head { status, fields }: Head, body: Bytes) -> Reply {
        // If the whole answer came before the whole request was sent, h2 keeps the stream's place for ever, unless it
        // is reset. A stream of which all was sent must not be reset: h2 would remember it as reset for a minute.
        if wire.progress(self.stream) != Progress::Complete {
            self.upload.send_reset(Reason::CANCEL);
        }
        Reply { status, fields, body }
    }

    fn after_headers(&self, cause: NoAnswerCause) -> StreamEnd {
        StreamEnd::Unanswered(self.unanswered(cause))
    }

    /// The request is unanswered for this cause; the head of the answer is kept, if it came.
    pub(super) fn unanswered(&self, cause: NoAnswerCause) -> Unanswered {
        match &self.stage {
            Stage::Head(_) => Unanswered::without_head(cause),
            Stage::Body(begun) => Unanswered::after_head(begun.0.clone(), cause),
        }
    }
}

/// What an error means before the head of an answer. Then a GOAWAY whose last id is below the stream, and
/// REFUSED_STREAM, prove that the request was not processed. Source: RFC 9113, section 8.7.
fn before_headers(error: &h2::Error) -> StreamEnd {
    if error.is_go_away() && error.is_remote() {
        return StreamEnd::Unsent(UnsentCause::GoAway);
    }
    if error.is_reset() {
        if error.is_remote() && error.reason() == Some(Reason::REFUSED_STREAM) {
            return StreamEnd::Unsent(UnsentCause::RefusedStream);
        }
        return StreamEnd::Unanswered(Unanswered::without_head(cause_after_headers(error)));
    }
    StreamEnd::WithItsConnection
}

fn cause_after_headers(error: &h2::Error) -> NoAnswerCause {
    match error.reason() {
        Some(reason) if error.is_reset() && error.is_remote() => NoAnswerCause::Reset(reason.into()),
        // Our own h2 resets a stream whose answer is malformed.
        Some(_) if error.is_reset() => NoAnswerCause::Unreadable,
        Some(_) | None => NoAnswerCause::ConnectionLost,
    }
}
