//! Names are looked up. The look-ups of strangers have a limit of their own, so that nobody else waits behind them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connect_error::ConnectError;
use crate::kind::{Rank, share_of_unproven};
use crate::network::Resolve;
use crate::peer::Peer;
use crate::settings::UpstreamSettings;

/// Looks names up.
pub(crate) struct Lookups {
    resolver: Arc<dyn Resolve>,
    /// The look-ups of all strangers.
    strangers: Arc<Semaphore>,
    /// The look-ups of strangers that have brought no good answer.
    unproven: Arc<Semaphore>,
    /// Owns the look-ups of strangers.
    tasks: TaskTracker,
    /// Ends them.
    stop: CancellationToken,
}

/// The right of a stranger to one look-up.
struct StrangerLookup {
    _unproven: Option<OwnedSemaphorePermit>,
    _stranger: Option<OwnedSemaphorePermit>,
}

impl Lookups {
    pub(crate) fn new(
        resolver: Arc<dyn Resolve>,
        settings: &UpstreamSettings,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let most = settings.max_stranger_lookups.min(Semaphore::MAX_PERMITS);
        let (strangers, unproven) = (Semaphore::new(most), Semaphore::new(share_of_unproven(most)));
        Self { resolver, strangers: Arc::new(strangers), unproven: Arc::new(unproven), tasks, stop }
    }

    /// Finds the addresses of the first hop to a peer.
    ///
    /// # Errors
    /// It fails if the resolver does, or if it has said nothing at that moment.
    pub(crate) async fn look_up(
        &self,
        peer: &Peer,
        rank: Rank,
        settings: &UpstreamSettings,
        until: Instant,
    ) -> Result<Vec<SocketAddr>, ConnectError> {
        let (host, port) = (peer.first_hop().host().to_owned(), peer.first_hop().port());
        // The operator named the proxy, whoever named the peer behind it.
        let found = if !rank.is_stranger() || peer.proxy.is_some() {
            timeout_at(until, self.resolver.resolve(&host, port)).await
        } else {
            let Ok(held) = timeout_at(until, self.of_stranger(rank)).await else {
                return Err(ConnectError::Crowded { host, setting: "upstream.max_stranger_lookups" });
            };
            timeout_at(until, self.spawn(held, host.clone(), port)).await
        };
        match found {
            Ok(Ok(addresses)) => Ok(addresses),
            Ok(Err(source)) => Err(ConnectError::Resolve { host, source }),
            Err(_) => Err(ConnectError::timeout(&peer.origin, settings.connect_timeout)),
        }
    }

    /// Waits until a stranger may look its name up.
    async fn of_stranger(&self, rank: Rank) -> StrangerLookup {
        // The narrower limit comes first, so that nobody holds a part of the wider one while it waits. The semaphores are never
        // closed, so that there are permits.
        let unproven = match rank {
            Rank::Unproven => Arc::clone(&self.unproven).acquire_owned().await.ok(),
            Rank::Proven | Rank::Vouched | Rank::Kept => None,
        };
        let stranger = Arc::clone(&self.strangers).acquire_owned().await.ok();
        StrangerLookup { _unproven: unproven, _stranger: stranger }
    }

    /// Looks the name of a stranger up, in a task that ends with the look-up. The operating system's resolver holds a thread
    /// of the runtime until it returns, also where nobody waits for it any more, so a look-up counts until then.
    async fn spawn(&self, held: StrangerLookup, host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
        let (resolver, stop) = (Arc::clone(&self.resolver), self.stop.clone());
        let look_up = self.tasks.spawn(async move {
            let found = stop.run_until_cancelled(resolver.resolve(&host, port)).await;
            drop(held);
            found
        });
        let stopped = || io::Error::other("the look-up ended without an answer");
        look_up.await.ok().flatten().unwrap_or_else(|| Err(stopped()))
    }
}
