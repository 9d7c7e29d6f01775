//! Apple Push Notification service: what is particular to it, its settings and its limits.

mod answers;
mod app;
mod headers;
mod limits;
mod live_activity;
mod members;
mod payload;
mod push_type;
mod raw;
mod request;
mod response;
#[cfg(test)]
pub(super) mod strategies;
mod target;
#[cfg(test)]
mod tests;
mod topic;

pub use app::{Apns, ApnsSettings};
pub(super) use headers::{collapse_id, expiration, priority_value};
pub(crate) use limits::{
    MAX_BROADCAST_PAYLOAD_BYTES, MAX_COLLAPSE_ID_BYTES, MAX_PAYLOAD_BYTES, MAX_TOPIC_BYTES,
    MAX_VOIP_PAYLOAD_BYTES,
};
pub(crate) use push_type::known_push_types;
pub use request::Payload;
pub(super) use request::live_activity_payload;
pub use target::{Channel, Device, Target};

use std::borrow::Cow;
use std::time::SystemTime;

use super::{Message, Outgoing, Provider, Reply, Verdict};
use crate::push::{Audience, Body, ProviderKind, Refusal, ToldTarget};
use fanfare_upstream::Head;

impl Provider for Apns {
    const KIND: ProviderKind = ProviderKind::new("apns", 1);
    const SUSPECTS: &'static str = "the app's environment, topics and key";

    type Target = Target;
    type Payload = Payload;
    type Sealed = ();
    type Context = ();

    fn audience(target: &Target) -> Audience<'_> {
        match target {
            Target::Device(_) => Audience::Device,
            Target::Channel(channel) => Audience::Broadcast(&channel.channel_id),
        }
    }

    fn tell(target: &Target) -> ToldTarget<'_> {
        match target {
            Target::Device(device) => ToldTarget::of("target.apns.token", device.token.as_str()),
            Target::Channel(channel) => ToldTarget::of("target.apns_channel.channel_id", &channel.channel_id),
        }
    }

    fn topic<'a>(&'a self, target: &'a Target, payload: &Payload) -> Option<Cow<'a, str>> {
        request::topic(self, target, payload)
    }

    fn encode(&self, body: &Body) -> Result<Payload, Refusal> {
        request::encode(self, body)
    }

    fn address(&self, push: &Outgoing<'_, Self>, _: SystemTime) -> Result<Message, Refusal> {
        request::address(self, push)
    }

    fn known_answers() -> Vec<(u16, &'static str)> {
        answers::known()
    }

    fn classify(&self, (): (), reply: &Reply, now: SystemTime) -> Verdict {
        response::classify(reply, self.front_502, now)
    }

    fn head_decides(&self, head: &Head) -> bool {
        response::head_decides(head)
    }
}
