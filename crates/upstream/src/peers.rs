//! The pools of all peers. Their number is bounded, and an idle one is forgotten for a new one.

use std::collections::HashMap;
use std::sync::Arc;

use crate::eviction::{Occupant, PeerLimits, TooManyPeers};
use crate::kind::PeerKind;
use crate::peer::{Peer, PeerKey};
use crate::pool::Pool;

/// The pool of a peer, and the fact that somebody has it.
#[derive(Clone)]
pub(crate) struct HeldPool {
    pub(crate) pool: Arc<Pool>,
    /// The callers who have the pool share this. A pool that a caller has is not forgotten.
    holders: Arc<()>,
}

/// The pools of all peers.
///
/// A peer of which nothing came is kept until another needs its room, and is the first to leave then: meanwhile its backoff
/// spares the resolver a name that leads nowhere.
pub(crate) struct Peers {
    limits: PeerLimits,
    /// Who named a peer is a part of its key, so that whoever makes a host up decides nothing over one whom the operator
    /// named.
    pools: HashMap<(PeerKind, PeerKey), HeldPool>,
}

impl Peers {
    pub(crate) fn new(limits: PeerLimits) -> Self {
        Self { limits, pools: HashMap::new() }
    }

    pub(crate) fn all(&self) -> Vec<Arc<Pool>> {
        self.pools.values().map(|held| Arc::clone(&held.pool)).collect()
    }

    /// The pool of a peer: the one that there is, or a new one.
    pub(crate) fn get(
        &mut self,
        peer: Peer,
        kind: PeerKind,
        make: impl FnOnce(Peer) -> Arc<Pool>,
    ) -> Result<HeldPool, TooManyPeers> {
        let key = (kind, peer.key());
        if let Some(held) = self.pools.get(&key) {
            return Ok(held.clone());
        }
        let occupants = self.pools.iter().map(|(key, held)| (key, held.occupant()));
        if let Some(leaves) = self.limits.leaves_for(kind.rank(false), occupants)?.cloned()
            && let Some(left) = self.pools.remove(&leaves)
        {
            left.pool.forget();
        }
        let held = HeldPool { pool: make(peer), holders: Arc::default() };
        self.pools.insert(key, held.clone());
        Ok(held)
    }
}

impl HeldPool {
    fn occupant(&self) -> Occupant {
        let nobody_has_it = Arc::strong_count(&self.holders) == 1;
        let idle_since = if nobody_has_it { self.pool.idle_since() } else { None };
        Occupant { rank: self.pool.rank(), idle_since }
    }
}
