//! A request on its way to the task of its HTTP/1.1 connection.

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::connection::Slot;
use crate::error::NoReply;
use crate::in_flight::OrphanShare;
use crate::request::Reply;

/// The right to hand requests to an HTTP/1.1 connection. A connection that drains lives on while somebody has one.
#[derive(Clone)]
pub(crate) struct Http1Sender(pub(super) mpsc::Sender<TaskRequest>);

/// A request that the task of its connection has.
pub(super) struct TaskRequest {
    pub(super) head: http::Request<()>,
    pub(super) body: Bytes,
    /// Without an answer by then, the connection ends.
    pub(super) give_up: Instant,
    /// The largest body of an answer, in bytes.
    pub(super) max_reply: usize,
    pub(super) answer: oneshot::Sender<Result<Reply, NoReply>>,
    /// Brings the share of a caller that has left.
    pub(super) orphaned: oneshot::Receiver<OrphanShare>,
    pub(super) slot: Slot,
}

/// The least number of bytes that a request is on the wire: request line, headers and body. If fewer were sent, the
/// request was cut short, and a server cannot process it, since `content-length` is set. Source: RFC 9112, sections 3
/// and 6.3.
pub(super) fn least_bytes(head: &http::Request<()>, body: &Bytes) -> u64 {
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

    /// A larger count than what hyper writes would call a whole request cut short.
    #[tokio::test]
    async fn the_least_is_what_hyper_writes() {
        for (path, body) in [("/", &b""[..]), ("/api/v1/send_push?a=b", b"{\"a\":1}")] {
            let body = Bytes::from_static(body);
            let head = http::Request::post(path)
                .header("host", "peer.example:8066")
                .header("content-length", body.len())
                .header("x-empty", "")
                .body(())
                .unwrap();
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
            assert!(sent.await.is_err());
            assert_eq!(theirs.read(&mut [0; 1]).await.unwrap(), 0, "nothing came after it");
        }
    }
}
