//! The Mattermost push proxy: what is particular to it, its settings and its limits.

mod app;
mod limits;
mod request;
mod response;
mod sentences;
mod target;
#[cfg(test)]
mod tests;

pub use app::{Mattermost, MattermostSettings};
pub(crate) use limits::{MAX_CHANNEL_NAME_BYTES, MAX_MESSAGE_BYTES};
pub use request::Payload;
pub use target::Device;

use std::time::SystemTime;

use super::{Message, Outgoing, Provider, Reply, Verdict};
use crate::push::{Body, ProviderKind, Refusal, ToldTarget};

impl Provider for Mattermost {
    const KIND: ProviderKind = ProviderKind::new("mattermost", 4);
    const SUSPECTS: &'static str = "the push proxy's own environment, topics and projects";

    type Target = Device;
    type Payload = Payload;
    type Sealed = ();
    type Context = ();

    fn tell(target: &Device) -> ToldTarget<'_> {
        let text = format!("{}:{}", target.platform, target.token.as_str()).into();
        ToldTarget { field: "target.mattermost.device_id", text }
    }

    fn encode(&self, body: &Body) -> Result<Payload, Refusal> {
        request::encode(body)
    }

    fn address(&self, push: &Outgoing<'_, Self>, _: SystemTime) -> Result<Message, Refusal> {
        request::address(self, push)
    }

    fn known_answers() -> Vec<(u16, &'static str)> {
        response::known()
    }

    fn classify(&self, (): (), reply: &Reply, now: SystemTime) -> Verdict {
        response::classify(reply, self.front_502, now)
    }
}
