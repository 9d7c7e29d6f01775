//! The limits of the pool.

use std::time::Duration;

use crate::breaker::BreakerSettings;
use crate::core::{PaceSettings, PoolLimits};
use crate::kind::{PeerKind, Rank};
use crate::patience::Patience;

/// The limits of the pool. Every wait and every queue of it is bounded by one of them.
///
/// [`Default`] has a value for each, which suits few peers that are sent to all the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamSettings {
    /// How long a connect may take: resolving, TCP, TLS and the peer's first SETTINGS together. 10 s by default.
    pub connect_timeout: Duration,
    /// The wait after the second connect in a row that failed; after the first there is none. It doubles each time, and
    /// a random half of it is left out. 1 s by default.
    pub backoff_min: Duration,
    /// The longest wait between failed connects. 60 s by default.
    pub backoff_max: Duration,
    /// After how many failed connects a request that waits for a stream is refused as
    /// [`Unsent::Unreachable`](crate::Unsent::Unreachable). 3 by default.
    pub connect_patience: u32,
    /// When a peer that fails is left alone, and for how long. It is left alone too after three connects in a row that
    /// brought no answer, or after `connect_patience`, if that is more.
    pub breaker: BreakerSettings,
    /// The most connections to one peer that take streams. As many again may be draining. 64 by default.
    pub max_connections_per_peer: usize,
    /// The most connections to all peers, with those that drain or are being opened. An eighth of them is left for the first
    /// connections of peers. 512 by default.
    pub max_connections: usize,
    /// The most streams on one connection, where the peer allows more. 1,000 by default.
    pub max_streams: usize,
    /// The most requests that wait for a stream of one peer. 100,000 by default.
    pub max_waiters: usize,
    /// The most peers. 1,024 by default.
    pub max_peers: usize,
    /// The most of them that are strangers, which is at most half of all. A half of these is for strangers that have brought
    /// a good answer, here and in the next two. 128 by default.
    pub max_stranger_peers: usize,
    /// The most connections to strangers, of those to all peers, and at most half of them. 64 by default.
    pub max_stranger_connections: usize,
    /// The most look-ups of strangers' names under way at once. One counts until the resolver has returned, even if nobody
    /// waits for it any more. 16 by default.
    pub max_stranger_lookups: usize,
    /// How long an answer may take, from the permit on. A stream without one is reset then. 30 s by default.
    pub answer_timeout: Duration,
    /// How long a peer that owes answers may be silent before it is sent a PING. 10 s by default; a connection that has
    /// brought no good answer yet gets a fifth of it.
    pub ping_after: Duration,
    /// How long the answer to a PING may take before the connection is given up. 5 s by default; a connection that has
    /// brought no good answer yet gets a fifth of it.
    pub ping_timeout: Duration,
    /// How long an HTTP/2 connection that owes nothing may be silent. It is asked by a PING before it is used again, since
    /// a NAT or a firewall may have forgotten it without a word. An HTTP/1.1 connection cannot be asked, and closes. This
    /// has to be less than the idle time of anything on the way. 60 s by default.
    pub probe_after: Duration,
    /// How long the answer to that PING may take before another connection opens. 1 s by default.
    pub probe_timeout: Duration,
    /// How long an HTTP/2 connection may have no streams before it closes. 1 h by default.
    pub idle_timeout: Duration,
    /// How long an HTTP/1.1 connection may have no request before it closes. A request that meets the end of a
    /// connection which the peer closed is in doubt, so this should be less than the peer's own time. It closes after
    /// [`probe_after`](Self::probe_after) if that is less. 30 s by default.
    pub http1_idle_timeout: Duration,
    /// The oldest that a connection gets. It is replaced at a random moment of the last fifth. 24 h by default.
    pub max_age: Duration,
    /// How often one request is sent again that came back provably unprocessed. 16 by default.
    pub max_resends: u32,
    /// How many of the requests to one peer may be tried again, in percent of the first tries. 20 by default.
    pub retry_percent: u32,
    /// How many may be tried again in a second beside those. 10 by default.
    pub retry_min_per_second: u32,
    /// The most turns a second of a peer whom somebody from [outside](crate::PeerKind) named. By default
    /// there is no such ceiling, and the pace is learned from answers alone.
    pub outsider_turns_per_second: Option<u32>,
    /// The largest body of an answer, in bytes. A larger answer is
    /// [unreadable](crate::NoAnswerCause::Unreadable). 64 KiB by default.
    pub max_reply_bytes: usize,
    /// The largest header list of an answer, in bytes. A larger one is unreadable. 16 KiB by default.
    pub max_reply_header_bytes: u32,
}

