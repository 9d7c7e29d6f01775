//! The pools of all peers: bounded, the longest idle forgotten for a new one.

use std::collections::HashMap;
use std::sync::Arc;

use super::cause::EndCause;
use super::peer::{Peer, PeerKey};
use super::pool::Pool;

/// There are as many peers in use as `upstream.max_peers` allows.
#[derive(Debug, thiserror::Error)]
#[error("more than {0} upstream peers (upstream.max_peers)")]
pub struct TooManyPeers(usize);

/// A peer's pool, and how many outside hold it.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) pool: Arc<Pool>,
    /// Shared by those outside; a pool that they hold is not forgotten.
    holders: Arc<()>,
}

#[derive(Default)]
pub(super) struct Peers(HashMap<PeerKey, Held>);

impl Peers {
    pub(super) fn all(&self) -> Vec<Arc<Pool>> {
        self.0.values().map(|held| Arc::clone(&held.pool)).collect()
    }

    /// The pool of a peer: the one there is, or a new one.
    pub(super) fn get(
        &mut self,
        peer: Peer,
        most: usize,
        make: impl FnOnce(Peer) -> Arc<Pool>,
    ) -> Result<Held, TooManyPeers> {
        let key = peer.key();
        if let Some(held) = self.0.get(&key) {
            return Ok(held.clone());
        }
        if self.0.len() >= most {
            self.forget_one().ok_or(TooManyPeers(most))?.shut_down(EndCause::Evicted);
        }
        let held = Held { pool: make(peer), holders: Arc::default() };
        self.0.insert(key, held.clone());
        Ok(held)
    }

    /// Of those that nobody holds and that have nothing to do, the one that was used the longest ago.
    fn forget_one(&mut self) -> Option<Arc<Pool>> {
        let idle = self.0.iter().filter(|(_, held)| Arc::strong_count(&held.holders) == 1);
        let idle = idle.filter_map(|(key, held)| Some((held.pool.idle_since()?, key)));
        let key = idle.min_by_key(|(since, _)| *since)?.1.clone();
        self.0.remove(&key).map(|held| held.pool)
    }
}
