//! What is told of the pool of a peer to whoever watches over it.

use std::time::{Duration, Instant};

use super::phase::Phase;
use crate::failure::PeerFailure;

/// How the pool of a peer is at a moment.
pub(crate) struct CoreLook<E> {
    /// How many connects are under way.
    pub(crate) connecting: usize,
    /// Each connection, with its streams in use and those that it may have.
    pub(crate) connections: Vec<(Phase, usize, usize)>,
    pub(crate) waiting: usize,
    /// The last failure, if no answer came since.
    pub(crate) failure: Option<PeerFailure<E>>,
    /// Since when the peer is left alone, and how long until it may be asked again.
    pub(crate) ill: Option<(Instant, Duration)>,
}
