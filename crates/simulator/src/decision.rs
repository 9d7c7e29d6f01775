//! What a service has decided to answer.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode};

/// The reason of an answer that a front gave in the place of a good one.
pub(super) const PASSED_ON: &str = "front: passed on";

/// An answer, when it goes out, and what follows it.
pub(super) struct Decision {
    pub(super) status: u16,
    /// Without `content-type`, which goes out only with a body of that type.
    pub(super) headers: HeaderMap,
    pub(super) content_type: &'static str,
    pub(super) body: Bytes,
    /// For the journal.
    pub(super) reason: Option<Cow<'static, str>>,
    pub(super) timing: Timing,
    pub(super) follow_up: FollowUp,
}

/// When an answer goes out, beside the general latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timing {
    Now,
    After(Duration),
    Never,
}

/// What follows as soon as an answer is on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FollowUp {
    Nothing,
    /// A good provider token was answered: the limit rises to this, if it was not risen before.
    Authorised(u32),
    /// An expired provider token was answered: back to one stream, and the others in flight are
    /// refused. Source: jchambers/pushy#476.
    Expired,
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
            timing: Timing::Now,
            follow_up: FollowUp::Nothing,
        }
    }

    /// A service that was reached over the version of HTTP that it does not speak.
    pub(super) fn wrong_version() -> Self {
        Self::new(505, "text/plain; charset=utf-8", "HTTP version not supported\n")
    }

    /// The page of a reverse proxy that stands before the service. Source: nginx, `ngx_http_special_response.c`.
    pub(super) fn front(status: u16) -> Self {
        let title = match status {
            502 => "502 Bad Gateway",
            503 => "503 Service Temporarily Unavailable",
            _ => "504 Gateway Time-out",
        };
        let page = format!(
            "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
             <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
        );
        Self::new(status, "text/html", page).with_reason("front: not passed on")
    }

    /// The same where the service took the request: what it said is lost, and the journal alone knows.
    pub(super) fn front_after(status: u16, truth: &Self) -> Self {
        let taken = matches!(truth.status, 200 | 201) && truth.reason.is_none();
        let reason = match &truth.reason {
            None if taken => Cow::Borrowed(PASSED_ON),
            None => Cow::Owned(format!("{PASSED_ON}, {}", truth.status)),
            Some(reason) => Cow::Owned(format!("{PASSED_ON}, {reason}")),
        };
        Self::front(status).with_reason(reason)
    }

    pub(super) fn with_reason(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
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
