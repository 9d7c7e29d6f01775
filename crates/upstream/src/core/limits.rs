//! What bounds the pool of one peer.

use std::time::Duration;

/// What bounds the pool of one peer.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// Connections that take streams. As many again may be draining.
    pub(crate) max_connections: usize,
    /// Streams on one connection, where the peer allows more.
    pub(crate) max_streams: usize,
    /// Requests that wait for a stream.
    pub(crate) max_waiters: usize,
    /// Failed connects that one request waits through.
    pub(crate) connect_patience: u32,
    /// The first wait between failed connects; it doubles.
    pub(crate) backoff_min: Duration,
    /// The longest wait between failed connects.
    pub(crate) backoff_max: Duration,
    /// A connection is [`Phase::Warming`](super::Phase::Warming) until it brings a good answer, and none other opens beside it.
    pub(crate) proves_credential: bool,
}
