//! How peers and paces are at a moment, for whoever watches over them. To look costs the requests nothing but a lock that is
//! held for a moment.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::failure::PeerFailure;
use crate::kind::PeerKind;
use crate::observe::ConnectionState;
use crate::origin::Origin;

/// How a peer is at a moment.
#[derive(Debug, Clone)]
pub struct PeerLook {
    /// Where it is.
    pub origin: Origin,
    /// As whom it is connected to.
    pub identity: Arc<str>,
    /// Who named it.
    pub kind: PeerKind,
    /// How many connects are under way.
    pub connecting: usize,
    /// Its connections.
    pub connections: Vec<ConnectionLook>,
    /// How many requests wait for a stream.
    pub waiting: usize,
    /// Its last failure, if it has not answered since.
    pub failure: Option<PeerFailure>,
    /// It fails and is left alone; none while it is well.
    pub left_alone: Option<LeftAloneLook>,
    /// The pace at which it is sent to; none where nothing limits it.
    pub pace: Option<PaceLook>,
    /// How many requests may be tried again at this moment, by the budget of retries.
    pub retries_left: u64,
}

/// A connection at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLook {
    /// What it does.
    pub state: ConnectionState,
    /// How many of its streams are in use.
    pub streams_used: usize,
    /// How many streams it may have.
    pub streams_allowed: usize,
}

/// A peer that fails and is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeftAloneLook {
    /// Since when.
    pub since: Instant,
    /// When one request may ask it again.
    pub retry_after: Duration,
}

/// A pace at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct PaceLook {
    /// Where the peer is that is paced. A quota that is no peer's has the name of its service here.
    pub origin: String,
    /// As whom it is sent to. Of a quota that is no peer's, it is what of the service the quota is for.
    pub identity: String,
    /// How many requests a second may leave.
    pub per_second: f64,
    /// When the answers of the service last lowered the pace, while they limit it.
    pub limited_since: Option<Instant>,
    /// How many requests wait for their turn.
    pub waiting: usize,
}
