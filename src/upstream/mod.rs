//! Over which connection: one pool, shared by every call and every provider.
//!
//! [`Upstream::peer`] names a pool once; [`PeerPool::permit`] waits for a stream of it; [`Permit::exchange`]
//! uses the stream, and sends again what provably was not sent.

mod choice;
mod connect;
mod connection;
mod driver;
mod error;
mod exchange;
mod peer;
mod permit;
mod pool;
pub mod tls;
mod waiters;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

pub use connect::{BoxFuture, Dial, Resolve, SystemResolver, TcpDialer};
pub use error::{ConnectError, Lost, Return, Unanswered, Unsent, UpstreamError};
pub use exchange::Reply;
pub use peer::{InvalidOrigin, Origin, Peer};
pub use permit::{Answer, Permit, Request};

use peer::PeerKey;

use connect::Connector;
use driver::Patience;
use pool::Pool;

use crate::metrics::{PeerLabels, UpstreamMetrics};
use crate::push::ServiceClass;

/// Limits of the pool. Every wait and every queue of it is here.
#[derive(Debug, Clone)]
pub struct UpstreamSettings {
    /// Resolving, TCP and TLS together.
    pub connect_timeout: Duration,
    /// From the handshake to the peer's first SETTINGS.
    pub settings_timeout: Duration,
    /// The first wait between failed connects; doubles.
    pub backoff_min: Duration,
    /// The longest wait between failed connects.
    pub backoff_max: Duration,
    /// Failed connects that one push waits through.
    pub connect_patience: u32,
    /// Connections to one peer.
    pub max_connections_per_peer: usize,
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
            settings_timeout: Duration::from_secs(10),
            backoff_min: Duration::from_secs(1),
            backoff_max: Duration::from_secs(60),
            connect_patience: 3,
            max_connections_per_peer: 64,
            max_streams: 1000,
            max_waiters: 100_000,
            max_peers: 1024,
            answer_timeout: Duration::from_secs(30),
            ping_after: Duration::from_secs(10),
            ping_timeout: Duration::from_secs(5),
            // Apple asks to keep connections open for hours or days.
            idle_timeout: Duration::from_secs(60 * 60),
            max_resends: 16,
            max_reply_bytes: 64 * 1024,
            max_reply_header_bytes: 16 * 1024,
        }
    }
}

impl UpstreamSettings {
    fn patience(&self) -> Patience {
        Patience {
            settings: self.settings_timeout,
            ping_after: self.ping_after,
            ping: self.ping_timeout,
            idle: self.idle_timeout,
        }
    }
}

/// Who asks for a stream: permits are granted in turn between flows of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flow {
    /// The interactive go first.
    pub class: ServiceClass,
    /// One batch stream, or all single pushes (0).
    pub id: u64,
}

impl Flow {
    /// The flow of all single pushes.
    pub const SINGLE: Self = Self { class: ServiceClass::Interactive, id: 0 };
}

/// The pool of pools. Built once.
pub struct Upstream {
    settings: UpstreamSettings,
    connector: Arc<Connector>,
    metrics: UpstreamMetrics,
    pools: Mutex<HashMap<PeerKey, Arc<Pool>>>,
}

/// There are as many peers as `upstream.max_peers` allows.
#[derive(Debug, thiserror::Error)]
#[error("more than {0} upstream peers (upstream.max_peers)")]
pub struct TooManyPeers(usize);

impl Upstream {
    /// An empty pool.
    #[must_use]
    pub fn new(
        settings: UpstreamSettings,
        resolver: Arc<dyn Resolve>,
        dialer: Arc<dyn Dial>,
        metrics: UpstreamMetrics,
    ) -> Self {
        let connector = Arc::new(Connector { resolver, dialer });
        Self { settings, connector, metrics, pools: Mutex::default() }
    }

    /// The pool of a peer; the same one for the same origin and identity.
    ///
    /// # Errors
    /// Where there are too many peers.
    pub fn peer(&self, peer: Peer) -> Result<PeerPool, TooManyPeers> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let full = pools.len() >= self.settings.max_peers;
        let pool = match pools.entry(peer.key()) {
            std::collections::hash_map::Entry::Occupied(entry) => Arc::clone(entry.get()),
            std::collections::hash_map::Entry::Vacant(_) if full => {
                return Err(TooManyPeers(self.settings.max_peers));
            }
            std::collections::hash_map::Entry::Vacant(entry) => {
                let labels =
                    PeerLabels { origin: peer.origin.to_string(), identity: peer.identity.to_string() };
                let metrics = self.metrics.peer(&labels);
                let connector = Arc::clone(&self.connector);
                Arc::clone(entry.insert(Pool::new(peer, self.settings.clone(), connector, metrics)))
            }
        };
        Ok(PeerPool { pool })
    }

    /// Items of batches wait for streams no more: their senders go on elsewhere.
    pub fn drain_batches(&self) {
        self.pools().iter().for_each(|pool| pool.drain_batches());
    }

    /// Grants nothing more. Connections close when their streams are done.
    pub fn shut_down(&self) {
        self.pools().iter().for_each(Pool::shut_down);
    }

    /// Ends every connection now. What was written and not answered is unanswered.
    pub fn abort(&self) {
        self.pools().iter().for_each(|pool| pool.abort("shutdown"));
    }

    fn pools(&self) -> Vec<Arc<Pool>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Connections that have not closed, over all peers.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.pools().iter().map(|pool| pool.open_connections()).sum()
    }
}

/// The connections of one peer.
#[derive(Clone)]
pub struct PeerPool {
    pool: Arc<Pool>,
}

impl std::fmt::Debug for PeerPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PeerPool({:?})", self.pool.peer())
    }
}

impl PeerPool {
    /// Waits for a stream.
    ///
    /// # Errors
    /// Where none came before the deadline, no connection can be made, or too many wait already.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the place in the line, and nothing else.
    pub async fn permit(&self, flow: Flow, deadline: Instant) -> Result<Permit, Unsent> {
        let slot = self.pool.acquire(flow, deadline).await?;
        Ok(Permit::new(slot, Arc::clone(&self.pool), flow, deadline))
    }
}
