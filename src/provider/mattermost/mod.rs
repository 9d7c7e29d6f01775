//! The Mattermost push proxy: its settings and limits.

mod request;
mod response;
mod sentences;
#[cfg(test)]
mod tests;

pub use request::Payload;
pub use response::classify;

use super::Front502;
use crate::push::{InvalidValue, visible_ascii};

/// The longest `message`, in bytes; the proxy cuts a longer one, inside a character where one stands there.
///
/// Source: github.com/mattermost/mattermost-push-proxy, `server/`.
pub const MAX_MESSAGE_BYTES: usize = 2047;

/// The longest `channel_name`, in bytes, cut by the proxy in the same way.
///
/// Source: github.com/mattermost/mattermost-push-proxy, `server/`.
pub const MAX_CHANNEL_NAME_BYTES: usize = 64;

/// The longest server id taken, in bytes, as in the contract.
pub const MAX_SERVER_ID_BYTES: usize = 64;

/// What an operator says about one app on a push proxy.
#[derive(Debug, Clone)]
pub struct MattermostSettings {
    /// The Mattermost server's id, of targets that name none.
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
    /// Where the server id is empty, too long, or not visible ASCII: the proxy refuses a push without one.
    pub fn try_new(settings: MattermostSettings) -> Result<Self, InvalidValue> {
        visible_ascii("a server id", &settings.server_id, MAX_SERVER_ID_BYTES)?;
        Ok(Self { server_id: settings.server_id, front_502: Front502::default() })
    }

    /// With what an operator knows of a 502 of the proxy's front.
    #[must_use]
    pub fn with_front_502(self, front_502: Front502) -> Self {
        Self { front_502, ..self }
    }
}
