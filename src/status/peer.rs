//! How a peer is, with its connections.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::moment;
use super::word::Word;

/// How a peer is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PeerStatus {
    /// Where it is.
    pub(crate) origin: String,
    /// As whom it is connected to; empty where all share the connections.
    pub(crate) identity: String,
    /// Who named it.
    pub(crate) kind: Word,
    /// Its connections.
    pub(crate) connections: Vec<ConnectionStatus>,
    /// How many of its streams are in use.
    pub(crate) streams_used: usize,
    /// How many streams it allows.
    pub(crate) streams_allowed: usize,
    /// How many pushes wait for a stream.
    pub(crate) waiting: usize,
    /// Whether it is left alone.
    pub(crate) breaker: BreakerStatus,
    /// Since when it is left alone.
    #[serde(with = "moment::maybe")]
    pub(crate) since: Option<SystemTime>,
    /// Its last failure, if it has not answered since.
    pub(crate) why: Option<String>,
    /// In how many seconds one push may ask it again, where it is left alone.
    pub(crate) retry_after_seconds: Option<u64>,
    /// How many pushes may be tried again now, by the budget of retries.
    pub(crate) retries_left: u64,
}

/// Whether a peer is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BreakerStatus {
    /// It is sent to.
    Closed,
    /// Nothing is sent there but one push at a time that asks whether it is well again.
    Open,
}

/// A connection.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ConnectionStatus {
    /// `connecting`, `warming`, `open` or `draining`.
    pub(crate) state: Word,
    /// How many of its streams are in use.
    pub(crate) streams_used: usize,
    /// How many streams it may have.
    pub(crate) streams_allowed: usize,
}
