//! The form of an answer of APNs.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use uuid::Uuid;

use crate::service::Environment;

/// What APNs answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) reason: Option<Cow<'static, str>>,
    pub(super) timestamp_ms: Option<u64>,
    pub(super) retry_after: Option<Duration>,
}

impl Reply {
    pub(super) fn accepted() -> Self {
        Self { status: 200, reason: None, timestamp_ms: None, retry_after: None }
    }

    pub(super) fn refused(status: u16, reason: &'static str) -> Self {
        Self { status, reason: Some(Cow::Borrowed(reason)), timestamp_ms: None, retry_after: None }
    }

    /// Returns the JSON body of a refusal, or nothing if the push was accepted.
    pub(super) fn body(&self) -> Bytes {
        let Some(reason) = &self.reason else { return Bytes::new() };
        let mut body = serde_json::json!({ "reason": reason });
        if let Some(timestamp) = self.timestamp_ms {
            body["timestamp"] = timestamp.into();
        }
        body.to_string().into()
    }
}

/// The header that names a request and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IdHeader {
    /// The header of a push to a device.
    ApnsId,
    /// The header of a broadcast.
    ApnsRequestId,
}

impl IdHeader {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ApnsId => "apns-id",
            Self::ApnsRequestId => "apns-request-id",
        }
    }
}

/// Returns the headers of an answer. The id of the client comes back as it was sent, good or not. Without one an id is
/// made, in capitals as APNs writes them.
///
/// Source: Apple, "Handling notification responses from APNs".
pub(super) fn headers(
    reply: &Reply,
    id: (IdHeader, Option<HeaderValue>),
    environment: Environment,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let uuid = |text: &str| HeaderValue::from_str(text).ok();
    let made = || uuid(Uuid::new_v4().hyphenated().encode_upper(&mut Uuid::encode_buffer()));
    if let Some(value) = id.1.or_else(made) {
        headers.insert(id.0.name(), value);
    }
    if reply.status == 200
        && environment == Environment::Sandbox
        && id.0 == IdHeader::ApnsId
        && let Some(value) = uuid(&Uuid::new_v4().to_string())
    {
        headers.insert("apns-unique-id", value);
    }
    if let Some(pause) = reply.retry_after {
        headers.insert("retry-after", HeaderValue::from(pause.as_secs()));
    }
    headers
}
