//! The spans themselves. A call is the root of what the gateway does for it, a push is a child of its call, and an attempt one of
//! its push. An item of a batch is a trace of its own, which is linked to its batch: a batch may go on for days.
//!
//! Source of the names: OpenTelemetry, "Semantic conventions" (gRPC and HTTP spans), and `names.rs`.

use std::fmt::Display;

use http::uri::Authority;
use http::{HeaderMap, Method, StatusCode, Uri, Version};
use opentelemetry::trace::{SpanContext, Status, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use tracing::Span;
use tracing::field::{Empty, display};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::parent::Parent;
use super::{SAMPLING, TARGET, are_on};

const STATUS: &str = "http.response.status_code";
const ERROR: &str = "error.type";

/// The span of a gRPC call to `path`, which is `/SERVICE/METHOD`. It is disabled where the call is not traced.
pub(crate) fn grpc_call(headers: &HeaderMap, uri: &Uri, caller: &str) -> Span {
    let Some(parent) = taken(headers) else { return Span::none() };
    let path = uri.path().trim_start_matches('/');
    let (service, method) = path.rsplit_once('/').unwrap_or(("", path));
    let span = tracing::info_span!(
        target: TARGET,
        parent: None,
        "call",
        caller,
        trace_id = Empty,
        "otel.name" = path,
        "otel.kind" = "server",
        "rpc.system" = "grpc",
        "rpc.service" = service,
        "rpc.method" = method,
        "server.address" = uri.host(),
        "server.port" = uri.port_u16(),
    );
    begun(span, parent, headers)
}

/// What the span of a call over HTTP says of it.
pub(crate) struct HttpCall<'a> {
    pub(crate) headers: &'a HeaderMap,
    pub(crate) method: &'a Method,
    /// The path, without what differs from call to call.
    pub(crate) route: &'a str,
    pub(crate) scheme: &'static str,
    pub(crate) version: Version,
    /// Whom the caller asked, where it says so.
    pub(crate) authority: Option<&'a Authority>,
    pub(crate) caller: &'a str,
}

/// The span of a call over HTTP. It is disabled where the call is not traced.
pub(crate) fn http_call(call: &HttpCall<'_>) -> Span {
    let HttpCall { headers, method, route, scheme, version, authority, caller } = *call;
    let Some(parent) = taken(headers) else { return Span::none() };
    let span = tracing::info_span!(
        target: TARGET,
        parent: None,
        "call",
        caller,
        trace_id = Empty,
        "otel.name" = format!("{method} {route}"),
        "otel.kind" = "server",
        "http.request.method" = method.as_str(),
        "http.route" = route,
        "url.path" = route,
        "url.scheme" = scheme,
        "network.protocol.version" = if version == Version::HTTP_2 { "2" } else { "1.1" },
        "server.address" = authority.map(Authority::host),
        "server.port" = authority.and_then(Authority::port_u16),
    );
    begun(span, parent, headers)
}

/// The span of an item of a batch, from when it is read until its verdict. It is disabled where it is not traced, which the ratio
/// decides for each item.
pub(crate) fn batch_item(batch: &Span) -> Span {
    if !SAMPLING.get().is_some_and(|sampling| sampling.draw()) {
        return Span::none();
    }
    let span = tracing::info_span!(target: TARGET, parent: None, "item");
    if !batch.is_disabled() {
        span.add_link(context(batch));
    }
    span
}

/// The span of a push, as a child of this one.
pub(crate) fn push(parent: &Span, id: &dyn Display, app: &dyn Display, provider: &str) -> Span {
    tracing::info_span!(
        target: TARGET,
        parent: parent,
        "push",
        %id,
        %app,
        provider,
        trace_id = %context(parent).trace_id(),
        labels = Empty,
        "otel.kind" = "internal",
        "messaging.operation.name" = "send",
    )
}

/// The span of a push that is not sent, as a child of this one. It is over at once.
pub(crate) fn refused_push(parent: &Span, id: &str, outcome: &'static str, reason: &str) {
    let span = tracing::info_span!(
        target: TARGET,
        parent: parent,
        "push",
        id,
        "otel.kind" = "internal",
    );
    ended(&span, outcome, None, Some(reason), Some(outcome));
}

/// The span of an attempt, as a child of the span that is entered.
pub(crate) fn attempt(n: u32, host: &str, port: u16) -> Span {
    tracing::info_span!(
        target: TARGET,
        "attempt",
        n,
        "otel.kind" = "client",
        "http.request.method" = "POST",
        // The first attempt resends nothing.
        "http.request.resend_count" = n.checked_sub(1).filter(|resends| *resends > 0),
        "server.address" = host,
        "server.port" = port,
    )
}

/// Tells the span that is entered that its request is sent again, because the push service provably did not process it.
pub(crate) fn resent() {
    if are_on() {
        Span::current().add_event("resent", vec![KeyValue::new("fanfare.reason", "not_processed")]);
    }
}

/// Tells the span of a push or an attempt what became of it, and the status of the answer. `failed` is none where that is a success.
///
/// These are attributes of the trace, and no fields: a field would have the log write all fields of its span anew each time, and no
/// line is written within a span that has ended.
pub(crate) fn ended(
    span: &Span,
    outcome: &'static str,
    answered: Option<u16>,
    reason: Option<&str>,
    failed: Option<&'static str>,
) {
    if span.is_disabled() {
        return;
    }
    span.set_attribute("fanfare.outcome", outcome);
    if let Some(answered) = answered {
        span.set_attribute(STATUS, i64::from(answered));
    }
    if let Some(reason) = reason {
        span.set_attribute("fanfare.reason", reason.to_owned());
    }
    if let Some(failed) = failed {
        span.set_attribute(ERROR, failed);
        span.set_status(Status::error(failed));
    }
}

/// Tells the span of a gRPC call its status. `is_error` says whether the gateway failed, and not its caller.
pub(crate) fn status(span: &Span, name: &'static str, is_error: bool) {
    span.set_attribute("rpc.response.status_code", name);
    if is_error {
        span.set_attribute(ERROR, name);
        span.set_status(Status::error(name));
    }
}

/// Tells the span of a call over HTTP its status. What is wrong with a call of a caller is no error of the gateway. Source:
/// OpenTelemetry, "Semantic conventions for HTTP spans", status.
pub(crate) fn http_status(span: &Span, status: StatusCode) {
    span.set_attribute(STATUS, i64::from(status.as_u16()));
    if status.is_server_error() {
        span.set_attribute(ERROR, status.as_str().to_owned());
        span.set_status(Status::error(status.as_str().to_owned()));
    }
}

/// Whether a call is traced, and then what it is a part of, where it is a part of something.
fn taken(headers: &HeaderMap) -> Option<Option<Parent>> {
    let sampling = SAMPLING.get()?;
    let parent = Parent::of(headers);
    sampling.takes(parent.as_ref()).then_some(parent)
}

fn begun(span: Span, parent: Option<Parent>, headers: &HeaderMap) -> Span {
    if let Some(parent) = parent {
        // It fails where no layer records the span, and then there is nothing to tell.
        let _ = span.set_parent(Context::new().with_remote_span_context(parent.context(headers)));
    }
    show_trace(&span);
    span
}

/// Puts the number of the trace where the log finds it. The span begins with this; its pushes have the number themselves.
fn show_trace(span: &Span) {
    span.record("trace_id", display(context(span).trace_id()));
}

fn context(span: &Span) -> SpanContext {
    span.context().span().span_context().clone()
}
