//! Why a call does not reach its ingress.

use std::time::Duration;

use http::{HeaderValue, StatusCode, header};
use thiserror::Error;

use super::answer::{Answer, answer};
use crate::caller::{Denied, Unknown};
use crate::desk::NO_ROOM_WAIT;

/// What a call is told to wait whose address has too many calls in flight: nobody knows when one of them ends.
const MANY_CALLS_WAIT: Duration = Duration::from_secs(1);

/// Why a call does not reach its ingress, in a sentence for its caller. It repeats nothing that the call showed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Refused {
    #[error("{0}; nothing was sent")]
    Malformed(&'static str),
    #[error("nothing is served at this path")]
    NotFound,
    /// The methods that there are, as `Allow` names them.
    #[error("this path takes the method {0}")]
    Method(&'static str),
    #[error("{0}")]
    Unknown(Unknown),
    #[error("{0}")]
    Denied(Denied),
    #[error("too many calls are in flight from this address; nothing was sent")]
    ManyCalls,
    #[error("too many calls came from this address; nothing was sent")]
    Rate(Duration),
    #[error("expected a body of at most {0} bytes; nothing was sent")]
    TooLarge(usize),
    #[error("the body did not come whole within {0:?}; nothing was sent")]
    TooSlow(Duration),
    #[error("the body was broken off; nothing was sent")]
    Broken,
    #[error("expected a body without content-encoding; nothing was sent")]
    Encoded,
    #[error("the gateway has no room for the body now; nothing was sent")]
    NoRoom,
}

impl Refused {
    /// The status that HTTP has for it.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unknown(_) => StatusCode::UNAUTHORIZED,
            Self::Denied(_) => StatusCode::FORBIDDEN,
            Self::ManyCalls | Self::Rate(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow(_) => StatusCode::REQUEST_TIMEOUT,
            Self::Malformed(_) | Self::Broken => StatusCode::BAD_REQUEST,
            Self::Encoded => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NoRoom => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// When it is worth calling again, where that is known.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Rate(wait) => Some(*wait),
            Self::ManyCalls => Some(MANY_CALLS_WAIT),
            Self::NoRoom => Some(NO_ROOM_WAIT),
            Self::Malformed(_)
            | Self::NotFound
            | Self::Method(_)
            | Self::Unknown(_)
            | Self::Denied(_)
            | Self::TooLarge(_)
            | Self::TooSlow(_)
            | Self::Broken
            | Self::Encoded => None,
        }
    }

    /// Its name in metrics.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::NotFound => "not_found",
            Self::Method(_) => "method",
            Self::Unknown(_) => "unknown_caller",
            Self::Denied(_) => "denied",
            Self::ManyCalls => "source_calls",
            Self::Rate(_) => "source_rate",
            Self::TooLarge(_) => "body_too_large",
            Self::TooSlow(_) => "body_too_slow",
            Self::Broken => "body_broken",
            Self::Encoded => "body_encoded",
            Self::NoRoom => "no_room",
        }
    }

    /// Every name that [`Refused::reason`] gives.
    pub(super) const REASONS: [&'static str; 12] = [
        "malformed",
        "not_found",
        "method",
        "unknown_caller",
        "denied",
        "source_calls",
        "source_rate",
        "body_too_large",
        "body_too_slow",
        "body_broken",
        "body_encoded",
        "no_room",
    ];

    /// An answer with its status, of this media type and with this body, and the header fields that HTTP has for it.
    pub(crate) fn answer(&self, media_type: &'static str, body: impl Into<bytes::Bytes>) -> Answer {
        let mut answer = answer(self.status(), media_type, body);
        let headers = answer.headers_mut();
        if let Some(wait) = self.retry_after() {
            // Whole seconds are all that it can say, and a caller that comes too early has waited for nothing.
            // Source: RFC 9110, section 10.2.3.
            let seconds = u64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Self::Malformed(_) = self {
            // What follows on the connection is not trusted to begin where it seems to.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if let Self::Method(allowed) = self {
            headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
        }
        if let Self::Unknown(_) = self {
            // Source: RFC 9110, section 11.6.1; RFC 6750, section 3; RFC 7617, section 2.
            let challenges = HeaderValue::from_static("Bearer, Basic realm=\"fanfare\"");
            headers.insert(header::WWW_AUTHENTICATE, challenges);
        }
        answer
    }

    /// The same as plain text, where no ingress has a form for it.
    pub(crate) fn plain(&self) -> Answer {
        self.answer("text/plain; charset=utf-8", format!("{self}\n"))
    }
}
