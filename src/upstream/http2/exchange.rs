//! One stream, from the request to the whole answer, or to what is known without one.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use h2::client::ResponseFuture;
use h2::{Reason, RecvStream, SendStream};
use tokio::time::{Instant, sleep_until};

use super::orphan::Orphan;
use super::{Http2, Streams};
use crate::transport::Progress;
use crate::upstream::cause::Ending;
use crate::upstream::connection::Slot;
use crate::upstream::error::{Lost, NoReply, Return, Unanswered};
use crate::upstream::in_flight::Share;
use crate::upstream::permit::{Limits, Reply};

/// How long a failed stream waits to hear that its connection has ended.
const END_OF_CONNECTION: Duration = Duration::from_secs(1);

/// Sends a request on the stream that `slot` stands for. Apart from the wait for its answer, so that the request
/// itself does not live as long.
///
/// Once h2 has the request the exchange belongs to the connection: where its owner is dropped, or its deadline
/// comes, the stream is left to be answered unseen. None where h2 did not take it.
pub(in crate::upstream) fn begin(
    mut http2: Http2,
    slot: Slot,
    head: http::Request<()>,
    body: Bytes,
    limits: Limits,
    share: &Share,
) -> Option<Owner<'_>> {
    let (response, mut upload) = match http2.sender.send_request(head, body.is_empty()) {
        Ok(stream) => stream,
        Err(error) => {
            slot.retire(if error.is_go_away() { Ending::GoAway } else { Ending::NotTaken });
            return None;
        }
    };
    let stream = response.stream_id().as_u32();
    // A failure shows in the response, with its reason; here it would have none.
    let _ = if body.is_empty() { Ok(()) } else { upload.send_data(body, true) };
    // The sender ends here: kept, it would keep a connection that drains.
    let Http2 { streams, sender: _ } = http2;
    let (stage, max_reply) = (Stage::Head(response), limits.max_reply);
    let in_flight = Some(Exchange { stage, upload, stream, max_reply, status: None, streams, slot });
    Some(Owner { in_flight, give_up: limits.give_up, share })
}

/// The connection ended without a word about this stream: what the socket accepted decides.
async fn connection_ended(streams: Arc<Streams>, stream: u32) -> Result<Reply, NoReply> {
    // Final only once h2's connection has been dropped: until then it may still write.
    let mut ended = tokio::time::timeout(END_OF_CONNECTION, streams.closed()).await.is_ok();
    if !ended {
        // h2 writes before it closes, and a socket that is full would let it wait for ever.
        streams.connection.abort(Ending::Unwritable);
        ended = tokio::time::timeout(END_OF_CONNECTION, streams.closed()).await.is_ok();
    }
    match streams.wire.progress(stream) {
        Progress::NotBegun | Progress::Incomplete if ended => Err(NoReply::Returned(Return::NotWritten)),
        Progress::NotBegun | Progress::Incomplete | Progress::Complete => {
            Err(NoReply::Unanswered(Unanswered { status: None, cause: Lost::ConnectionLost }))
        }
    }
}

/// Gives the exchange to the connection when its caller leaves.
pub(in crate::upstream) struct Owner<'a> {
    in_flight: Option<Exchange>,
    give_up: Instant,
    share: &'a Share,
}

