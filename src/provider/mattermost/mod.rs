//! The Mattermost push proxy: what is particular to it, its settings and its limits.

mod request;
mod response;
mod sentences;
mod target;
#[cfg(test)]
mod tests;

pub use request::Payload;
pub use target::Device;

use std::time::SystemTime;

use super::{Front502, Message, Outgoing, Provider, Reply, Verdict};
use crate::push::{Body, InvalidValue, ProviderKind, Refusal, visible_ascii};

/// The longest `message`, in bytes. The proxy would cut a longer one, even inside a character.
///
/// Source: github.com/mattermost/mattermost-push-proxy, `server/`.
pub const MAX_MESSAGE_BYTES: usize = 2047;

/// The longest `channel_name`, in bytes. The proxy would cut a longer one in the same way.
///
/// Source: github.com/mattermost/mattermost-push-proxy, `server/`.
pub const MAX_CHANNEL_NAME_BYTES: usize = 64;

/// The longest server id that is taken, in bytes.
///
/// Source: the contract, `MattermostDevice.server_id`.
pub const MAX_SERVER_ID_BYTES: usize = 64;

/// What an operator says about one app on a push proxy.
#[derive(Debug, Clone)]
pub struct MattermostSettings {
    /// The id of the Mattermost server that is meant by targets that name none.
    pub server_id: String,
}

/// How one app speaks to a push proxy.
#[derive(Debug, Clone)]
pub struct Mattermost {
    server_id: String,
    front_502: Front502,
}

impl Mattermost {
    /// # Errors
    /// Where the server id is empty, too long, or not visible ASCII. The proxy refuses a push without one.
    pub fn try_new(settings: MattermostSettings) -> Result<Self, InvalidValue> {
        visible_ascii("a server id", &settings.server_id, MAX_SERVER_ID_BYTES)?;
        Ok(Self { server_id: settings.server_id, front_502: Front502::default() })
    }

    /// The same, with what an operator knows about a 502 from the proxy's front.
    #[must_use]
    pub fn with_front_502(self, front_502: Front502) -> Self {
        Self { front_502, ..self }
    }
}

impl Provider for Mattermost {
    const KIND: ProviderKind = ProviderKind::new("mattermost", 4);
    const SUSPECTS: &'static str = "the push proxy's own environment, topics and projects";

    type Target = Device;
    type Payload = Payload;
    type Sealed = ();
    type Context = ();

    fn encode(&self, body: &Body) -> Result<Payload, Refusal> {
        request::encode(body)
    }

    fn address(&self, push: &Outgoing<'_, Self>, _: SystemTime) -> Result<Message, Refusal> {
        request::address(self, push)
    }

    fn classify(&self, (): (), reply: &Reply, now: SystemTime) -> Verdict {
        response::classify(reply, self.front_502, now)
    }
}
