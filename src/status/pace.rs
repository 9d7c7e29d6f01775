//! How fast a push service is sent to.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::moment;

/// A pace that limits what is sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PaceStatus {
    /// Where the peer is that is paced; of a quota that is no peer's, its service.
    pub(crate) origin: String,
    /// As whom it is sent to; of a quota that is no peer's, what of the service the quota is for.
    pub(crate) identity: String,
    /// How many pushes a second may leave.
    pub(crate) per_second: f64,
    /// When the answers of the push service last lowered it, while they limit it; none where it is the configured quota.
    #[serde(with = "moment::maybe")]
    pub(crate) limited_since: Option<SystemTime>,
    /// How many pushes wait for their turn.
    pub(crate) waiting: usize,
}