impl Owner<'_> {
    /// Waits for the answer. Polled to its end once.
    pub(in crate::upstream) async fn reply(&mut self, deadline: Instant) -> Result<Reply, NoReply> {
        let until = deadline.min(self.give_up);
        let ended = tokio::select! {
            biased;
            ended = poll_fn(|cx| self.poll(cx)) => ended,
            () = sleep_until(until) => {
                return Err(NoReply::Unanswered(self.out_of_time(deadline)));
            }
        };
        match ended {
            Ok(reply) => return Ok(reply),
            Err(Ended::Returned(how)) => return Err(NoReply::Returned(how)),
            Err(Ended::Unanswered(unanswered)) => return Err(NoReply::Unanswered(unanswered)),
            Err(Ended::WithItsConnection) => self.retire(Ending::Lost),
        }
        let Some(Exchange { streams, stream, .. }) = self.in_flight.take() else {
            return Err(NoReply::Unanswered(Unanswered { status: None, cause: Lost::ConnectionLost }));
        };
        // Rare, and larger than the wait for the answer: boxed.
        Box::pin(connection_ended(streams, stream)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Reply, Ended>> {
        let Some(in_flight) = &mut self.in_flight else {
            debug_assert!(false, "polled after its end");
            return Poll::Pending;
        };
        let ended = ready!(in_flight.poll_reply(cx));
        match &ended {
            // Its place matters until the connection has ended.
            Err(Ended::WithItsConnection) => {}
            Err(Ended::Returned(Return::GoAway)) => {
                // Before the permit returns: nobody else is to get this connection.
                in_flight.slot.retire(Ending::GoAway);
                self.in_flight = None;
            }
            Ok(_) | Err(_) => self.in_flight = None,
        }
        Poll::Ready(ended)
    }

    fn retire(&self, why: Ending) {
        if let Some(in_flight) = &self.in_flight {
            in_flight.slot.retire(why);
        }
    }

    /// The caller's deadline leaves the stream to the connection; the answer timeout resets it.
    fn out_of_time(&mut self, deadline: Instant) -> Unanswered {
        let status = self.in_flight.as_ref().and_then(|in_flight| in_flight.status);
        if deadline < self.give_up {
            return Unanswered { status, cause: Lost::Deadline };
        }
        if let Some(in_flight) = self.in_flight.take() {
            in_flight.gave_up();
        }
        Unanswered { status, cause: Lost::AnswerTimeout }
    }
}

impl Drop for Owner<'_> {
    fn drop(&mut self) {
        if let Some(in_flight) = self.in_flight.take() {
            let streams = Arc::clone(&in_flight.streams);
            streams.adopt(Orphan::new(in_flight, self.give_up, self.share.orphan()));
        }
    }
}

/// How an exchange ended without a reply.
#[derive(Debug)]
pub(super) enum Ended {
    Returned(Return),
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
    stream: u32,
    max_reply: usize,
    /// Of the answer, once its head came.
    status: Option<u16>,
    streams: Arc<Streams>,
    slot: Slot,
}

impl Exchange {
    pub(super) fn poll_reply(&mut self, cx: &mut Context<'_>) -> Poll<Result<Reply, Ended>> {
        let ended = ready!(self.poll_stream(cx));
        if !matches!(ended, Err(Ended::WithItsConnection)) {
            self.streams.wire.settle(self.stream);
        }
        // Whether its caller still waits or not.
        if let Ok(reply) = &ended {
            self.slot.answered(reply.status());
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
                        self.status = Some(head.status.as_u16());
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
                                return Poll::Ready(Err(self.after_headers(Lost::Unreadable)));
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
                            let head = std::mem::replace(head, empty_head());
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
            self.slot.retire(Ending::AnswerTimeout);
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

    fn after_headers(&self, cause: Lost) -> Ended {
        Ended::Unanswered(Unanswered { status: self.status, cause })
    }
}

fn empty_head() -> http::response::Parts {
    http::Response::new(()).into_parts().0
}

/// Without a head nothing was answered: GOAWAY above its last id and REFUSED_STREAM prove that nothing was
/// processed either. Source: RFC 9113, section 8.7.
fn before_headers(error: &h2::Error) -> Ended {
    if error.is_go_away() && error.is_remote() {
        return Ended::Returned(Return::GoAway);
    }
    if error.is_reset() {
        if error.is_remote() && error.reason() == Some(Reason::REFUSED_STREAM) {
            return Ended::Returned(Return::RefusedStream);
        }
        return Ended::Unanswered(Unanswered { status: None, cause: cause_after_headers(error) });
    }
    Ended::WithItsConnection
}

fn cause_after_headers(error: &h2::Error) -> Lost {
    match error.reason() {
        Some(reason) if error.is_reset() && error.is_remote() => Lost::Reset(reason.into()),
        // Reset by our own h2: the answer was malformed.
        Some(_) if error.is_reset() => Lost::Unreadable,
        Some(_) | None => Lost::ConnectionLost,
    }
}
