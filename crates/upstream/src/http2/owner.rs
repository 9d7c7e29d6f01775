//! A request and its caller: from the outbox to the answer, and what becomes of it when the caller leaves.

use std::future::poll_fn;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep_until};

use super::exchange::{Ended, Exchange};
use super::orphan::Orphan;
use super::outbox::{QueuedRequest, Sent};
use super::{Http2, Streams};
use crate::cause::EndCause;
use crate::connection::Slot;
use crate::error::{NoAnswerCause, NoReply, Unanswered, UnsentCause};
use crate::in_flight::Share;
use crate::permit::{Limits, Reply};
use crate::transport::Progress;

/// How long a failed stream waits to hear that its connection has ended.
const END_OF_CONNECTION: Duration = Duration::from_secs(1);

/// Hands a request to the connection that `slot` stands for. Apart from the wait for its answer, so that the request
/// itself does not live as long.
///
/// Once h2 has the request the exchange belongs to the connection: where its owner is dropped, or its deadline
/// comes, the stream is left to be answered unseen. Before, the request is taken back.
pub(crate) fn begin<'a>(
    http2: &Http2,
    slot: Slot,
    head: http::Request<()>,
    body: Bytes,
    limits: Limits,
    share: &'a Share,
) -> Owner<'a> {
    let streams = Arc::clone(http2.streams());
    let request = QueuedRequest::new(head, body);
    streams.hand(request.clone());
    let waiting = Waiting { request, max_reply: limits.max_reply, streams, slot };
    Owner { at: At::Outbox(waiting), give_up: limits.give_up, share }
}

/// Takes the request back, or gives the exchange to the connection, when its caller leaves.
pub(crate) struct Owner<'a> {
    at: At,
    give_up: Instant,
    share: &'a Share,
}

/// Where a request is.
enum At {
    Outbox(Waiting),
    Stream(Exchange),
    Ended,
}

impl Owner<'_> {
    /// Waits for the answer. Polled to its end once.
    pub(crate) async fn reply(&mut self, deadline: Instant) -> Result<Reply, NoReply> {
        let until = deadline.min(self.give_up);
        let ended = tokio::select! {
            biased;
            ended = poll_fn(|cx| self.poll(cx)) => ended,
            () = sleep_until(until) => return Err(self.out_of_time(deadline)),
        };
        match ended {
            Ok(reply) => return Ok(reply),
            Err(Ended::Returned(how)) => return Err(NoReply::Returned(how)),
            Err(Ended::Unanswered(unanswered)) => return Err(NoReply::Unanswered(unanswered)),
            Err(Ended::WithItsConnection) => self.retire(EndCause::Lost),
        }
        let At::Stream(Exchange { streams, stream, .. }) = self.end() else {
            return Err(NoReply::Unanswered(Unanswered::without_head(NoAnswerCause::ConnectionLost)));
        };
        // Rare, and larger than the wait for the answer: boxed.
        Box::pin(connection_ended(streams, stream)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Reply, Ended>> {
        if let At::Outbox(waiting) = &self.at {
            match ready!(waiting.request.poll(cx)) {
                Ok(sent) => {
                    if let At::Outbox(waiting) = self.end() {
                        self.at = At::Stream(waiting.sent(sent));
                    }
                }
                Err(why) => {
                    // Before the permit returns.
                    waiting.slot.connection().retire(why);
                    self.end();
                    return Poll::Ready(Err(Ended::Returned(UnsentCause::NotTaken)));
                }
            }
        }
        let At::Stream(in_flight) = &mut self.at else {
            debug_assert!(false, "polled after its end");
            return Poll::Pending;
        };
        let ended = ready!(in_flight.poll_reply(cx));
        match &ended {
            // Its place matters until the connection has ended.
            Err(Ended::WithItsConnection) => {}
            Err(Ended::Returned(UnsentCause::GoAway)) => {
                // Before the permit returns: nobody else is to get this connection.
                in_flight.slot.connection().retire(EndCause::GoAway);
                self.end();
            }
            Ok(_) | Err(_) => {
                self.end();
            }
        }
        Poll::Ready(ended)
    }

    fn end(&mut self) -> At {
        mem::replace(&mut self.at, At::Ended)
    }

    fn retire(&self, why: EndCause) {
        if let At::Stream(in_flight) = &self.at {
            in_flight.slot.connection().retire(why);
        }
    }

    /// The caller's deadline leaves the stream to the connection; the answer timeout resets it.
    fn out_of_time(&mut self, deadline: Instant) -> NoReply {
        if self.take_back() {
            return NoReply::Returned(UnsentCause::NotTaken);
        }
        let cause =
            if deadline < self.give_up { NoAnswerCause::Deadline } else { NoAnswerCause::AnswerTimeout };
        let At::Stream(in_flight) = &self.at else {
            return NoReply::Unanswered(Unanswered::without_head(cause));
        };
        let unanswered = in_flight.unanswered(cause);
        if unanswered.cause == NoAnswerCause::AnswerTimeout {
            in_flight.gave_up();
            self.end();
        }
        NoReply::Unanswered(unanswered)
    }

    /// Where h2 has not got the request, it never will: whether that is so.
    fn take_back(&mut self) -> bool {
        if !matches!(self.at, At::Outbox(_)) {
            return false;
        }
        if let At::Outbox(waiting) = self.end()
            && let Some(sent) = waiting.request.withdraw()
        {
            self.at = At::Stream(waiting.sent(sent));
            return false;
        }
        true
    }
}

impl Drop for Owner<'_> {
    fn drop(&mut self) {
        self.take_back();
        if let At::Stream(in_flight) = self.end() {
            let streams = Arc::clone(&in_flight.streams);
            streams.adopt(Orphan::new(in_flight, self.give_up, self.share.orphan()));
        }
    }
}

/// A request that was handed over. Fields drop in this order.
struct Waiting {
    request: QueuedRequest,
    max_reply: usize,
    streams: Arc<Streams>,
    slot: Slot,
}

impl Waiting {
    /// h2 has it.
    fn sent(self, sent: Sent) -> Exchange {
        let Self { request: _, max_reply, streams, slot } = self;
        Exchange::new(sent, max_reply, streams, slot)
    }
}

/// The connection ended without a word about this stream: what the socket accepted decides.
async fn connection_ended(streams: Arc<Streams>, stream: u32) -> Result<Reply, NoReply> {
    // Final only once h2's connection has been dropped: until then it may still write.
    let mut ended = tokio::time::timeout(END_OF_CONNECTION, streams.closed()).await.is_ok();
    if !ended {
        // h2 writes before it closes, and a socket that is full would let it wait for ever.
        streams.connection.abort(EndCause::Unwritable);
        ended = tokio::time::timeout(END_OF_CONNECTION, streams.closed()).await.is_ok();
    }
    match streams.wire.progress(stream) {
        Progress::NotBegun | Progress::Incomplete if ended => Err(NoReply::Returned(UnsentCause::NotWritten)),
        Progress::NotBegun | Progress::Incomplete | Progress::Complete => {
            Err(NoReply::Unanswered(Unanswered::without_head(NoAnswerCause::ConnectionLost)))
        }
    }
}
