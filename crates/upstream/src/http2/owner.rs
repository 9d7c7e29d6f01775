//! A request and its caller: the way from the outbox to the answer, and what becomes of the request when the caller
//! leaves.

use std::future::poll_fn;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep_until};

use super::exchange::{Exchange, StreamEnd};
use super::orphan::Orphan;
use super::outbox::{OpenStream, QueuedRequest};
use super::sender::Http2Sender;
use super::streams::Streams;
use crate::cause::EndCause;
use crate::connection::Slot;
use crate::error::{NoAnswerCause, NoReply, Unanswered, UnsentCause};
use crate::in_flight::Share;
use crate::request::{ExchangeLimits, Reply};
use crate::transport::Progress;

/// How long a failed stream waits to hear that its connection has ended.
const END_OF_CONNECTION: Duration = Duration::from_secs(1);

/// Hands a request to the connection that `slot` stands for. The wait for the answer is apart from this
/// ([`Owner::reply`]), so that the request itself is not kept for as long as the answer is waited for.
pub(crate) fn begin<'a>(
    sender: &Http2Sender,
    slot: Slot,
    head: http::Request<()>,
    body: Bytes,
    limits: ExchangeLimits,
    share: &'a Share,
) -> Owner<'a> {
    let streams = Arc::clone(sender.streams());
    let request = QueuedRequest::new(head, body);
    streams.hand_over(request.clone());
    let in_outbox = InOutbox { request, max_reply: limits.max_reply, slot };
    Owner { state: RequestState::Outbox(in_outbox), streams, give_up: limits.give_up, share }
}

/// A caller's hold on its request. When it is dropped, it takes the request back, or gives the exchange to the
/// connection.
pub(crate) struct Owner<'a> {
    state: RequestState,
    streams: Arc<Streams>,
    give_up: Instant,
    share: &'a Share,
}

/// The life of a request on one connection.
///
/// ```text
/// (begin)
///    │ handed over
///    ▼             caller leaves, deadline, or h2 does not take it: provably unsent
/// Outbox ───────────────────────────────────────────────────────────────────────► Ended
///    │ h2 has it                                                                    ▲
///    ▼             answered, refused, reset, lost, or reset at the answer timeout   │
/// Stream ───────────────────────────────────────────────────────────────────────────┤
///    │ caller leaves, or its deadline comes                                         │
///    ▼             answered unseen, lost, or reset at the answer timeout            │
/// Orphan ───────────────────────────────────────────────────────────────────────────┘
/// ```
/// In the outbox the request is its caller's, who may take it back. Once h2 has it, the exchange belongs to the
/// connection: no stream is reset because a caller left, and an [`Orphan`] is read to its end by the connection's task.
/// A request may also prove to be unsent in `Stream`, by REFUSED_STREAM, by a GOAWAY, or by what the socket took.
enum RequestState {
    Outbox(InOutbox),
    Stream(Exchange),
    Ended,
}

