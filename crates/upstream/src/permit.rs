//! A permit's use: one request, its answer, and the resending of what provably was not sent.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, header};
use tokio::time::Instant;

use super::Flow;
use super::cause::EndCause;
use super::connection::Connection;
use super::core::Arrival;
use super::error::{NoReply, Unsent, UnsentCause, UpstreamError};
use super::in_flight::Share;
use super::observe::Report;
use super::opening::{Granted, Sender};
use super::peer::Peer;
use super::pool::Pool;
use super::{BoxFuture, UpstreamSettings, http1, http2};

/// A push service's whole answer.
pub type Reply = http::Response<Bytes>;

/// Limits of one exchange.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// The caller wants to know by then.
    pub(super) deadline: Instant,
    /// A stream without an answer is reset then.
    pub(super) give_up: Instant,
    /// The largest body of an answer, in bytes.
    pub(super) max_reply: usize,
}

/// The right to one stream, now.
pub struct Permit {
    granted: Granted,
    pool: Arc<Pool>,
    flow: Flow,
    deadline: Instant,
}

/// A request, complete but for the origin, which the peer has.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its method.
    pub method: Method,
    /// Its path.
    pub path: PathAndQuery,
    /// Its headers, but `content-length`.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// A whole answer, and the connection it came on.
pub struct Answer {
    /// The answer.
    pub reply: Reply,
    connection: Arc<Connection>,
}

impl Answer {
    /// The connection takes no new streams; those it has are answered.
    pub fn retire_connection(&self) {
        self.connection.retire(EndCause::Retired);
    }
}

impl Permit {
    pub(super) fn new(granted: Granted, pool: Arc<Pool>, flow: Flow, deadline: Instant) -> Self {
        Self { granted, pool, flow, deadline }
    }

    /// Sends a request and reads the whole answer. What the peer provably did not process is sent again at
    /// once, on another stream; that is no attempt. A request whose caller leaves goes on counting as its `share`.
    ///
    /// The request goes out with all that it holds, so that its path and headers are not kept while its answer is
    /// waited for: `again` makes them once more.
    ///
    /// # Errors
    /// Unsent where nothing was processed and the deadline or `upstream.max_resends` ended the resending;
    /// unanswered where the request was sent and no answer came.
    ///
    /// # Cancel safety
    /// A request that was given to h2 belongs to its connection from then on: dropping the future resets
    /// nothing.
    pub fn exchange<'a>(
        self,
        request: Request,
        again: impl Fn() -> Option<Request> + Send + 'a,
        share: &'a Share,
    ) -> impl Future<Output = Result<Answer, UpstreamError>> + Send + 'a {
        let Self { granted, pool, flow, deadline } = self;
        // Before the future, which would hold what it begins with for as long as it waits.
        let (mut connection, mut begun) = begin(&pool, granted, request, deadline, share);
        async move {
            let mut resends = 0;
            loop {
                let last = match begun.reply(deadline).await {
                    Ok(reply) => return Ok(Answer { reply, connection }),
                    Err(NoReply::Unanswered(unanswered)) => {
                        connection.report(Report::Unanswered(unanswered.cause.name()));
                        return Err(unanswered.into());
                    }
                    Err(NoReply::Returned(last)) => last,
                };
                if resends == pool.settings().max_resends {
                    return Err(Unsent::Refused { resends, last }.into());
                }
                resends += 1;
                if last == UnsentCause::RefusedStream {
                    tokio::time::sleep_until(deadline.min(Instant::now() + refused_wait(resends))).await;
                }
                let granted = Box::pin(pool.acquire(flow, deadline, Arrival::Returned)).await?;
                let Some(request) = again() else {
                    return Err(Unsent::Refused { resends: resends - 1, last }.into());
                };
                connection.report(Report::Resent(last.name()));
                (connection, begun) = begin(&pool, granted, request, deadline, share);
            }
        }
    }
}

/// A request on its way, over either protocol.
enum Begun<'a> {
    Http2(http2::Owner<'a>),
    /// Rare, and larger than the other: boxed.
    Http1(BoxFuture<'a, Result<Reply, NoReply>>),
}

impl Begun<'_> {
    /// Waits for the answer. Polled to its end once.
    async fn reply(&mut self, deadline: Instant) -> Result<Reply, NoReply> {
        match self {
            Self::Http2(owner) => owner.reply(deadline).await,
            Self::Http1(exchange) => exchange.await,
        }
    }
}

fn begin<'a>(
    pool: &Pool,
    granted: Granted,
    request: Request,
    deadline: Instant,
    share: &'a Share,
) -> (Arc<Connection>, Begun<'a>) {
    let UpstreamSettings { answer_timeout, max_reply_bytes: max_reply, .. } = *pool.settings();
    let Granted { sender, slot, at } = granted;
    let limits = Limits { deadline, give_up: at + answer_timeout, max_reply };
    let connection = Arc::clone(slot.connection());
    let (head, body) = complete(pool.peer(), request);
    let begun = match sender {
        Sender::Http2(http2) => Begun::Http2(http2::begin(&http2, slot, head, body, limits, share)),
        Sender::Http1(http1) => {
            Begun::Http1(Box::pin(http1::exchange(http1, slot, head, body, limits, share)))
        }
    };
    (connection, begun)
}

/// The first resend of a refused stream is at once; a peer that goes on refusing is given time.
fn refused_wait(resends: u32) -> Duration {
    match resends {
        0 | 1 => Duration::ZERO,
        more => Duration::from_millis(1 << more.min(9)),
    }
}

/// With its origin and its length.
fn complete(peer: &Peer, request: Request) -> (http::Request<()>, Bytes) {
    let Request { method, path, mut headers, body } = request;
    // A body that is cut is malformed by this, and cannot be delivered: RFC 9113, section 8.1.1.
    // `from` alone allocates twice.
    let length = HeaderValue::try_from(body.len().to_string()).unwrap_or_else(|_| body.len().into());
    headers.insert(header::CONTENT_LENGTH, length);
    let mut head = http::Request::new(());
    *head.method_mut() = method;
    *head.uri_mut() = peer.uri(path);
    *head.headers_mut() = headers;
    (head, body)
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
