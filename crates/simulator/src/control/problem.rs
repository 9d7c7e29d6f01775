//! Describes why a request cannot be done: a problem by RFC 9457, with the field, what was found there and what may
//! stand there.

use std::fmt::Display;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use crate::fault::UnfitRule;

/// The most characters of what was found that are repeated.
const MAX_FOUND: usize = 200;

#[derive(Debug, Serialize)]
pub(super) struct Problem {
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<String>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self {
            title,
            status: status.as_u16(),
            detail: detail.into(),
            field: None,
            found: None,
            expected: None,
        }
    }

    /// Describes a field that holds something it may not hold.
    pub(super) fn field(field: &str, found: &dyn Display, expected: &dyn Display) -> Self {
        let found: String = found.to_string().chars().take(MAX_FOUND).collect();
        let expected = expected.to_string();
        let detail = format!("{field}: found {found}, expected {expected}");
        Self {
            field: Some(field.to_owned()),
            found: Some(found),
            expected: Some(expected),
            ..Self::new(StatusCode::BAD_REQUEST, detail)
        }
    }

    pub(super) fn not_found(what: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, what)
    }

    /// Describes a body that is not JSON of the right shape. serde says "FOUND, expected EXPECTED".
    pub(super) fn json(error: &serde_path_to_error::Error<serde_json::Error>) -> Self {
        let (field, said) = (error.path().to_string(), error.inner().to_string());
        let detail = if field == "." { said.clone() } else { format!("{field}: {said}") };
        let (found, expected) = match said.split_once(", expected ") {
            Some((found, expected)) => (Some(found.to_owned()), Some(expected.to_owned())),
            None => (None, None),
        };
        Self { field: Some(field), found, expected, ..Self::new(StatusCode::BAD_REQUEST, detail) }
    }
}

impl From<UnfitRule> for Problem {
    fn from(unfit: UnfitRule) -> Self {
        Self::field(&unfit.field, &unfit.found, &unfit.expected)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // The problem consists of texts and a number, which can always be written.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
        response
    }
}
