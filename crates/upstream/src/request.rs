//! A request as its caller has it, its answer, and how long the answer is waited for.

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, header};
use tokio::time::Instant;

use crate::peer::Peer;

/// A request, complete but for its origin, which is the peer's.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path and the query.
    pub path: PathAndQuery,
    /// The headers. `content-length` is added, and replaced if it is there.
    pub headers: HeaderMap,
    /// The whole body. Nothing is streamed.
    pub body: Bytes,
}

impl Request {
    /// The request with its origin and its length.
    pub(crate) fn complete(self, peer: &Peer) -> (http::Request<()>, Bytes) {
        let Self { method, path, mut headers, body } = self;
        // With its length, a body that is cut short makes the request malformed, so no peer may process it.
        // Source: RFC 9113, section 8.1.1. `HeaderValue::from` alone would allocate twice.
        let length = HeaderValue::try_from(body.len().to_string()).unwrap_or_else(|_| body.len().into());
        headers.insert(header::CONTENT_LENGTH, length);
        let mut head = http::Request::new(());
        *head.method_mut() = method;
        *head.uri_mut() = peer.uri(path);
        *head.headers_mut() = headers;
        (head, body)
    }
}

/// The whole answer of a peer, with its body.
pub type Reply = http::Response<Bytes>;

/// How long one exchange may take, and how large its answer may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ExchangeLimits {
    /// When the caller wants to know.
    pub(crate) deadline: Instant,
    /// When a stream without an answer is reset.
    pub(crate) give_up: Instant,
    /// The largest body of an answer, in bytes.
    pub(crate) max_reply: usize,
}
