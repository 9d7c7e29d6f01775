//! Counts the calls that end with a status and no answer: those that the gate, the proof of identity or a health check refuses,
//! and those of pushes that were not taken. What goes wrong within a stream comes behind its answers, and is not counted here.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tonic::{Code, Status};
use tower_service::Service;

use super::paths;
use crate::metrics::RefusedCalls;

/// A service whose refused calls are counted.
#[derive(Debug, Clone)]
pub(crate) struct CountRefused<S> {
    service: S,
    refused: RefusedCalls,
}

impl<S> CountRefused<S> {
    /// Hands calls to this service.
    pub(crate) fn before(service: S, refused: RefusedCalls) -> Self {
        Self { service, refused }
    }
}

/// The name of a call in metrics.
fn rpc(path: &str) -> &'static str {
    let known = path.strip_prefix(paths::PUSH_SERVICE).and_then(|name| RefusedCalls::rpc(name));
    known.unwrap_or(if path.starts_with(paths::HEALTH) { "Health" } else { "other" })
}

impl<S, B, A> Service<Request<B>> for CountRefused<S>
where
    S: Service<Request<B>, Response = Response<A>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Counting<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (rpc, refused) = (rpc(request.uri().path()), self.refused.clone());
        Counting { call: self.service.call(request), rpc, refused }
    }
}

pin_project! {
    /// A call, until it is answered.
    pub(crate) struct Counting<F> {
        #[pin]
        call: F,
        rpc: &'static str,
        refused: RefusedCalls,
    }
}

impl<F: Future<Output = Result<Response<A>, E>>, A, E> Future for Counting<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.call.poll(cx));
        // A status stands in the head of an answer only where nothing follows. Source: github.com/grpc/grpc,
        // `doc/PROTOCOL-HTTP2.md`, Trailers-Only.
        if let Ok(response) = &answer
            && let Some(status) = Status::from_header_map(response.headers())
            && status.code() != Code::Ok
        {
            this.refused.count(this.rpc, status.code() as usize);
        }
        Poll::Ready(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_told_by_its_path() {
        assert_eq!(rpc("/fanfare.push.v1.PushService/SendPush"), "SendPush");
        assert_eq!(rpc("/fanfare.push.v1.PushService/Other"), "other");
        assert_eq!(rpc("/grpc.health.v1.Health/Check"), "Health");
        assert_eq!(rpc("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"), "other");
    }
}
