//! What a homeserver is answered. Nothing but the pushkeys that it is to delete can be told beside a status.
//!
//! Source: Matrix specification, "Push Gateway API" and "Standard error response".

use http::StatusCode;
use serde::Serialize;

use crate::ingress::http::{Answer, Refused, answer};

const JSON: &str = "application/json";

/// What a homeserver is told, as values.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// The request was served; the homeserver deletes the pushers of these pushkeys.
    Served(Vec<String>),
    /// The request was not served, for this reason.
    Error(StatusCode, &'static str, String),
}

impl Told {
    /// The homeserver is to send the request again, which it does with its own back-off.
    pub(super) fn again(status: StatusCode, why: &str) -> Self {
        Self::Error(status, "M_UNKNOWN", why.to_owned())
    }

    pub(super) fn answer(&self) -> Answer {
        match self {
            // The list is there where it is empty, because servers that use ruma take an answer without one for a failure.
            Self::Served(rejected) => answer(StatusCode::OK, JSON, json(&Rejected { rejected })),
            Self::Error(status, errcode, error) => {
                answer(*status, JSON, json(&MatrixError { errcode, error }))
            }
        }
    }
}

/// Says that this is a gateway of Matrix, which clients of UnifiedPush ask.
///
/// Source: github.com/binwiederhier/ntfy, `server_matrix.go`.
pub(super) fn discovered() -> Answer {
    answer(StatusCode::OK, JSON, r#"{"unifiedpush":{"gateway":"matrix"}}"#)
}

/// Why a call did not reach this ingress.
pub(super) fn refused(refused: &Refused) -> Answer {
    let errcode = match refused {
        Refused::NotFound | Refused::Method(_) => "M_UNRECOGNIZED",
        Refused::Unknown(_) => "M_UNAUTHORIZED",
        Refused::Denied(_) => "M_FORBIDDEN",
        Refused::ManyCalls | Refused::Rate(_) => "M_LIMIT_EXCEEDED",
        Refused::TooLarge(_) => "M_TOO_LARGE",
        Refused::Malformed(_)
        | Refused::TooSlow(_)
        | Refused::Broken
        | Refused::Encoded
        | Refused::NoRoom => "M_UNKNOWN",
    };
    refused.answer(JSON, json(&MatrixError { errcode, error: &refused.to_string() }))
}

#[derive(Serialize)]
struct Rejected<'a> {
    rejected: &'a [String],
}

#[derive(Serialize)]
struct MatrixError<'a> {
    errcode: &'a str,
    error: &'a str,
}

fn json(value: &impl Serialize) -> Vec<u8> {
    // Writing texts to memory does not fail.
    serde_json::to_vec(value).unwrap_or_default()
}
