//! The pools of all peers. Their number is bounded: the one that was idle the longest is forgotten for a new one.

use std::collections::HashMap;
use std::sync::Arc;

use crate::cause::EndCause;
use crate::peer::{Peer, PeerKey};
use crate::pool::Pool;

/// As many peers are in use as [`UpstreamSettings::max_peers`](crate::UpstreamSettings::max_peers) allows.
#[derive(Debug, thiserror::Error)]
#[error("more than {0} upstream peers (upstream.max_peers)")]
pub struct TooManyPeers(usize);

/// The pool of a peer, and the fact that somebody has it.
#[derive(Clone)]
pub(crate) struct HeldPool {
    pub(crate) pool: Arc<Pool>,
    /// The callers who have the pool share this. A pool that a caller has is not forgotten.
    holders: Arc<()>,
}

/// The pools of all peers.
#[derive(Default)]
pub(crate) struct Peers(HashMap<PeerKey, HeldPool>);

impl Peers {
    pub(crate) fn all(&self) -> Vec<Arc<Pool>> {
        self.0.values().map(|held| Arc::clone(&held.pool)).collect()
    }

    /// The pool of a peer: the one that there is, or a new one.
    pub(crate) fn get(
        &mut self,
        peer: Peer,
        most: usize,
        make: impl FnOnce(Peer) -> Arc<Pool>,
    ) -> Result<HeldPool, TooManyPeers> {
        let key = peer.key();
        if let Some(held) = self.0.get(&key) {
            return Ok(held.clone());
        }
        if self.0.len() >= most {
            self.forget_one().ok_or(TooManyPeers(most))?.shut_down(EndCause::Evicted);
        }
        let held = HeldPool { pool: make(peer), holders: Arc::default() };
        self.0.insert(key, held.clone());
        Ok(held)
    }

    /// Removes the pool that was used the longest ago, of those that no caller has and that have nothing to do.
    fn forget_one(&mut self) -> Option<Arc<Pool>> {
        let idle = self.0.iter().filter(|(_, held)| Arc::strong_count(&held.holders) == 1);
        let idle = idle.filter_map(|(key, held)| Some((held.pool.idle_since()?, key)));
        let key = idle.min_by_key(|(since, _)| *since)?.1.clone();
        self.0.remove(&key).map(|held| held.pool)
    }
}
