//! The right to send one request: its answer, and the resending of a request that provably was not sent.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::cause::EndCause;
use crate::connection::{Connection, HeldProbe};
use crate::core::{ConnectionEvent, Seniority};
use crate::error::{NoReply, Unsent, UnsentCause, UpstreamError};
use crate::failure::Symptom;
use crate::flow::Flow;
use crate::in_flight::Share;
use crate::network::BoxFuture;
use crate::observe::Report;
use crate::opening::{Granted, RequestSender};
use crate::pool::Pool;
use crate::request::{ExchangeLimits, Reply, Request};
use crate::settings::UpstreamSettings;
use crate::{http1, http2};

/// The right to one stream of a connection, which is kept free for it. A permit that is dropped gives the stream back.
pub struct Permit {
    granted: Granted,
    pool: Arc<Pool>,
    flow: Flow,
    deadline: Instant,
}

/// A whole answer, and the connection that it came on.
///
/// The pool does not judge it: an answer with the status 500 is an answer. The caller knows what it means, and may say
/// by [`retire_connection`](Self::retire_connection) that the next request should go elsewhere.
pub struct Answer {
    /// What the peer answered.
    pub reply: Reply,
    connection: Arc<Connection>,
    /// The right to probe is kept until the caller has judged the answer.
    _probe: Option<HeldProbe>,
}

impl Answer {
    /// Whether the connection has brought a good answer, which is any but 401, 403 and 5xx. One that has not may be as good
    /// as its peer lets any connection be.
    #[must_use]
    pub fn is_of_proven_connection(&self) -> bool {
        self.connection.is_proven()
    }

    /// Lets the connection take no new requests. The requests that it has are still answered, and then it closes.
    pub fn retire_connection(&self) {
        self.connection.retire(EndCause::Retired);
    }

    /// The answer, a 5xx, says that the peer is ill, which counts as a failure of it: enough of them open its breaker.
    /// `asked` is how long the peer asks to be left alone.
    pub fn failed(&self, asked: Option<Duration>) {
        let symptom = Symptom::Status(self.reply.status.as_u16());
        self.connection.tell(ConnectionEvent::Failed(symptom, asked));
    }

    /// The answer, a 5xx, says nothing against the peer: it concerns this request, or one of many who share the peer.
    /// Of any other answer this need not be said.
    pub fn succeeded(&self) {
        self.connection.well(1);
    }
}

impl Permit {
    pub(crate) fn new(granted: Granted, pool: Arc<Pool>, flow: Flow, deadline: Instant) -> Self {
        Self { granted, pool, flow, deadline }
    }

    /// When the stream was granted.
    #[must_use]
    pub fn granted_at(&self) -> Instant {
        self.granted.at
    }

    /// Sends a request and reads the whole answer. A request that the peer provably did not process is sent again, on
    /// another stream, until the deadline that the permit was asked for with.
    ///
    /// The request is not kept while its answer is waited for, since thousands may wait. If it has to be sent again,
    /// `again` makes it once more; `None` says that it cannot be made again, and leaves it unsent.
    ///
    /// `share` is the request's place in its group's limit. When the caller leaves, the request goes on counting there
    /// until its end.
    ///
    /// # Errors
    /// [`UpstreamError::Unsent`] proves that the peer did not process the request. It was given back, and then no stream
    /// came in time, it had been sent again [`UpstreamSettings::max_resends`] times, or `again` made no other.
    /// [`UpstreamError::Unanswered`] says that the request was sent, and that nobody knows what the peer did with it.
    ///
    /// # Cancel safety
    /// If the future is dropped while an HTTP/2 request still waits for the task of its connection, the request is taken
    /// back and never sent. Else the request may be sent and nothing is reset: the connection reads the answer, which
    /// nobody sees.
    pub fn exchange<'a>(
        self,
        request: Request,
        again: impl Fn() -> Option<Request> + Send + 'a,
        share: &'a Share,
    ) -> impl Future<Output = Result<Answer, UpstreamError>> + Send + 'a {
        let Self { granted, pool, flow, deadline } = self;
        // The request is handed over outside of the future, which would hold it for as long as the answer is waited
        // for.
        let (mut connection, mut ongoing, mut probe) = begin(&pool, granted, request, deadline, share);
        async move {
            let mut resends = 0;
            loop {
                let last = match ongoing.reply().await {
                    Ok(reply) => return Ok(Answer { reply, connection, _probe: probe }),
                    Err(NoReply::Unanswered(unanswered)) => {
                        connection.report(Report::Unanswered(unanswered.cause.name()));
                        return Err(unanswered.into());
                    }
                    Err(NoReply::Unsent(last)) => last,
                };
                if resends == pool.settings().max_resends {
                    connection.failed(Symptom::Refuses);
                    return Err(Unsent::Refused { resends, last }.into());
                }
                resends += 1;
                // It may be the probe again, if the breaker lets it.
                drop(probe.take());
                if last == UnsentCause::RefusedStream {
                    // It is boxed because it is rare, and larger than the wait for an answer.
                    let until = deadline.min(Instant::now() + refused_wait(resends));
                    Box::pin(tokio::time::sleep_until(until)).await;
                }
                let granted = pool.acquire(flow, deadline, Seniority::Returned).await?;
                let Some(request) = again() else {
                    return Err(Unsent::Refused { resends: resends - 1, last }.into());
                };
                connection.report(Report::Resent(last.name()));
                (connection, ongoing, probe) = begin(&pool, granted, request, deadline, share);
            }
        }
    }
}

/// An exchange under way, over either protocol.
enum OngoingExchange<'a> {
    Http2(http2::PendingReply<'a>),
    /// This one is boxed because it is rare, and larger than the other.
    Http1(BoxFuture<'a, Result<Reply, NoReply>>),
}

impl OngoingExchange<'_> {
    /// Waits for the answer. It may be called once.
    async fn reply(&mut self) -> Result<Reply, NoReply> {
        match self {
            Self::Http2(pending) => pending.reply().await,
            Self::Http1(exchange) => exchange.await,
        }
    }
}

/// Hands a request to the connection that was granted.
fn begin<'a>(
    pool: &Pool,
    granted: Granted,
    request: Request,
    deadline: Instant,
    share: &'a Share,
) -> (Arc<Connection>, OngoingExchange<'a>, Option<HeldProbe>) {
    let UpstreamSettings { answer_timeout, max_reply_bytes: max_reply, .. } = *pool.settings();
    let Granted { sender, slot, at, probe } = granted;
    let limits = ExchangeLimits { deadline, give_up: at + answer_timeout, max_reply };
    let connection = Arc::clone(slot.connection());
    let ongoing = match sender {
        RequestSender::Http2(sender) => {
            OngoingExchange::Http2(http2::begin(&sender, slot, request, limits, share))
        }
        RequestSender::Http1(sender) => {
            let (head, body) = http1::to_http(request, pool.peer());
            OngoingExchange::Http1(Box::pin(http1::exchange(sender, slot, head, body, limits, share)))
        }
    };
    (connection, ongoing, probe)
}

/// How long a refused request waits before it is sent again: the first time not at all, then longer each time, since a
/// peer that goes on refusing needs time.
fn refused_wait(resends: u32) -> Duration {
    match resends {
        0 | 1 => Duration::ZERO,
        more => Duration::from_millis(1 << more.min(9)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_goes_on_refusing_is_given_more_time_up_to_half_a_second() {
        let waits: Vec<_> = (1..=12).map(|resends| refused_wait(resends).as_millis()).collect();
        assert_eq!(waits, [0, 4, 8, 16, 32, 64, 128, 256, 512, 512, 512, 512]);
    }
}
