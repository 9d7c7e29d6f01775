//! The places for connections: those of all peers, and the share that strangers have of them.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::budget::{Budget, ConnectionPlace};
use crate::connect_error::ConnectError;
use crate::connection::Hub;
use crate::kind::{Rank, share_of_strangers, share_of_unproven};
use crate::observe::Report;
use crate::peer::Peer;
use crate::settings::UpstreamSettings;

/// The places for connections.
pub(crate) struct Places {
    all: Arc<Budget>,
    strangers: Arc<Budget>,
    /// The connects under way to strangers that have brought no good answer.
    unproven: Arc<Semaphore>,
}

/// The place of a connection that is being made.
pub(crate) struct PlaceToConnect {
    /// The place of the connection, which it keeps until it closes.
    pub(crate) place: ConnectionPlace,
    /// It counts the connect, and is given back when that ends.
    pub(crate) connect: Option<OwnedSemaphorePermit>,
}

impl Places {
    pub(crate) fn new(settings: &UpstreamSettings) -> Self {
        let strangers = share_of_strangers(settings.max_stranger_connections, settings.max_connections);
        let unproven = share_of_unproven(strangers).min(Semaphore::MAX_PERMITS);
        Self {
            all: Budget::new(settings.max_connections),
            strangers: Budget::new(strangers),
            unproven: Arc::new(Semaphore::new(unproven)),
        }
    }

    /// Takes a place for a connection, and waits for one where none is free. A stranger waits no longer than a connect may
    /// take, since it holds its place among the peers meanwhile.
    ///
    /// # Errors
    /// It fails where a stranger's time has passed.
    pub(crate) async fn take(
        &self,
        hub: &dyn Hub,
        peer: &Peer,
        rank: Rank,
        settings: &UpstreamSettings,
    ) -> Result<PlaceToConnect, ConnectError> {
        if !rank.is_stranger() {
            let place = self.of_all(hub, peer, settings).await;
            return Ok(PlaceToConnect { place, connect: None });
        }
        let wait = async {
            // The narrowest limit comes first, so that nobody holds a part of a wider one while it waits. The semaphore is
            // never closed, so that there is a permit.
            let connect = match rank {
                Rank::Unproven => Arc::clone(&self.unproven).acquire_owned().await.ok(),
                Rank::Proven | Rank::Vouched | Rank::Kept => None,
            };
            let share = self.strangers.take().await;
            let place = self.of_all(hub, peer, settings).await.within(share);
            PlaceToConnect { place, connect }
        };
        timeout(settings.connect_timeout, wait).await.map_err(|_| ConnectError::Crowded {
            host: peer.origin.host().to_owned(),
            setting: "upstream.max_stranger_connections",
        })
    }

    /// Takes a place of those of all peers.
    async fn of_all(&self, hub: &dyn Hub, peer: &Peer, settings: &UpstreamSettings) -> ConnectionPlace {
        if let Some(place) = self.all.try_take() {
            return place;
        }
        hub.report(Report::ConnectFailed("max_connections"));
        let most = settings.max_connections;
        tracing::warn!(origin = ?peer, most, "as many connections as upstream.max_connections allows");
        self.all.take().await
    }
}
