//! Asks a gateway how it is now.

use std::time::Duration;

use anyhow::{Context, anyhow};
use http_body_util::{BodyExt, Limited};
use tokio::time::timeout;

use super::news::read;
use super::script::Script;
use crate::cli::gateway::AdminListener;
use crate::status::Status;

/// A status has at most so many bytes.
const MAX_STATUS_BYTES: usize = 16 * 1024 * 1024;

/// How long a status may take to be read.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// The status of a gateway, without what no terminal may see.
///
/// # Errors
/// Fails if the gateway does not tell its status, or not in time.
pub(super) async fn look(gateway: &AdminListener, script: Script) -> anyhow::Result<Status> {
    let body = Limited::new(gateway.get("/status").await?.into_body(), MAX_STATUS_BYTES).collect();
    let body = timeout(READ_TIMEOUT, body).await.context("it does not tell its status in time")?;
    let body = body.map_err(|error| anyhow!("the connection broke: {error}"))?;
    read(&body.to_bytes(), script)
}
