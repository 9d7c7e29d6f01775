//! Over which connection: one pool, shared by every call and every provider.
//!
//! [`Upstream::peer`] names a pool once; [`PeerPool::permit`] waits for a stream of it; [`Permit::exchange`]
//! uses the stream, and sends again what provably was not sent.

mod addresses;
mod budget;
mod cause;
mod choice;
mod connect;
mod connect_error;
mod connection;
mod error;
mod http1;
mod http2;
mod in_flight;
mod lifecycle;
mod observe;
mod patience;
mod peer;
mod peers;
mod permit;
mod pool;
mod proxy;
mod reach;
pub mod tls;
pub mod transport;
mod validity;
mod waiters;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

pub use cause::{EndCause, OpenCause};
pub use connect::{BoxFuture, Dial, Resolve, SystemResolver, TcpDialer};
pub use connect_error::ConnectError;
pub use error::{Head, NoAnswerCause, Unanswered, Unsent, UnsentCause, UpstreamError};
pub use in_flight::{InFlight, Share};
pub use observe::{ConnectionState, NamedBy, Observe, ObservePeer, Report, Unobserved};
pub use peer::{Http, InvalidOrigin, Origin, Peer};
pub use peers::TooManyPeers;
pub use permit::{Answer, Permit, Reply, Request};
pub use proxy::{Proxies, Proxy};
pub use reach::Reach;
pub use validity::Validity;

use budget::Budget;
use connect::Connector;
use patience::Patience;
use peers::{Held, Peers};
use pool::{Common, Pool};
use waiters::Arrival;

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
    /// With another age each time, so that connections which opened together are not replaced together.
    fn patience(&self) -> Patience {
        Patience {
            ping_after: self.ping_after,
            ping: self.ping_timeout,
            idle: self.idle_timeout,
            idle_http1: self.http1_idle_timeout,
            age: self.max_age.mul_f64(1.0 - fastrand::f64() / 5.0),
        }
    }
}

/// How work competes for what is scarce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServiceClass {
    /// It is served first.
    Interactive,
    /// It yields to the interactive, and never takes the last fifth of anything.
    Bulk,
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
    common: Arc<Common>,
    observer: Box<dyn Observe>,
    peers: Mutex<Peers>,
}

impl Upstream {
    /// An empty pool.
    #[must_use]
    pub fn new(
        settings: UpstreamSettings,
        resolver: Arc<dyn Resolve>,
        dialer: Arc<dyn Dial>,
        observer: impl Observe,
    ) -> Self {
        let budget = Budget::new(settings.max_connections);
        let common = Common { settings, connector: Connector { resolver, dialer }, budget };
        Self { common: Arc::new(common), observer: Box::new(observer), peers: Mutex::default() }
    }

    /// The pool of a peer; the same one for the same origin and identity. Where there are too many, the one
    /// that was idle the longest is forgotten.
    ///
    /// # Errors
    /// Where all are in use.
    pub fn peer(&self, peer: Peer) -> Result<PeerPool, TooManyPeers> {
        self.pool(peer, NamedBy::Operator)
    }

    /// The same for a peer that somebody from outside named, of whom there is no end: its observer is told so.
    ///
    /// # Errors
    /// Where all are in use.
    pub fn unnamed_peer(&self, peer: Peer) -> Result<PeerPool, TooManyPeers> {
        self.pool(peer, NamedBy::Outsider)
    }

    fn pool(&self, peer: Peer, named_by: NamedBy) -> Result<PeerPool, TooManyPeers> {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        let held = peers.get(peer, self.common.settings.max_peers, |peer| {
            let observer = self.observer.peer(&peer, named_by);
            Pool::new(peer, Arc::clone(&self.common), observer)
        })?;
        Ok(PeerPool { held })
    }

    /// Items of batches wait for streams no more: their senders go on elsewhere.
    pub fn drain_batches(&self) {
        self.pools().iter().for_each(|pool| pool.drain_batches());
    }

    /// Grants nothing more. Connections close when their streams are done.
    pub fn shut_down(&self) {
        self.common.budget.close();
        self.pools().iter().for_each(|pool| pool.shut_down(EndCause::Shutdown));
    }

    /// Ends every connection now. What was written and not answered is unanswered.
    pub fn abort(&self) {
        self.pools().iter().for_each(|pool| pool.abort(EndCause::Shutdown));
    }

    fn pools(&self) -> Vec<Arc<Pool>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner).all()
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
    held: Held,
}

impl std::fmt::Debug for PeerPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PeerPool({:?})", self.held.pool.peer())
    }
}

impl PeerPool {
    /// Where the peer is.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.held.pool.peer().origin
    }

    /// Waits for a stream.
    ///
    /// # Errors
    /// Where none came before the deadline, no connection can be made, or too many wait already.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the place in the line, and nothing else.
    pub async fn permit(&self, flow: Flow, deadline: Instant) -> Result<Permit, Unsent> {
        let pool = &self.held.pool;
        let granted = pool.acquire(flow, deadline, Arrival::New).await?;
        Ok(Permit::new(granted, Arc::clone(pool), flow, deadline))
    }
}

#[cfg(test)]
mod tests;
