//! How one app speaks to a push proxy: what an operator says about it, checked once.

use super::limits::MAX_SERVER_ID_BYTES;
use crate::provider::Front502;
use crate::push::{InvalidValue, visible_ascii};

/// What an operator says about one app on a push proxy.
#[derive(Debug, Clone)]
pub struct MattermostSettings {
    /// The id of the Mattermost server that is meant by targets that name none.
    pub server_id: String,
}

/// How one app speaks to a push proxy.
#[derive(Debug, Clone)]
pub struct Mattermost {
    pub(super) server_id: String,
    pub(super) front_502: Front502,
}

impl Mattermost {
    /// # Errors
    /// Fails if the server id is empty, too long, or not visible ASCII. The proxy refuses a push without one.
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
