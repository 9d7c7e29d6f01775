//! The peers, as the status tells of them: those in trouble and those in use first, and not more than a page can hold.

use fanfare_upstream::{ConnectionState, PaceLook, PeerLook};

use crate::status::{BreakerStatus, ConnectionStatus, PeerStatus, at};

/// So many peers are told. A gateway for Web Push may have a thousand.
const MOST: usize = 100;

/// The peers with their paces, and how many are left out.
pub(super) fn told(mut peers: Vec<PeerLook>) -> (Vec<(PeerStatus, Option<PaceLook>)>, usize) {
    peers.sort_by_cached_key(|peer| {
        let in_use = !peer.connections.is_empty() || peer.waiting > 0 || peer.connecting > 0;
        let rank = (peer.left_alone.is_none(), peer.failure.is_none(), !in_use);
        (rank, peer.origin.to_string(), peer.identity.to_string())
    });
    let left_out = peers.len().saturating_sub(MOST);
    peers.truncate(MOST);
    (peers.into_iter().map(of).collect(), left_out)
}

fn of(peer: PeerLook) -> (PeerStatus, Option<PaceLook>) {
    let connecting = ConnectionStatus { state: "connecting".into(), streams_used: 0, streams_allowed: 0 };
    let mut connections: Vec<_> = std::iter::repeat_n(connecting, peer.connecting).collect();
    connections.extend(peer.connections.iter().map(|connection| ConnectionStatus {
        state: match connection.state {
            ConnectionState::Connecting => "connecting".into(),
            ConnectionState::Warming => "warming".into(),
            ConnectionState::Open => "open".into(),
            ConnectionState::Draining => "draining".into(),
        },
        streams_used: connection.streams_used,
        streams_allowed: connection.streams_allowed,
    }));
    let left = peer.left_alone;
    let status = PeerStatus {
        origin: peer.origin.to_string(),
        identity: peer.identity.to_string(),
        kind: peer.kind.name().into(),
        streams_used: connections.iter().map(|it| it.streams_used).sum(),
        streams_allowed: connections.iter().map(|it| it.streams_allowed).sum(),
        connections,
        waiting: peer.waiting,
        breaker: if left.is_some() { BreakerStatus::Open } else { BreakerStatus::Closed },
        since: left.map(|left| at(left.since)),
        why: peer.failure.map(|failure| failure.to_string()),
        retry_after_seconds: left.map(|left| left.retry_after.as_secs()),
        retries_left: peer.retries_left,
    };
    (status, peer.pace)
}