impl Owner<'_> {
    /// Waits for the answer. It may be called once.
    pub(crate) async fn reply(&mut self, deadline: Instant) -> Result<Reply, NoReply> {
        let until = deadline.min(self.give_up);
        let ended = tokio::select! {
            biased;
            ended = poll_fn(|cx| self.poll(cx)) => ended,
            () = sleep_until(until) => return Err(self.out_of_time(deadline)),
        };
        match ended {
            Ok(reply) => return Ok(reply),
            Err(StreamEnd::Unsent(cause)) => return Err(NoReply::Unsent(cause)),
            Err(StreamEnd::Unanswered(unanswered)) => return Err(NoReply::Unanswered(unanswered)),
            Err(StreamEnd::WithItsConnection) => self.retire(EndCause::Lost),
        }
        let RequestState::Stream(Exchange { stream, .. }) = self.end() else {
            return Err(NoReply::Unanswered(Unanswered::without_head(NoAnswerCause::ConnectionLost)));
        };
        // This wait is boxed because it is rare, and larger than the wait for an answer.
        Box::pin(connection_ended(&self.streams, stream)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Reply, StreamEnd>> {
        if let RequestState::Outbox(in_outbox) = &self.state {
            match ready!(in_outbox.request.poll(cx)) {
                Ok(open) => {
                    if let RequestState::Outbox(in_outbox) = self.end() {
                        self.state = RequestState::Stream(in_outbox.sent(open));
                    }
                }
                Err(why) => {
                    // The connection is retired before the permit returns, so that nobody else gets it.
                    in_outbox.slot.connection().retire(why);
                    self.end();
                    return Poll::Ready(Err(StreamEnd::Unsent(UnsentCause::NotTaken)));
                }
            }
        }
        let RequestState::Stream(exchange) = &mut self.state else {
            debug_assert!(false, "polled after its end");
            return Poll::Pending;
        };
        let ended = ready!(exchange.poll_reply(cx, &self.streams.wire));
        match &ended {
            // The permit is kept until the connection was retired, so that nobody else gets it.
            Err(StreamEnd::WithItsConnection) => {}
            Err(StreamEnd::Unsent(UnsentCause::GoAway)) => {
                // The connection is retired before the permit returns, so that nobody else gets it.
                exchange.slot.connection().retire(EndCause::GoAway);
                self.end();
            }
            Ok(_) | Err(_) => {
                self.end();
            }
        }
        Poll::Ready(ended)
    }

    fn end(&mut self) -> RequestState {
        mem::replace(&mut self.state, RequestState::Ended)
    }

    fn retire(&self, why: EndCause) {
        if let RequestState::Stream(exchange) = &self.state {
            exchange.slot.connection().retire(why);
        }
    }

    /// What becomes of the request when its time is up: the caller's deadline leaves the stream to the connection, and
    /// the answer timeout resets it.
    fn out_of_time(&mut self, deadline: Instant) -> NoReply {
        if self.take_back() {
            return NoReply::Unsent(UnsentCause::NotTaken);
        }
        let cause =
            if deadline < self.give_up { NoAnswerCause::Deadline } else { NoAnswerCause::AnswerTimeout };
        let RequestState::Stream(exchange) = &self.state else {
            return NoReply::Unanswered(Unanswered::without_head(cause));
        };
        let unanswered = exchange.unanswered(cause);
        if unanswered.cause == NoAnswerCause::AnswerTimeout {
            exchange.gave_up();
            self.end();
        }
        NoReply::Unanswered(unanswered)
    }

    /// Takes the request back, unless h2 has it. Returns whether the request was taken back, so h2 never gets it.
    fn take_back(&mut self) -> bool {
        if !matches!(self.state, RequestState::Outbox(_)) {
            return false;
        }
        if let RequestState::Outbox(in_outbox) = self.end()
            && let Some(open) = in_outbox.request.withdraw()
        {
            self.state = RequestState::Stream(in_outbox.sent(open));
            return false;
        }
        true
    }
}

impl Drop for Owner<'_> {
    fn drop(&mut self) {
        self.take_back();
        if let RequestState::Stream(exchange) = self.end() {
            let wire = Arc::clone(&self.streams.wire);
            self.streams.adopt(Orphan::new(exchange, wire, self.give_up, self.share.orphan()));
        }
    }
}

/// A request that was handed over and that h2 may not have yet. The fields drop in this order, so that the request is
/// gone before its permit returns.
struct InOutbox {
    request: QueuedRequest,
    max_reply: usize,
    slot: Slot,
}

impl InOutbox {
    /// h2 has the request, on this stream.
    fn sent(self, open: OpenStream) -> Exchange {
        let Self { request: _, max_reply, slot } = self;
        Exchange::new(open, max_reply, slot)
    }
}

/// Tells an unsent request from an unanswered one when its connection ended without a word about its stream. What the
/// socket took decides.
async fn connection_ended(streams: &Streams, stream: u32) -> Result<Reply, NoReply> {
    // What was written is final only once h2's connection has been dropped. Until then it may still write.
    let mut ended = tokio::time::timeout(END_OF_CONNECTION, streams.closed()).await.is_ok();
    if !ended {
        // h2 writes before it closes, and would wait for ever for a socket that stays full.
        streams.connection.abort(EndCause::Unwritable);
        ended = tokio::time::timeout(END_OF_CONNECTION, streams.closed()).await.is_ok();
    }
    match streams.wire.progress(stream) {
        Progress::NotBegun | Progress::Incomplete if ended => Err(NoReply::Unsent(UnsentCause::NotWritten)),
        Progress::NotBegun | Progress::Incomplete | Progress::Complete => {
            Err(NoReply::Unanswered(Unanswered::without_head(NoAnswerCause::ConnectionLost)))
        }
    }
}
