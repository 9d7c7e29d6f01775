//! Firebase Cloud Messaging, HTTP v1: what is particular to it, its settings and its limits.

mod answers;
mod app;
mod apple;
mod data;
mod error;
mod fields;
mod limits;
mod parts;
mod raw;
mod reply;
mod request;
mod response;
mod target;
#[cfg(test)]
mod tests;

pub use app::{Fcm, FcmSettings};
pub(crate) use limits::{
    MAX_ANALYTICS_LABEL_CHARS, MAX_PAYLOAD_BYTES, MAX_TOPIC_PAYLOAD_BYTES, MAX_TTL_SECONDS,
};
pub use reply::ReplyContext;
pub use request::Payload;
pub use target::Target;

use std::time::SystemTime;

use super::{Message, Outgoing, Provider, Reply, Verdict};
use crate::push::{Audience, Body, ProviderKind, Refusal, ToldTarget};

impl Provider for Fcm {
    const KIND: ProviderKind = ProviderKind::new("fcm", 2);
    const SUSPECTS: &'static str = "the app's project and key_file";
    const ANSWERS_DRY_RUNS: bool = true;

    type Target = Target;
    type Payload = Payload;
    type Sealed = ();
    type Context = ReplyContext;

    fn audience(target: &Target) -> Audience<'_> {
        match target {
            Target::Token(_) | Target::InstallationId(_) => Audience::Device,
            Target::Topic(topic) => Audience::Topic(topic),
            Target::Condition(condition) => Audience::Condition(condition),
        }
    }

    fn tell(target: &Target) -> ToldTarget<'_> {
        match target {
            Target::Token(token) => ToldTarget::of("target.fcm.registration_token", token.as_str()),
            Target::InstallationId(id) => ToldTarget::of("target.fcm.fid", id),
            Target::Topic(topic) => ToldTarget::of("target.fcm.topic", topic),
            Target::Condition(condition) => ToldTarget::of("target.fcm.condition", condition),
        }
    }

    fn encode(&self, body: &Body) -> Result<Payload, Refusal> {
        request::encode(body)
    }

    fn address(&self, push: &Outgoing<'_, Self>, now: SystemTime) -> Result<Message<ReplyContext>, Refusal> {
        request::address(self, push, now)
    }

    fn known_answers() -> Vec<(u16, &'static str)> {
        answers::known()
    }

    fn classify(&self, context: ReplyContext, reply: &Reply, now: SystemTime) -> Verdict {
        response::classify(reply, context, now)
    }
}
