//! What a service has decided to answer, and when, and what follows.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode};

/// The reason of an answer with which a front replaced a good one.
pub(super) const PASSED_ON: &str = "front: passed on";

/// What a service has decided to answer.
pub(super) struct Decision {
    pub(super) status: u16,
    /// The headers without `content-type`, which goes out only with a body of that type.
    pub(super) headers: HeaderMap,
    pub(super) content_type: &'static str,
    pub(super) body: Bytes,
    /// The reason that the journal records.
    pub(super) reason: Option<Cow<'static, str>>,
    pub(super) timing: Timing,
    pub(super) follow_up: FollowUp,
}

/// When an answer goes out, in addition to the general latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timing {
    Now,
    After(Duration),
    Never,
}

/// What follows as soon as the headers of an answer are on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FollowUp {
    Nothing,
    /// A good provider token was answered: the limit of streams rises to this, unless it has risen before.
    Authorised(u32),
    /// An expired provider token was answered: the limit falls back to one stream, and the other streams in flight are
    /// refused. Source: jchambers/pushy#476.
    Expired,
}

impl Decision {
    /// Answers at once, with nothing to follow.
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

    /// Answers a request that came over a version of HTTP which the service does not speak.
    pub(super) fn wrong_version() -> Self {
        Self::new(505, "text/plain; charset=utf-8", "HTTP version not supported\n")
    }

    /// Answers with the page of a reverse proxy that did not reach the service. Source: nginx,
    /// `ngx_http_special_response.c`.
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

    /// Answers with the same page although the service took the request. Only the journal knows what the service
    /// answered.
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

    /// Returns the status and headers of the answer. `typed` says that its body has the content type of the service.
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
