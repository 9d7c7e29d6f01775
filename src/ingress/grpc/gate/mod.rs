//! The gate in front of the decoder: it passes a message only when all of it is there. The decoder makes room for as many
//! bytes as a message claims to have, so without the gate a caller that claims much and sends little holds much.
//!
//! What arrives is counted against the caller's share of one budget (`limits.max_held_bytes`), and a large message waits
//! for its turn among those of its connection (`grpc.max_connection_bytes`).
//!
//! Compressed messages are decompressed here, where both are seen: the decoder behind the gate finds messages as they were
//! written. Answers are not compressed: verdicts are small, and most callers are near.

mod arriving;
mod body;
mod compressed;
mod connection;
mod encoding;
#[cfg(test)]
mod tests;

use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, MapOk, TryFutureExt};
use http::{Request, Response};
use http_body::Body;
use tonic::codegen::Service;

pub(crate) use connection::ConnectionBytes;

use super::incoming::ConnectInfo;
use super::{GrpcSettings, paths};
use crate::caller::Caller;
use arriving::MessageLimit;
use body::{Arity, WholeMessages};
use encoding::Encoding;

/// Serves calls by `S`, which is given whole messages.
#[derive(Debug, Clone)]
pub(crate) struct Gate<S> {
    inner: S,
    settings: Arc<GateSettings>,
}

#[derive(Debug)]
struct GateSettings {
    push: MessageLimit,
    message: MessageLimit,
    timeout: Duration,
}

impl<S> Gate<S> {
    pub(crate) fn new(inner: S, settings: &GrpcSettings) -> Self {
        let settings = GateSettings {
            push: MessageLimit { bytes: settings.max_push_bytes, key: "grpc.max_push_bytes" },
            message: MessageLimit { bytes: settings.max_message_bytes, key: "grpc.max_message_bytes" },
            timeout: settings.message_timeout,
        };
        Self { inner, settings: Arc::new(settings) }
    }
}

/// The answer to a call whose messages are compressed.
type Answering<F> = MapOk<F, fn(Response<tonic::body::Body>) -> Response<tonic::body::Body>>;

fn says_accepted(mut answer: Response<tonic::body::Body>) -> Response<tonic::body::Body> {
    encoding::say_accepted(answer.headers_mut());
    answer
}

impl<S, B> Service<Request<B>> for Gate<S>
where
    S: Service<Request<WholeMessages<B>>, Response = Response<tonic::body::Body>>,
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<tonic::codegen::StdError>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<S::Future, Either<Answering<S::Future>, Ready<Result<S::Response, S::Error>>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let encoding = match Encoding::take(request.headers_mut()) {
            Ok(encoding) => encoding,
            Err(status) => return Either::Right(Either::Right(ready(Ok(status.into_http())))),
        };
        let GateSettings { push, message, timeout } = &*self.settings;
        let (limit, arity) = match request.uri().path() {
            paths::SEND_PUSH => (*push, Arity::One),
            paths::SEND_PUSHES => (*message, Arity::One),
            // Anybody may call these, and each is asked by one small message.
            path if path.starts_with(paths::HEALTH) => (*push, Arity::One),
            _ => (*message, Arity::Many),
        };
        let connection = request.extensions().get::<ConnectInfo>();
        let mut bytes = connection.map(|connection| connection.bytes.clone()).unwrap_or_default();
        if let Some(share) = request.extensions().get::<Caller>().and_then(Caller::bytes) {
            bytes.share = share.clone();
        }
        let body = |body| WholeMessages::new(body, limit, encoding, arity, *timeout, &bytes);
        let answer = self.inner.call(request.map(body));
        match encoding {
            None => Either::Left(answer),
            Some(_) => Either::Right(Either::Left(answer.map_ok(says_accepted as fn(_) -> _))),
        }
    }
}
