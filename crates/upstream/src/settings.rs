//! The limits of the pool.

use std::time::Duration;

use crate::core::Limits;
use crate::patience::Patience;

/// Limits of the pool. Every wait and every queue of it is here.
#[derive(Debug, Clone)]
pub struct UpstreamSettings {
    /// Resolving, TCP, TLS and the peer's first SETTINGS together.
    pub connect_timeout: Duration,
    /// The first wait between failed connects; doubles.
    pub backoff_min: Duration,
    /// The longest wait between failed connects.
    pub backoff_max: Duration,
    /// Failed connects that one push waits through.
    pub connect_patience: u32,
    /// Connections to one peer that take streams; as many again may be draining.
    pub max_connections_per_peer: usize,
    /// Connections to all peers, those included that drain or are being opened.
    pub max_connections: usize,
    /// Streams on one connection, where the peer allows more.
    pub max_streams: usize,
    /// Pushes that wait for a stream of one peer.
    pub max_waiters: usize,
    /// Peers.
    pub max_peers: usize,
    /// A stream without an answer is reset after this time.
    pub answer_timeout: Duration,
    /// Silence, with answers outstanding, after which a PING is sent.
    pub ping_after: Duration,
    /// From a PING to its answer.
    pub ping_timeout: Duration,
    /// A connection without streams closes after this time.
    pub idle_timeout: Duration,
    /// The same for HTTP/1.1, where a peer that closes first may leave a push in doubt.
    pub http1_idle_timeout: Duration,
    /// A connection is replaced before this age, at a random moment of its last fifth.
    pub max_age: Duration,
    /// Resends of one request that came back provably unprocessed.
    pub max_resends: u32,
    /// The largest body of an answer, in bytes.
    pub max_reply_bytes: usize,
    /// The largest header list of an answer, in bytes.
    pub max_reply_header_bytes: u32,
}

impl Default for UpstreamSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            backoff_min: Duration::from_secs(1),
            backoff_max: Duration::from_secs(60),
            connect_patience: 3,
            max_connections_per_peer: 64,
            max_connections: 512,
            max_streams: 1000,
            max_waiters: 100_000,
            max_peers: 1024,
            answer_timeout: Duration::from_secs(30),
            ping_after: Duration::from_secs(10),
            ping_timeout: Duration::from_secs(5),
            // Apple asks to keep connections open for hours or days.
            idle_timeout: Duration::from_secs(60 * 60),
            // Mattermost's push proxy closes after 60 s: its read timeout. Source: its `server/server.go`.
            http1_idle_timeout: Duration::from_secs(30),
            max_age: Duration::from_secs(24 * 60 * 60),
            max_resends: 16,
            max_reply_bytes: 64 * 1024,
            max_reply_header_bytes: 16 * 1024,
        }
    }
}

impl UpstreamSettings {
    /// What bounds the pool of one peer.
    pub(crate) fn limits(&self, proves_credential: bool) -> Limits {
        Limits {
            max_connections: self.max_connections_per_peer,
            max_streams: self.max_streams,
            max_waiters: self.max_waiters,
            connect_patience: self.connect_patience,
            backoff_min: self.backoff_min,
            backoff_max: self.backoff_max,
            proves_credential,
        }
    }

    /// With another age each time, so that connections which opened together are not replaced together.
    pub(crate) fn patience(&self) -> Patience {
        Patience {
            ping_after: self.ping_after,
            ping: self.ping_timeout,
            idle: self.idle_timeout,
            idle_http1: self.http1_idle_timeout,
            age: self.max_age.mul_f64(1.0 - fastrand::f64() / 5.0),
        }
    }
}
