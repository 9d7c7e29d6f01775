//! A multicast's content, encoded once for each kind of target.

use std::sync::OnceLock;

use crate::provider::{Payload, Provider};
use crate::push::{Body, Refusal, Target};

/// What a body became, for each kind of target that was asked.
#[derive(Debug, Default)]
pub struct Encoded {
    apns: OnceLock<Result<Payload, Refusal>>,
    apns_channel: OnceLock<Result<Payload, Refusal>>,
    fcm: OnceLock<Result<Payload, Refusal>>,
    web_push: OnceLock<Result<Payload, Refusal>>,
    mattermost: OnceLock<Result<Payload, Refusal>>,
}

impl Encoded {
    /// The payload for this kind of target; encoded by the first who asks.
    pub(super) fn get(&self, provider: &Provider, body: &Body, target: &Target) -> &Result<Payload, Refusal> {
        let cell = match target {
            Target::Apns(_) => &self.apns,
            Target::ApnsChannel(_) => &self.apns_channel,
            Target::Fcm(_) => &self.fcm,
            Target::WebPush(_) => &self.web_push,
            Target::Mattermost(_) => &self.mattermost,
        };
        cell.get_or_init(|| provider.encode(body, target))
    }
}
