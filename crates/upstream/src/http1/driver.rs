//! The task of one HTTP/1.1 connection.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::reply::whole_reply;
use super::request::{Http1Sender, TaskRequest, least_bytes};
use crate::budget::ConnectionPlace;
use crate::cause::EndCause;
use crate::connection::Connection;
use crate::core::ConnectionEvent;
use crate::error::{NoAnswerCause, NoReply, Unanswered, UnsentCause, orphan_end};
use crate::failure::Symptom;
use crate::fields::Fields;
use crate::observe::Report;
use crate::patience::Patience;
use crate::transport::{CountedStream, SentBytes};

type HyperConnection = http1::Connection<TokioIo<CountedStream>, Full<Bytes>>;

/// A connection as hyper has it: what takes requests, and what has to be polled.
pub(crate) type Http1Connection = (http1::SendRequest<Full<Bytes>>, HyperConnection);

/// Begins HTTP/1.1 on a byte stream.
pub(crate) async fn handshake(io: CountedStream, max_header_bytes: u32) -> hyper::Result<Http1Connection> {
    let most = usize::try_from(max_header_bytes).unwrap_or(usize::MAX);
    http1::Builder::new().max_buf_size(most.max(LEAST_BUFFER)).handshake(TokioIo::new(io)).await
}

/// The smallest buffer that hyper accepts, in bytes.
const LEAST_BUFFER: usize = 8192;

/// The task of one HTTP/1.1 connection. It has the requests, one after the other.
pub(crate) struct Driver {
    connection: Arc<Connection>,
    sender: http1::SendRequest<Full<Bytes>>,
    /// It is dropped when the connection is given up, so that nothing more is written.
    io: Option<HyperConnection>,
    sent: SentBytes,
    requests: mpsc::Receiver<TaskRequest>,
    patience: Patience,
    /// How long the connection may be without a request.
    idle: Duration,
    opened: Instant,
    last_busy: Instant,
    why: EndCause,
    place: ConnectionPlace,
}

impl Driver {
    pub(crate) fn new(
        connection: Arc<Connection>,
        (sender, io): Http1Connection,
        sent: SentBytes,
        patience: Patience,
        place: ConnectionPlace,
    ) -> (Self, Http1Sender) {
        let (hand_over, requests) = mpsc::channel(1);
        let (now, idle) = (Instant::now(), patience.idle_http1);
        let (opened, last_busy, why) = (now, now, EndCause::Aborted);
        let io = Some(io);
        let driver =
            Self { connection, sender, io, sent, requests, patience, idle, opened, last_busy, why, place };
        (driver, Http1Sender(hand_over))
    }

    /// Runs until the connection ends.
    pub(crate) async fn run(mut self) {
        loop {
            let io = self.io.as_mut();
            let tick = Instant::now() + self.patience.tick();
            let idle = self.last_busy + self.idle;
            let request = tokio::select! {
                biased;
                why = aborted(&self.connection) => {
                    self.why = why;
                    return;
                }
                // This is looked at before the next request, since the peer may have closed in the meantime.
                ended = polled(io) => {
                    self.why = if ended.is_ok() { EndCause::Closed } else { EndCause::Io };
                    return;
                }
                request = self.requests.recv() => request,
                () = sleep_until(tick.min(idle)) => {
                    self.look_at_the_clock();
                    continue;
                }
            };
            // Nobody can send a request any more, since the connection drains.
            let Some(request) = request else {
                self.why = EndCause::Closed;
                return;
            };
            if let Some(why) = self.exchange(request).await {
                self.why = why;
                return;
            }
            self.last_busy = Instant::now();
        }
    }

    fn look_at_the_clock(&mut self) {
        let now = Instant::now();
        if now - self.last_busy >= self.idle {
            self.connection.retire(EndCause::Idle);
        } else if self.place.gives_way() {
            self.connection.retire(EndCause::GaveWay);
        } else if now - self.opened >= self.patience.age {
            self.connection.tell(ConnectionEvent::Aged);
        }
    }

