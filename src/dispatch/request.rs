//! What one attempt sends.

use std::time::SystemTime;

use fanfare_upstream::{FieldName, Indexing};
use tokio::time::Instant;

use super::Ask;
use crate::credential::Stamp;
use crate::provider::{Message, Outgoing, Provider, bug};
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

    /// From when on sending the push is of no use: its deadline, or its expiry where that is earlier.
    pub(super) fn useless_from(&self) -> Instant {
        useless_from(self.terms.deadline, self.body.options.expiry)
    }

    /// Whether the push has expired. The clock is read only for pushes that can.
    pub(super) fn has_expired(&self) -> bool {
        matches!(self.body.options.expiry, Expiry::At(moment) if moment <= SystemTime::now())
    }
}

/// The deadline of a push, or its expiry where that is earlier.
pub(super) fn useless_from(deadline: Instant, expiry: Expiry) -> Instant {
    let Expiry::At(expiry) = expiry else { return deadline };
    let left = expiry.duration_since(SystemTime::now()).unwrap_or_default();
    Instant::now().checked_add(left).map_or(deadline, |expiry| deadline.min(expiry))
}

const AUTHORIZATION: FieldName = FieldName::constant("authorization");

/// The message with the proof of who sends it, as its last header.
pub(super) fn stamped<C>(mut message: Message<C>, stamp: Option<&Stamp>) -> Result<Message<C>, Refusal> {
    if let Some(stamp) = stamp {
        let pushed = message.request.push_known(AUTHORIZATION, stamp.authorization(), Indexing::Secret);
        pushed.map_err(|error| bug("", &error))?;
    }
    Ok(message)
}
