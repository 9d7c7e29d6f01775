//! What a homeserver is answered. Nothing but the pushkeys that it is to delete can be told beside a status.
//!
//! Source: Matrix specification, "Push Gateway API" and "Standard error response".

use http::StatusCode;
use serde::Serialize;

use super::request::MAX_DEVICES;

/// What a homeserver is answered, before it becomes HTTP.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// JSON, or nothing.
    pub(crate) body: Vec<u8>,
    /// The methods that the path takes, where the call came with another.
    pub(crate) allow: Option<&'static str>,
}

/// Why a request cannot be understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BadRequest {
    NotJson(String),
    BadJson(String),
    Missing(&'static str),
    NoDevices,
    TooManyDevices,
}

impl BadRequest {
    /// An error of the JSON parser, whose message repeats nothing but types and places.
    pub(super) fn of_json(path: &str, error: &serde_json::Error) -> Self {
        if error.is_data() {
            Self::BadJson(format!("{path}: {error}"))
        } else {
            Self::NotJson(error.to_string())
        }
    }

    pub(super) fn answer(&self) -> Answer {
        let status = match self {
            Self::TooManyDevices => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotJson(_) | Self::BadJson(_) | Self::Missing(_) | Self::NoDevices => {
                StatusCode::BAD_REQUEST
            }
        };
        match self {
            Self::NotJson(why) => Answer::error(status, "M_NOT_JSON", why),
            Self::BadJson(why) => Answer::error(status, "M_BAD_JSON", why),
            Self::Missing(key) => {
                let why = format!("expected {key}, found nothing");
                Answer::error(status, "M_MISSING_PARAM", &why)
            }
            Self::NoDevices => {
                Answer::error(status, "M_BAD_JSON", "expected devices in notification.devices, found none")
            }
            Self::TooManyDevices => {
                let why = format!("expected at most {MAX_DEVICES} devices in notification.devices");
                Answer::error(status, "M_TOO_LARGE", &why)
            }
        }
    }
}

#[derive(Serialize)]
struct Rejected<'a> {
    rejected: &'a [String],
}

#[derive(Serialize)]
struct Discovered {
    unifiedpush: Gateway,
}

#[derive(Serialize)]
struct Gateway {
    gateway: &'static str,
}

#[derive(Serialize)]
struct MatrixError<'a> {
    errcode: &'a str,
    error: &'a str,
}

impl Answer {
    /// The request was served; the homeserver deletes the pushers of these pushkeys. The list is there where it is empty,
    /// because servers that use ruma take an answer without one for a failure.
    pub(super) fn served(rejected: &[String]) -> Self {
        Self::json(StatusCode::OK, &Rejected { rejected })
    }

    /// The homeserver is to send the request again. It does so with its own back-off.
    pub(super) fn again(status: StatusCode, why: &str) -> Self {
        Self::error(status, "M_UNKNOWN", why)
    }

    /// This is a gateway of Matrix, which clients of UnifiedPush ask for.
    ///
    /// Source: github.com/binwiederhier/ntfy, `server_matrix.go`.
    pub(super) fn discovered() -> Self {
        Self::json(StatusCode::OK, &Discovered { unifiedpush: Gateway { gateway: "matrix" } })
    }

    pub(super) fn unknown_path() -> Self {
        Self::error(StatusCode::NOT_FOUND, "M_UNRECOGNIZED", "the gateway has no such path")
    }

    pub(super) fn unknown_method(allow: &'static str) -> Self {
        let error = Self::error(
            StatusCode::METHOD_NOT_ALLOWED,
            "M_UNRECOGNIZED",
            "the gateway does not take this method here",
        );
        Self { allow: Some(allow), ..error }
    }

    pub(super) fn error(status: StatusCode, errcode: &str, error: &str) -> Self {
        Self::json(status, &MatrixError { errcode, error })
    }

    fn json(status: StatusCode, value: &impl Serialize) -> Self {
        // Writing strings to memory does not fail.
        Self { status, body: serde_json::to_vec(value).unwrap_or_default(), allow: None }
    }
}
