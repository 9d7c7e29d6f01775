//! Web Push: what is particular to it, its settings and its limits.
//!
//! Source: RFC 8030, RFC 8188, RFC 8291.

mod answers;
mod app;
mod encrypt;
mod endpoint;
mod hosts;
mod limits;
mod payload;
mod reply;
mod request;
mod response;
mod subscription;
#[cfg(test)]
mod tests;

pub use app::{WebPush, WebPushSettings};
pub use hosts::Vendor;
pub(crate) use limits::{DEFAULT_TTL_SECONDS, MAX_PLAINTEXT_BYTES, MAX_TOPIC_CHARS};
pub use request::{Payload, Sealed};
pub use subscription::Subscription;

use std::time::SystemTime;

use super::{Message, Outgoing, Provider, Reply, Seal, Verdict};
use crate::push::{Body, ProviderKind, Refusal, ToldTarget};
use encrypt::Ephemeral;
use fanfare_upstream::Head;

impl Provider for WebPush {
    const KIND: ProviderKind = ProviderKind::new("web_push", 3);
    const SUSPECTS: &'static str = "the app's web_push.key_file, and what stands before the push services";
    const SEAL: Option<Seal<Self>> =
        Some(|web_push, payload, subscription| web_push.seal(payload, subscription, &Ephemeral::draw()));

    type Target = Subscription;
    type Payload = Payload;
    type Sealed = Sealed;
    /// Whose push service it is, because each vendor answers in its own words.
    type Context = Vendor;

    fn tell(subscription: &Subscription) -> ToldTarget<'_> {
        ToldTarget::of("target.web_push.endpoint", &subscription.endpoint)
    }

    fn encode(&self, body: &Body) -> Result<Payload, Refusal> {
        request::encode(body)
    }

    fn address(&self, push: &Outgoing<'_, Self>, now: SystemTime) -> Result<Message<Vendor>, Refusal> {
        request::address(self, push, now)
    }

    fn known_answers() -> Vec<(u16, &'static str)> {
        answers::known()
    }

    fn classify(&self, vendor: Vendor, reply: &Reply, now: SystemTime) -> Verdict {
        response::classify(reply, vendor, self.front_502, now)
    }

    fn may_send_to(&self, subscription: &Subscription) -> Result<(), Refusal> {
        self.origin(subscription).map(drop)
    }

    fn head_decides(&self, head: &Head) -> bool {
        response::head_decides(head)
    }
}
