//! What is known of the gateway, and whether it is still told.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::time::Instant;

use super::script::Script;
use crate::status::Status;

/// How often a gateway is asked to which as many listen as may. Its samples are as far apart.
pub(super) const ASK_EVERY: Duration = Duration::from_secs(5);

/// What is known of the gateway.
#[derive(Debug, Clone)]
pub(super) struct News {
    /// The newest status; none before the first one was told.
    pub(super) status: Option<Arc<Status>>,
    pub(super) stream: Stream,
}

/// Whether the status is still told.
#[derive(Debug, Clone)]
pub(super) enum Stream {
    /// The first one is awaited.
    Connecting,
    /// Each second there is a new one.
    Live,
    /// As many listen as may, so it is asked for [now and then](ASK_EVERY).
    Asked,
    /// Nothing is told any more.
    Broken {
        why: String,
        /// Since when nothing is told.
        since: Instant,
        /// When it is tried again.
        again: Instant,
    },
}

/// Reads a status, and takes from it what no terminal may see.
///
/// # Errors
/// Fails if it is not the status of a gateway of this version, or of one that says more.
pub(super) fn read(json: &[u8], script: Script) -> anyhow::Result<Status> {
    let unknown = "what it tells is not the status that this version of fanfare knows";
    let value = serde_json::from_slice(json).context(unknown)?;
    serde_json::from_value(script.clean_json(value)).context(unknown)
}
