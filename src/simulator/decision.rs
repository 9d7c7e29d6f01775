//! What a service has decided to answer.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::filter::Afterwards;

/// An answer, when it goes out, and what follows it.
pub(super) struct Decision {
    pub(super) status: u16,
    /// Without `content-type`, which goes out only with a body of that type.
    pub(super) headers: HeaderMap,
    pub(super) content_type: &'static str,
    pub(super) body: Bytes,
    /// For the journal.
    pub(super) reason: Option<Cow<'static, str>>,
    pub(super) pace: Pace,
    pub(super) afterwards: Afterwards,
}

/// When an answer goes out, beside the general latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    Now,
    After(Duration),
    Never,
}

impl Decision {
    /// An answer at once that nothing follows.
    pub(super) fn new(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            content_type,
            body: body.into(),
            reason: None,
            pace: Pace::Now,
            afterwards: Afterwards::Nothing,
        }
    }

    /// A service that was reached over the version of HTTP that it does not speak.
    pub(super) fn wrong_version() -> Self {
        Self::new(505, "text/plain; charset=utf-8", "HTTP version not supported\n")
    }

    pub(super) fn because(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    pub(super) fn with_header(mut self, name: &'static str, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The head of the answer; `typed` says that its body is of the service's own type.
    pub(super) fn head(&self, typed: bool) -> Response<()> {
        let mut response = Response::new(());
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.clone_from(&self.headers);
        if typed {
            headers.insert("content-type", HeaderValue::from_static(self.content_type));
        }
        response
    }
}
