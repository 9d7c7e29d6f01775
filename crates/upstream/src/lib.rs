//! Over which connection: one pool, shared by every call and every provider.
//!
//! [`Upstream::peer`] names a pool once; [`PeerPool::permit`] waits for a stream of it; [`Permit::exchange`]
//! uses the stream, and sends again what provably was not sent.

mod addresses;
mod budget;
mod cause;
mod common;
mod connect;
mod connect_error;
mod connection;
mod core;
mod error;
mod flow;
mod http1;
mod http2;
mod in_flight;
mod observe;
mod opening;
mod patience;
mod peer;
mod peers;
mod permit;
mod pool;
mod proxy;
mod reach;
mod settings;
mod timer;
pub mod tls;
pub mod transport;
mod validity;

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;
use tokio_util::task::TaskTracker;

pub use cause::{EndCause, OpenCause};
pub use connect::{BoxFuture, Dial, Resolve, SystemResolver, TcpDialer};
pub use connect_error::ConnectError;
pub use error::{Head, NoAnswerCause, Unanswered, Unsent, UnsentCause, UpstreamError};
pub use flow::{Flow, ServiceClass};
pub use in_flight::{InFlight, Share};
pub use observe::{ConnectionState, NamedBy, Observe, ObservePeer, Report, Unobserved};
pub use peer::{Http, InvalidOrigin, Origin, Peer};
pub use peers::TooManyPeers;
pub use permit::{Answer, Permit, Reply, Request};
pub use proxy::{Proxies, Proxy};
pub use reach::Reach;
pub use settings::UpstreamSettings;
pub use validity::Validity;

use budget::Budget;
use common::Common;
use connect::Connector;
use core::Arrival;
use peers::{Held, Peers};
use pool::Pool;

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
        let connector = Connector { resolver, dialer };
        let common = Common { settings, connector, budget, tasks: TaskTracker::new() };
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

    /// Waits until the last connection has closed and no task of the pool is left. Only after
    /// [`shut_down`](Self::shut_down); after [`abort`](Self::abort) it takes a moment.
    pub async fn closed(&self) {
        self.common.tasks.close();
        self.common.tasks.wait().await;
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
