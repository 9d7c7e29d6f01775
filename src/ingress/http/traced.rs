//! Calls that are traced. The span of a call begins when its caller is known, so that strangers begin none, and ends with its
//! answer, or with the last push of its that goes on behind it.

use http::request::Parts;
use http::uri::Authority;
use http::{StatusCode, header};
use tracing::Span;

use super::caller::key_in_path;
use super::settings::HttpSettings;
use crate::caller::Caller;
use crate::telemetry::traces::{self, HttpCall};

/// The span of a call, which is disabled where the call is not traced.
pub(super) fn begin(parts: &Parts, settings: &HttpSettings, caller: &Caller) -> Span {
    if !traces::are_on() {
        return Span::none();
    }
    // A key in the path is no part of what is served there, and is shown to nobody.
    let (_, route) = key_in_path(parts.uri.path());
    // HTTP/2 says it in the path, and HTTP/1.1 in a header.
    let authority = parts.uri.authority().cloned().or_else(|| host(parts));
    traces::http_call(&HttpCall {
        headers: &parts.headers,
        method: &parts.method,
        route,
        scheme: if settings.listener.tls.is_some() { "https" } else { "http" },
        version: parts.version,
        authority: authority.as_ref(),
        caller: caller.name(),
    })
}

fn host(parts: &Parts) -> Option<Authority> {
    parts.headers.get(header::HOST)?.to_str().ok()?.parse().ok()
}

/// Tells the span of a call its status. One whose caller leaves before the answer has none.
pub(super) fn end(span: &Span, status: StatusCode) {
    if !span.is_disabled() {
        traces::http_status(span, status);
    }
}
