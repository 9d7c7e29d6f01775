//! The task of one HTTP/1.1 connection.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::response::Parts;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::{Http1, Job, least_bytes};
use crate::budget::Place;
use crate::cause::EndCause;
use crate::connection::Connection;
use crate::core::ConnectionEvent;
use crate::error::{NoAnswerCause, NoReply, Unanswered, UnsentCause};
use crate::observe::Report;
use crate::patience::Patience;
use crate::permit::Reply;
use crate::transport::{SentBytes, Watched};

type Io = http1::Connection<TokioIo<Watched>, Full<Bytes>>;

/// A connection as hyper has it: the way onto it, and what has to be polled.
pub(crate) type Http = (http1::SendRequest<Full<Bytes>>, Io);

/// Begins HTTP/1.1.
pub(crate) async fn handshake(io: Watched, max_header_bytes: u32) -> hyper::Result<Http> {
    let most = usize::try_from(max_header_bytes).unwrap_or(usize::MAX);
    http1::Builder::new().max_buf_size(most.max(LEAST_BUFFER)).handshake(TokioIo::new(io)).await
}

/// hyper wants at least so much.
const LEAST_BUFFER: usize = 8192;

/// The task of one connection. It has the requests, one after the other.
pub(crate) struct Driver {
    connection: Arc<Connection>,
    http: http1::SendRequest<Full<Bytes>>,
    /// None once it is given up: nothing is written any more.
    io: Option<Io>,
    sent: SentBytes,
    jobs: mpsc::Receiver<Job>,
    patience: Patience,
    /// Without requests.
    idle: Duration,
    opened: Instant,
    last_busy: Instant,
    why: EndCause,
    place: Place,
}

impl Driver {
    pub(crate) fn new(
        connection: Arc<Connection>,
        (http, io): Http,
        sent: SentBytes,
        patience: Patience,
        place: Place,
    ) -> (Self, Http1) {
        let (sender, jobs) = mpsc::channel(1);
        let (now, idle) = (Instant::now(), patience.idle_http1);
        let (opened, last_busy, why) = (now, now, EndCause::Aborted);
        let io = Some(io);
        let it = Self { connection, http, io, sent, jobs, patience, idle, opened, last_busy, why, place };
        (it, Http1(sender))
    }

