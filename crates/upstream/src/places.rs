//! The places for connections: those of all peers, and the share that strangers have of them.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::budget::{Budget, ConnectionPlace};
use crate::cause::OpenCause;
use crate::connect_error::ConnectError;
use crate::connection::Hub;
use crate::kind::{Rank, share_of_strangers, share_of_unproven};
use crate::observe::Report;
use crate::peer::Peer;
use crate::settings::UpstreamSettings;

/// One of so many places is left for the first connections of peers.
const FOR_FIRST: usize = 8;

/// The places for connections.
pub(crate) struct Places {
    all: Arc<Budget>,
    /// The places for connections to strangers, and for those that peers open beside others. The rest is left for the first
    /// connections of peers that are no strangers, so that whoever sends little is not shut out by who sends much.
    most: Arc<Budget>,
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
            most: Budget::new(settings.max_connections - settings.max_connections / FOR_FIRST),
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
        why: OpenCause,
        settings: &UpstreamSettings,
    ) -> Result<PlaceToConnect, ConnectError> {
        if !rank.is_stranger() {
            let place = match why {
                OpenCause::Needed | OpenCause::Successor => of(&self.all, hub, peer, settings).await,
                OpenCause::Full => self.beside_others(None, hub, peer, settings).await,
            };
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
            let place = self.beside_others(Some(share), hub, peer, settings).await;
            PlaceToConnect { place, connect }
        };
        timeout(settings.connect_timeout, wait).await.map_err(|_| ConnectError::Crowded {
            host: peer.origin.host().to_owned(),
            setting: "upstream.max_stranger_connections",
        })
    }

    /// Takes a place that is not left for first connections.
    async fn beside_others(
        &self,
        share: Option<ConnectionPlace>,
        hub: &dyn Hub,
        peer: &Peer,
        settings: &UpstreamSettings,
    ) -> ConnectionPlace {
        let mut place = of(&self.most, hub, peer, settings).await;
        if let Some(share) = share {
            place = place.within(share);
        }
        of(&self.all, hub, peer, settings).await.within(place)
    }
}

/// Takes a place of a budget, and says so where it has to wait for one.
async fn of(
    budget: &Arc<Budget>,
    hub: &dyn Hub,
    peer: &Peer,
    settings: &UpstreamSettings,
) -> ConnectionPlace {
    if let Some(place) = budget.try_take() {
        return place;
    }
    hub.report(Report::ConnectFailed("max_connections"));
    let most = settings.max_connections;
    tracing::warn!(origin = ?peer, most, "as many connections as upstream.max_connections allows");
    budget.take().await
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::core::{ConnectionEvent, ConnectionId};
    use crate::goaway::GoAway;
    use crate::tests::peer;

    struct NoHub;

    impl Hub for NoHub {
        fn hears_answers(&self) -> bool {
            false
        }

        fn tell(&self, _: ConnectionId, _: ConnectionEvent) {}
        fn returned(&self, _: ConnectionId, _: usize) {}
        fn goaway(&self, _: ConnectionId, _: &GoAway) {}
        fn in_use(&self, _: ConnectionId) -> usize {
            0
        }
        fn report(&self, _: Report<'_>) {}
    }

    /// Takes a place, if there is one at once.
    fn take(
        places: &Places,
        settings: &UpstreamSettings,
        rank: Rank,
        why: OpenCause,
    ) -> Option<PlaceToConnect> {
        let taken = places.take(&NoHub, &peer("peer.test"), rank, why, settings).now_or_never();
        taken.map(|taken| taken.unwrap())
    }

    /// Takes all that there are.
    fn all(places: &Places, settings: &UpstreamSettings, rank: Rank, why: OpenCause) -> Vec<PlaceToConnect> {
        std::iter::from_fn(|| take(places, settings, rank, why)).collect()
    }

    #[tokio::test]
    async fn strangers_have_a_share_and_first_connections_find_a_place_beside_those_of_one_that_has_many() {
        let settings = UpstreamSettings {
            max_connections: 16,
            max_stranger_connections: 4,
            ..UpstreamSettings::default()
        };
        let places = Places::new(&settings);
        let mut unproven = all(&places, &settings, Rank::Unproven, OpenCause::Needed);
        assert_eq!(unproven.len(), 2);
        let proven = all(&places, &settings, Rank::Proven, OpenCause::Full);
        assert_eq!(proven.len(), 2);
        let many = all(&places, &settings, Rank::Vouched, OpenCause::Full);
        assert_eq!(many.len(), 10, "two places are left for first connections");
        let first = all(&places, &settings, Rank::Kept, OpenCause::Needed);
        assert_eq!(first.len(), 2);

        // When a stranger's connect has ended, another may begin, and finds no place until a connection has closed.
        unproven[0].connect = None;
        assert!(take(&places, &settings, Rank::Unproven, OpenCause::Needed).is_none());
        drop(proven);
        assert!(take(&places, &settings, Rank::Unproven, OpenCause::Needed).is_some());
    }
}
