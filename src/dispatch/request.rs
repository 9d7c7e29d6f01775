//! What one attempt sends.

use std::time::SystemTime;

use http::header::AUTHORIZATION;
use http::{HeaderValue, Method};

use super::Ask;
use crate::provider::{Message, Payload};
use crate::push::{Expiry, Refusal};
use crate::upstream::Request;

/// What is sent to this target, where it is sent at `now`.
pub(super) fn address(ask: &Ask<'_>, payload: &Payload, now: SystemTime) -> Result<Message, Refusal> {
    let Ask { push, route, .. } = *ask;
    route.provider.address(payload, &push.body, &push.id, &push.target, now)
}

pub(super) fn request(message: Message, authorization: Option<&HeaderValue>) -> Request {
    let Message { path, mut headers, body, .. } = message;
    if let Some(authorization) = authorization {
        headers.insert(AUTHORIZATION, authorization.clone());
    }
    Request { method: Method::POST, path, headers, body }
}

/// Whether a push has expired. The clock is read for those alone that expire.
pub(super) fn has_passed(expiry: Expiry) -> bool {
    matches!(expiry, Expiry::At(moment) if moment <= SystemTime::now())
}
