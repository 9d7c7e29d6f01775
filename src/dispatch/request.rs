//! What one attempt sends.

use std::time::SystemTime;

use fanfare_upstream::Request;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Method};

use super::Ask;
use crate::provider::{Message, Outgoing, Provider};
use crate::push::{Expiry, Refusal};

impl<P: Provider> Ask<'_, P> {
    /// The message to the target, as it is sent at `now`.
    pub(super) fn address(
        &self,
        payload: &P::Payload,
        sealed: &P::Sealed,
        now: SystemTime,
    ) -> Result<Message<P::Context>, Refusal> {
        let Self { id, target, body, route, .. } = *self;
        route.provider.address(&Outgoing { id, body, target, payload, sealed }, now)
    }

    /// Whether the push has expired. The clock is read only for pushes that can.
    pub(super) fn has_expired(&self) -> bool {
        matches!(self.body.options.expiry, Expiry::At(moment) if moment <= SystemTime::now())
    }
}

/// The request of a message, with the proof of who sends it.
pub(super) fn request<C>(message: Message<C>, authorization: Option<&HeaderValue>) -> Request {
    let Message { path, mut headers, body, .. } = message;
    if let Some(authorization) = authorization {
        headers.insert(AUTHORIZATION, authorization.clone());
    }
    Request { method: Method::POST, path, headers, body }
}
