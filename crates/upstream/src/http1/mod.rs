//! HTTP/1.1, for peers that speak nothing newer: one request at a time on a connection, on hyper.
//!
//! The request belongs to the connection's task from the moment it is handed over. A caller that leaves leaves
//! it to be answered unseen, as with HTTP/2. What hyper cannot tell, whether a request was sent whole, the bytes
//! that the socket took can.

mod driver;

use bytes::Bytes;
use http::HeaderValue;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::cause::EndCause;
use super::connection::Slot;
use super::error::{NoAnswerCause, NoReply, Unanswered, UnsentCause};
use super::in_flight::{Orphaned, Share};
use super::permit::{Limits, Reply};

pub(super) use driver::{Driver, Http, handshake};

/// How a request gets onto an HTTP/1.1 connection.
#[derive(Clone)]
pub(super) struct Http1(mpsc::Sender<Job>);

/// A request that its connection's task has.
struct Job {
    head: http::Request<()>,
    body: Bytes,
    /// Without an answer by then the connection ends.
    give_up: Instant,
    max_reply: usize,
    answer: oneshot::Sender<Result<Reply, NoReply>>,
    /// The share of a caller that has left.
    orphaned: oneshot::Receiver<Orphaned>,
    slot: Slot,
}

/// Sends a request on the connection that `slot` stands for.
///
/// # Cancel safety
/// The exchange belongs to the connection: dropping this future, or its deadline, leaves it to be answered unseen.
pub(super) async fn exchange(
    http1: Http1,
    slot: Slot,
    mut head: http::Request<()>,
    body: Bytes,
    limits: Limits,
    share: &Share,
) -> Result<Reply, NoReply> {
    in_origin_form(&mut head);
    let (answer, answered) = oneshot::channel();
    let (leave, orphaned) = oneshot::channel();
    let Limits { deadline, give_up, max_reply } = limits;
    let job = Job { head, body, give_up, max_reply, answer, orphaned, slot };
    // There is one place, and the slot is the right to it.
    if let Err(mpsc::error::TrySendError::Full(job) | mpsc::error::TrySendError::Closed(job)) =
        http1.0.try_send(job)
    {
        job.slot.connection().retire(EndCause::NotTaken);
        return Err(NoReply::Returned(UnsentCause::NotTaken));
    }
    drop(http1);
    let _caller = Caller { share, leave: Some(leave) };
    match tokio::time::timeout_at(deadline, answered).await {
        Ok(Ok(ended)) => ended,
        // The task of the connection answers for what it has, however it ends.
        Ok(Err(_)) => Err(NoReply::Unanswered(Unanswered::without_head(NoAnswerCause::ConnectionLost))),
        Err(_) => Err(NoReply::Unanswered(Unanswered::without_head(NoAnswerCause::Deadline))),
    }
}

/// The path alone, and the host in its header. Source: RFC 9112, section 3.2.1.
fn in_origin_form(head: &mut http::Request<()>) {
    let host = head.uri().authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok());
    if let Some(host) = host {
        head.headers_mut().insert(http::header::HOST, host);
    }
    let path = head.uri().path_and_query().cloned();
    *head.uri_mut() = path.map(http::Uri::from).unwrap_or_default();
}

/// Leaves its share to the exchange when it goes; after the answer nobody takes it.
struct Caller<'a> {
    share: &'a Share,
    leave: Option<oneshot::Sender<Orphaned>>,
}

impl Drop for Caller<'_> {
    fn drop(&mut self) {
        if let Some(leave) = self.leave.take().filter(|leave| !leave.is_closed()) {
            // Refused where the exchange has ended just now: then it counts no more.
            let _ = leave.send(self.share.orphan());
        }
    }
}

/// The least that the request is on the wire: request line, headers, body. Less than that sent is a request cut
/// short, which with `content-length` set cannot be processed. Source: RFC 9112, sections 3 and 6.3.
fn least_bytes(head: &http::Request<()>, body: &Bytes) -> u64 {
    let path = head.uri().path_and_query().map_or(0, |path| path.as_str().len());
    let line = head.method().as_str().len() + path + "  HTTP/1.1\r\n\r\n".len();
    let headers =
        head.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    (line + headers.sum::<usize>() + body.len()) as u64
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;
    use hyper_util::rt::TokioIo;
    use tokio::io::AsyncReadExt;

    use super::*;

    /// As counted, and as hyper writes it: more than that would call a whole request cut short.
    #[tokio::test]
    async fn the_least_is_what_hyper_writes() {
        for (path, body) in [("/", &b""[..]), ("/api/v1/send_push?a=b", b"{\"a\":1}")] {
            let body = Bytes::from_static(body);
            let mut head = http::Request::post(format!("http://push.example:8066{path}"))
                .header("content-length", body.len())
                .header("x-empty", "")
                .body(())
                .unwrap();
            in_origin_form(&mut head);
            let least = least_bytes(&head, &body);
            let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(ours)).await.unwrap();
            tokio::spawn(connection);
            let (head, ()) = head.into_parts();
            let request = http::Request::from_parts(head, Full::new(body));
            let sent = tokio::spawn(async move { sender.send_request(request).await });
            let mut written = vec![0; usize::try_from(least).unwrap()];
            theirs.read_exact(&mut written).await.unwrap();
            tokio::task::yield_now().await;
            sent.abort();
            // Nothing came after it.
            assert!(sent.await.is_err());
            assert_eq!(theirs.read(&mut [0; 1]).await.unwrap(), 0);
        }
    }
}
