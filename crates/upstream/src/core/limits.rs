//! The limits of the pool of one peer.

use std::time::Duration;

use crate::breaker::BreakerSettings;

/// The limits of the pool of one peer.
#[derive(Debug, Clone)]
pub(crate) struct PoolLimits {
    /// The most connections that take streams. As many again may be draining.
    pub(crate) max_connections: usize,
    /// The most streams on one connection, where the peer allows more.
    pub(crate) max_streams: usize,
    /// The most requests that wait for a stream.
    pub(crate) max_waiters: usize,
    /// After how many failed connects a request that waits is refused.
    pub(crate) connect_patience: u32,
    /// The first wait between failed connects. It doubles each time.
    pub(crate) backoff_min: Duration,
    /// The longest wait between failed connects.
    pub(crate) backoff_max: Duration,
    /// When a peer that fails is left alone, and for how long.
    pub(crate) breaker: BreakerSettings,
    /// Whether a connection is [`Phase::Warming`](super::Phase::Warming) until it brings a good answer, so no
    /// other opens beside it.
    pub(crate) proves_credential: bool,
    /// Whether one failed connect refuses all who wait, and those who ask while the peer is left alone, until the first good
    /// answer. It is so where most peers lead nowhere, and one that is waited for takes the place of another.
    pub(crate) gives_up_early: bool,
}
