//! Calls that are traced. The span of a call begins when its caller is known, so that strangers begin none, and ends when its answer
//! is out. A call that is not traced goes by here as it is.

use std::task::{Context, Poll};

use futures_util::future::{BoxFuture, Either, FutureExt, TryFutureExt};
use http::{Extensions, HeaderMap, Request, Response};
use http_body_util::BodyExt;
use tonic::body::Body;
use tower_service::Service;
use tracing::Span;

use super::paths;
use crate::caller::Caller;
use crate::telemetry::traces;

/// The names of gRPC's statuses, by their numbers. Source: grpc/grpc, doc/statuscodes.md.
const STATUSES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// The statuses by which a server says that it failed itself. Source: OpenTelemetry, "Semantic conventions for gRPC", server span.
const FAILED: [&str; 6] =
    ["UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"];

/// The span of a traced call, in the extensions of its request.
#[derive(Clone)]
struct CallSpan(Span);

/// The span of a call, which is disabled where the call is not traced.
pub(super) fn span(extensions: &Extensions) -> Span {
    if !traces::are_on() {
        return Span::none();
    }
    extensions.get::<CallSpan>().map_or_else(Span::none, |CallSpan(span)| span.clone())
}

/// A service whose calls are traced.
#[derive(Debug, Clone)]
pub(crate) struct Traced<S>(S);

impl<S> Traced<S> {
    /// Hands calls to this service.
    pub(crate) fn before(service: S) -> Self {
        Self(service)
    }
}

impl<S, B> Service<Request<B>> for Traced<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
    S::Future: Send + 'static,
    S::Error: 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<S::Future, BoxFuture<'static, Result<Response<Body>, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let span = begin(&request);
        if span.is_disabled() {
            return Either::Left(self.0.call(request));
        }
        request.extensions_mut().insert(CallSpan(span.clone()));
        let end = CallEnd(Some(span));
        Either::Right(self.0.call(request).map_ok(|answer| watched(answer, end)).boxed())
    }
}

/// Begins the span of a call, if the call is one of the contract's and is traced.
fn begin<B>(request: &Request<B>) -> Span {
    if !traces::are_on() {
        return Span::none();
    }
    match request.extensions().get::<Caller>() {
        Some(caller) if request.uri().path().starts_with(paths::PUSH_SERVICE) => {
            traces::grpc_call(request.headers(), request.uri(), caller.name())
        }
        _ => Span::none(),
    }
}

/// The end of a call's span, which waits for the status. A call that is dropped before it has one was cancelled.
struct CallEnd(Option<Span>);

impl CallEnd {
    /// Ends the span, if the status is among these headers or trailers.
    fn look(&mut self, headers: &HeaderMap) {
        if let Some(status) = headers.get("grpc-status") {
            let number = status.to_str().ok().and_then(|text| text.parse::<usize>().ok());
            self.end(number.and_then(|number| STATUSES.get(number)).unwrap_or(&"UNKNOWN"));
        }
    }

    fn end(&mut self, name: &'static str) {
        if let Some(span) = self.0.take() {
            traces::status(&span, name, FAILED.contains(&name));
        }
    }
}

impl Drop for CallEnd {
    fn drop(&mut self) {
        self.end("CANCELLED");
    }
}

/// An answer that ends the span of its call. Its status is in the headers where it has nothing else, and behind its messages else.
fn watched(answer: Response<Body>, mut end: CallEnd) -> Response<Body> {
    end.look(answer.headers());
    answer.map(|body| {
        Body::new(body.map_frame(move |frame| {
            if let Some(trailers) = frame.trailers_ref() {
                end.look(trailers);
            }
            frame
        }))
    })
}
