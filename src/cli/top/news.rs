//! What is known of the gateway, and whether it is still told.

use std::sync::Arc;

use anyhow::Context;
use tokio::time::Instant;

use super::script::Script;
use crate::status::Status;

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
