//! Over which connection: one pool, shared by every call and every provider.
//!
//! [`Upstream::peer`] names a pool once; [`PeerPool::permit`] waits for a stream of it; [`Permit::exchange`]
//! uses the stream, and sends again what provably was not sent.

mod connect;
mod connection;
mod error;
mod exchange;
mod peer;
mod pool;
pub mod tls;
mod waiters;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tokio::time::Instant;

pub use connect::{BoxFuture, Dial, Resolve, SystemResolver, TcpDialer};
pub use error::{ConnectError, Lost, Return, Unanswered, Unsent, UpstreamError};
pub use exchange::Reply;
pub use peer::{InvalidOrigin, Origin, Peer};

use peer::PeerKey;

use connect::Connector;
use connection::{Connection, Patience, Slot};
use exchange::{Limits, NoReply, exchange};
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
        Ok(Permit { slot, pool: Arc::clone(&self.pool), flow, deadline })
    }
}

/// The right to one stream, now.
pub struct Permit {
    slot: Slot,
    pool: Arc<Pool>,
    flow: Flow,
    deadline: Instant,
}

/// A request, complete but for the origin, which the peer has. Borrowed, since it may be sent again.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its path.
    pub path: &'a PathAndQuery,
    /// Its headers, but `authorization` and `content-length`.
    pub headers: &'a [(HeaderName, HeaderValue)],
    /// Its `authorization`.
    pub authorization: Option<&'a HeaderValue>,
    /// Its body.
    pub body: &'a Bytes,
}

/// A whole answer, and the connection it came on.
pub struct Answer {
    /// The answer.
    pub reply: Reply,
    connection: Arc<Connection>,
    pool: Arc<Pool>,
}

impl Answer {
    /// The connection takes no new streams; those it has are answered.
    pub fn retire_connection(&self) {
        self.pool.drain(self.connection.id(), "retired");
    }
}

impl Permit {
    /// Sends a request and reads the whole answer. What the peer provably did not process is sent again at
    /// once, on another stream; that is no attempt.
    ///
    /// # Errors
    /// Unsent where nothing was processed and the deadline or `upstream.max_resends` ended the resending;
    /// unanswered where the request was sent and no answer came.
    ///
    /// # Cancel safety
    /// A request that was given to h2 belongs to its connection from then on: dropping the future resets
    /// nothing.
    pub async fn exchange(self, request: Request<'_>) -> Result<Answer, UpstreamError> {
        let Self { mut slot, pool, flow, deadline } = self;
        let settings = pool.settings();
        let limits =
            Limits { deadline, answer_timeout: settings.answer_timeout, max_reply: settings.max_reply_bytes };
        let mut resends = 0;
        loop {
            let connection = Arc::clone(slot.connection());
            match exchange(slot, head(pool.peer(), request), request.body.clone(), limits).await {
                Ok(reply) => {
                    return Ok(Answer { reply, connection, pool });
                }
                Err(NoReply::Unanswered(unanswered)) => {
                    pool.metrics.unanswered(unanswered.cause.name());
                    return Err(unanswered.into());
                }
                Err(NoReply::Returned(last)) => {
                    pool.metrics.resent(last.name());
                    if resends == settings.max_resends {
                        return Err(Unsent::Refused { resends, last }.into());
                    }
                    resends += 1;
                    if last == Return::RefusedStream {
                        tokio::time::sleep_until(deadline.min(Instant::now() + refused_wait(resends))).await;
                    }
                    slot = pool.acquire(flow, deadline).await?;
                }
            }
        }
    }
}

/// The first resend of a refused stream is at once; a peer that goes on refusing is given time.
fn refused_wait(resends: u32) -> Duration {
    match resends {
        0 | 1 => Duration::ZERO,
        more => Duration::from_millis(1 << more.min(9)),
    }
}

fn head(peer: &Peer, request: Request<'_>) -> http::Request<()> {
    let mut headers = HeaderMap::with_capacity(request.headers.len() + 2);
    for (name, value) in request.headers {
        headers.append(name, value.clone());
    }
    if let Some(authorization) = request.authorization {
        headers.insert(header::AUTHORIZATION, authorization.clone());
    }
    // A body that is cut is malformed by this, and cannot be delivered: RFC 9113, section 8.1.1.
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(request.body.len()));
    let mut head = http::Request::new(());
    *head.method_mut() = request.method.clone();
    *head.uri_mut() = peer.uri(request.path);
    *head.headers_mut() = headers;
    head
}
