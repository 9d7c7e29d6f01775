//! The gate in front of the decoder: it passes a message only when all of it is there. The decoder makes room for as many
//! bytes as a message claims to have, so without the gate a caller that claims much and sends little holds much.
//!
//! What arrives is counted against the caller's share of one budget (`limits.max_held_bytes`), and a large message waits
//! for its turn among those of its connection (`grpc.max_connection_bytes`).

mod arriving;
mod body;
mod connection;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body::Body;
use tonic::codegen::Service;

pub(crate) use connection::ConnectionBytes;

use super::incoming::ConnectInfo;
use super::{GrpcSettings, paths};
use crate::caller::Caller;
use arriving::MessageLimit;
use body::{Arity, WholeMessages};

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

impl<S, B> Service<Request<B>> for Gate<S>
where
    S: Service<Request<WholeMessages<B>>>,
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<tonic::codegen::StdError>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
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
        self.inner.call(request.map(|body| WholeMessages::new(body, limit, arity, *timeout, &bytes)))
    }
}