    /// Until the connection ends.
    pub(crate) async fn run(mut self) {
        loop {
            let io = self.io.as_mut();
            let tick = Instant::now() + self.patience.tick();
            let idle = self.last_busy + self.idle;
            let job = tokio::select! {
                biased;
                why = aborted(&self.connection) => {
                    self.why = why;
                    return;
                }
                // Before the next request: the peer may have closed in the meantime.
                ended = polled(io) => {
                    self.why = if ended.is_ok() { EndCause::Closed } else { EndCause::Io };
                    return;
                }
                job = self.jobs.recv() => job,
                () = sleep_until(tick.min(idle)) => {
                    self.look_at_the_clock();
                    continue;
                }
            };
            // Nobody can send any more: it drains.
            let Some(job) = job else {
                self.why = EndCause::Closed;
                return;
            };
            if let Some(why) = self.exchange(job).await {
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

    /// One request and its whole answer; why the connection ends, where it does.
    async fn exchange(&mut self, job: Job) -> Option<EndCause> {
        let Job { head, body, give_up, max_reply, answer, mut orphaned, slot } = job;
        let (least, before) = (least_bytes(&head, &body), self.sent.get());
        let (head, ()) = head.into_parts();
        let request = http::Request::from_parts(head, Full::new(body));
        let mut begun = None;
        let mut share = None;
        let mut io_ended = None;
        let ended = {
            let mut reply = pin!(whole_reply(&mut self.http, request, max_reply, &mut begun));
            let mut caller_stays = true;
            loop {
                tokio::select! {
                    biased;
                    ended = &mut reply => break ended.map_err(|lost| (lost, EndCause::Io)),
                    ended = polled(self.io.as_mut()), if io_ended.is_none() => {
                        // What hyper has of the answer comes still.
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
            Ok(reply) => {
                slot.connection().answered(reply.status());
                self.heed_keep_alive(reply.headers());
                let last = says_close(&reply) || !whole;
                (Ok(reply), io_ended.or(last.then_some(EndCause::Closed)))
            }
            Err((cause, why)) => {
                // From here on nothing more is written: what was sent is final.
                self.io = None;
                let cut = self.sent.get() - before < least;
                let no_reply = match begun {
                    None if cut => NoReply::Returned(UnsentCause::NotWritten),
                    None => NoReply::Unanswered(Unanswered::without_head(cause)),
                    Some(head) => NoReply::Unanswered(Unanswered::after_head(&head, cause)),
                };
                (Err(no_reply), Some(io_ended.unwrap_or(why)))
            }
        };
        if let Some(why) = why {
            // Before the permit returns: nobody else is to get this connection.
            slot.connection().retire(why);
        }
        if share.is_some() {
            self.connection.report(Report::Orphans(-1));
            self.connection.report(Report::OrphanEnded(how(&ended)));
        }
        drop(slot);
        // Its caller may have left.
        let _ = answer.send(ended);
        why
    }

    /// The peer closes a connection that is idle for so long: we do it a moment earlier.
    /// Source: RFC 9112, appendix C.2.2, and what Node, nginx and Apache send.
    fn heed_keep_alive(&mut self, headers: &HeaderMap) {
        let said = headers.get("keep-alive").and_then(|value| value.to_str().ok());
        let seconds = said.and_then(|it| it.split(',').find_map(|it| it.trim().strip_prefix("timeout=")));
        if let Some(seconds) = seconds.and_then(|it| it.parse().ok()) {
            let theirs = Duration::from_secs(seconds);
            self.idle = self.patience.idle_http1.min(theirs.saturating_sub(A_MOMENT));
        }
    }
}

const A_MOMENT: Duration = Duration::from_secs(1);

impl Drop for Driver {
    fn drop(&mut self) {
        self.io = None;
        self.jobs.close();
        while let Ok(job) = self.jobs.try_recv() {
            let _ = job.answer.send(Err(NoReply::Returned(UnsentCause::NotTaken)));
        }
        self.connection.tell(ConnectionEvent::Closed(self.why));
    }
}

async fn polled(io: Option<&mut Io>) -> hyper::Result<()> {
    match io {
        Some(io) => io.await,
        None => Ok(()),
    }
}

async fn aborted(connection: &Connection) -> EndCause {
    poll_fn(|cx| {
        connection.driven_by(cx.waker());
        connection.aborted().map_or(Poll::Pending, Poll::Ready)
    })
    .await
}

async fn whole_reply(
    http: &mut http1::SendRequest<Full<Bytes>>,
    request: http::Request<Full<Bytes>>,
    max_reply: usize,
    begun: &mut Option<Parts>,
) -> Result<Reply, NoAnswerCause> {
    let lost = |error: hyper::Error| {
        if error.is_parse() { NoAnswerCause::Unreadable } else { NoAnswerCause::ConnectionLost }
    };
    http.ready().await.map_err(lost)?;
    let (head, mut incoming) = http.send_request(request).await.map_err(lost)?.into_parts();
    *begun = Some(head);
    let mut body = BytesMut::new();
    while let Some(frame) = incoming.frame().await {
        let Ok(data) = frame.map_err(lost)?.into_data() else { continue };
        if body.len() + data.len() > max_reply {
            return Err(NoAnswerCause::Unreadable);
        }
        body.extend_from_slice(&data);
    }
    // It was put there above.
    let head = begun.take().ok_or(NoAnswerCause::Unreadable)?;
    Ok(Reply::from_parts(head, body.freeze()))
}

/// Source: RFC 9112, section 9.3.
fn says_close(reply: &Reply) -> bool {
    let said = reply.headers().get_all(header::CONNECTION).iter();
    let words = said.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let close = words.map(str::trim).any(|word| word.eq_ignore_ascii_case("close"));
    close || reply.version() < http::Version::HTTP_11 || reply.status() == StatusCode::SWITCHING_PROTOCOLS
}

fn how(ended: &Result<Reply, NoReply>) -> &'static str {
    match ended {
        Ok(_) => "answered",
        Err(NoReply::Returned(_)) => "returned",
        Err(NoReply::Unanswered(Unanswered { cause: NoAnswerCause::AnswerTimeout, .. })) => "timeout",
        Err(NoReply::Unanswered(_)) => "lost",
    }
}

#[cfg(test)]
mod tests {
    use http::Version;

    use super::*;

    #[test]
    fn an_answer_says_whether_it_is_the_last_of_its_connection() {
        let says = |version, status: u16, connection: &[&'static str]| {
            let mut reply = http::Response::builder().version(version).status(status);
            for value in connection {
                reply = reply.header(header::CONNECTION, *value);
            }
            says_close(&reply.body(Bytes::new()).unwrap())
        };
        assert!(!says(Version::HTTP_11, 200, &[]) && !says(Version::HTTP_11, 200, &["keep-alive"]));
        assert!(says(Version::HTTP_11, 200, &["Close"]) && says(Version::HTTP_11, 200, &["a", "b, close"]));
        assert!(says(Version::HTTP_10, 200, &[]) && says(Version::HTTP_11, 101, &["upgrade"]));
    }
}
