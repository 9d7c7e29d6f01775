//! How the peer is at a moment, as whoever watches over it is told.

use tokio::time::Instant;

use super::Pool;
use crate::core::CoreLook;
use crate::look::{ConnectionLook, LeftAloneLook, PeerLook};

impl Pool {
    /// How the peer is now.
    pub(crate) fn look(&self) -> PeerLook {
        let look = self.lock().core.look(Instant::now().into_std());
        let CoreLook { connecting, connections, waiting, failure, ill } = look;
        let connections = connections.into_iter().map(|(phase, streams_used, streams_allowed)| {
            ConnectionLook { state: phase.into(), streams_used, streams_allowed }
        });
        let left_alone =
            |(since, retry_after)| LeftAloneLook { since: Instant::from_std(since), retry_after };
        PeerLook {
            origin: self.peer.origin.clone(),
            identity: self.peer.identity.clone(),
            kind: self.kind,
            connecting,
            connections: connections.collect(),
            waiting,
            failure,
            left_alone: ill.map(left_alone),
            pace: self.pacer.look(),
            retries_left: self.retries.left(Instant::now()),
        }
    }
}