    /// Sends one request and reads its whole answer. Returns the cause if the connection has to end.
    async fn exchange(&mut self, request: TaskRequest) -> Option<EndCause> {
        let TaskRequest { head, body, give_up, max_reply, answer, mut orphaned, slot } = request;
        let (least, before) = (least_bytes(&head, &body), self.sent.get());
        let (head, ()) = head.into_parts();
        let request = http::Request::from_parts(head, Full::new(body));
        let mut head_came = None;
        let mut share = None;
        let mut io_ended = None;
        let ended = {
            let mut reply = pin!(whole_reply(&mut self.sender, request, max_reply, &mut head_came));
            let mut caller_stays = true;
            loop {
                tokio::select! {
                    biased;
                    ended = &mut reply => break ended.map_err(|lost| (lost, EndCause::Io)),
                    ended = polled(self.io.as_mut()), if io_ended.is_none() => {
                        // hyper still hands out what it has read of the answer.
                        io_ended = Some(if ended.is_ok() { EndCause::Closed } else { EndCause::Io });
                    }
                    why = aborted(&self.connection) => break Err((NoAnswerCause::ConnectionLost, why)),
                    () = sleep_until(give_up) => break Err((NoAnswerCause::AnswerTimeout, EndCause::AnswerTimeout)),
                    left = &mut orphaned, if caller_stays => {
                        caller_stays = false;
                        share = left.ok();
                        if share.is_some() {
                            self.connection.report(Report::Orphans(1));
                        }
                    }
                }
            }
        };
        let whole = self.sent.get() - before >= least;
        let (ended, why) = match ended {
            Ok((reply, last)) => {
                slot.connection().well(u32::from(slot.connection().answered(reply.status)));
                self.heed_keep_alive(&reply.fields);
                let last = last || !whole;
                (Ok(reply), io_ended.or(last.then_some(EndCause::Closed)))
            }
            Err((cause, why)) => {
                // Nothing more is written from here on, so what was sent is final.
                self.io = None;
                let cut = self.sent.get() - before < least;
                let no_reply = match head_came {
                    None if cut => NoReply::Unsent(UnsentCause::NotWritten),
                    None => {
                        self.blame(&cause, why);
                        NoReply::Unanswered(Unanswered::without_head(cause))
                    }
                    Some(head) => NoReply::Unanswered(Unanswered::after_head(head, cause)),
                };
                (Err(no_reply), Some(io_ended.unwrap_or(why)))
            }
        };
        if let Some(why) = why {
            // The connection is retired before the permit returns, so that nobody else gets it.
            slot.connection().retire(why);
        }
        if share.is_some() {
            self.connection.report(Report::Orphans(-1));
            self.connection.report(Report::OrphanEnded(orphan_end(&ended)));
        }
        drop(slot);
        // This fails if the caller has left.
        let _ = answer.send(ended);
        why
    }

    /// A request was sent, and nothing came of an answer. The end of the connection is `why`.
    fn blame(&self, cause: &NoAnswerCause, why: EndCause) {
        match cause {
            NoAnswerCause::AnswerTimeout => self.connection.failed(Symptom::NoAnswer),
            NoAnswerCause::ConnectionLost if !why.is_ours() => self.connection.failed(Symptom::Ended(why)),
            NoAnswerCause::ConnectionLost
            | NoAnswerCause::Reset(_)
            | NoAnswerCause::Unreadable
            | NoAnswerCause::Deadline => {}
        }
    }

    /// The peer says after how many idle seconds it closes the connection. The connection is closed a moment earlier,
    /// since a request that meets the peer's end would be in doubt. Source: RFC 9112, appendix C.2.2, and what Node,
    /// nginx and Apache send.
    fn heed_keep_alive(&mut self, fields: &Fields) {
        let value = fields.get_str("keep-alive");
        let seconds =
            value.and_then(|all| all.split(',').find_map(|one| one.trim().strip_prefix("timeout=")));
        if let Some(seconds) = seconds.and_then(|seconds| seconds.parse().ok()) {
            let theirs = Duration::from_secs(seconds);
            self.idle = self.patience.idle_http1.min(theirs.saturating_sub(CLOSE_EARLIER));
        }
    }
}

/// How much earlier than the peer an idle connection is closed.
const CLOSE_EARLIER: Duration = Duration::from_secs(1);

impl Drop for Driver {
    fn drop(&mut self) {
        self.io = None;
        self.requests.close();
        while let Ok(request) = self.requests.try_recv() {
            let _ = request.answer.send(Err(NoReply::Unsent(UnsentCause::NotTaken)));
        }
        self.connection.tell(ConnectionEvent::Closed(self.why));
    }
}

/// Drives the connection until it ends.
async fn polled(io: Option<&mut HyperConnection>) -> hyper::Result<()> {
    match io {
        Some(io) => io.await,
        None => Ok(()),
    }
}

/// Waits until the pool aborts the connection.
async fn aborted(connection: &Connection) -> EndCause {
    poll_fn(|cx| {
        connection.driven_by(cx.waker());
        connection.aborted().map_or(Poll::Pending, Poll::Ready)
    })
    .await
}