impl Default for UpstreamSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            backoff_min: Duration::from_secs(1),
            backoff_max: Duration::from_secs(60),
            connect_patience: 3,
            breaker: BreakerSettings::default(),
            max_connections_per_peer: 64,
            max_connections: 512,
            max_streams: 1000,
            max_waiters: 100_000,
            max_peers: 1024,
            max_stranger_peers: 128,
            max_stranger_connections: 64,
            max_stranger_lookups: 16,
            answer_timeout: Duration::from_secs(30),
            ping_after: Duration::from_secs(10),
            ping_timeout: Duration::from_secs(5),
            // Common middleboxes forget a connection after 4 minutes (Azure's load balancer and NAT gateway: "TCP idle timeout")
            // or 350 s (AWS: "NAT gateway basics", "Network Load Balancers").
            probe_after: Duration::from_secs(60),
            probe_timeout: Duration::from_secs(1),
            // Apple asks to keep connections open for hours or days. Source: "Sending notification requests to APNs".
            idle_timeout: Duration::from_secs(60 * 60),
            // Half of the read timeout of a common server, after which it closes an idle connection. Source:
            // `server/server.go` of Mattermost's push proxy, which has 60 s.
            http1_idle_timeout: Duration::from_secs(30),
            max_age: Duration::from_secs(24 * 60 * 60),
            max_resends: 16,
            // The defaults of Finagle's budget, which services of all kinds have run with. Source: Finagle,
            // `RetryBudget.apply`.
            retry_percent: 20,
            retry_min_per_second: 10,
            outsider_turns_per_second: None,
            max_reply_bytes: 64 * 1024,
            max_reply_header_bytes: 16 * 1024,
        }
    }
}

impl UpstreamSettings {
    /// The pace towards a peer.
    pub(crate) fn pace(&self, kind: PeerKind) -> PaceSettings {
        let most_per_second = match kind {
            PeerKind::Configured => None,
            PeerKind::Known | PeerKind::Claimed | PeerKind::Stranger => {
                self.outsider_turns_per_second.map(f64::from)
            }
        };
        PaceSettings { most_per_second, max_waiters: self.max_waiters, ..PaceSettings::default() }
    }

    /// The limits of the pool of one peer.
    pub(crate) fn limits(&self, proves_credential: bool, rank: Rank) -> PoolLimits {
        PoolLimits {
            max_connections: self.max_connections_per_peer,
            max_streams: self.max_streams,
            max_waiters: self.max_waiters,
            connect_patience: self.connect_patience,
            backoff_min: self.backoff_min,
            backoff_max: self.backoff_max,
            breaker: self.breaker,
            proves_credential,
            gives_up_early: rank == Rank::Unproven,
        }
    }

    /// How long one connection may be silent, idle and old. The age is another each time, so that connections which
    /// opened together are not replaced together.
    pub(crate) fn patience(&self) -> Patience {
        Patience {
            ping_after: self.ping_after,
            ping: self.ping_timeout,
            probe_after: self.probe_after,
            probe: self.probe_timeout,
            idle: self.idle_timeout,
            idle_http1: self.http1_idle_timeout.min(self.probe_after),
            age: self.max_age.mul_f64(1.0 - fastrand::f64() / 5.0),
        }
    }
}
