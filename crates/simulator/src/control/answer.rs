//! Writes the answers of the control API.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use super::problem::Problem;

/// What every route returns.
pub(super) type ControlAnswer = Result<Response, Problem>;

/// Answers with JSON.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    // Every value consists of texts, numbers, lists and maps with texts for keys, which can always be written.
    json_text(status, serde_json::to_vec(value).unwrap_or_default())
}

pub(super) fn json_text(status: StatusCode, text: impl Into<Body>) -> Response {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    response
}

pub(super) fn ok(value: &impl Serialize) -> ControlAnswer {
    Ok(json(StatusCode::OK, value))
}

pub(super) fn nothing() -> ControlAnswer {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}
