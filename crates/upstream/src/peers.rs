//! The pools of all peers. Their number is bounded, and an idle one is forgotten for a new one.
//!
//! The operator may name other peers while the pools are in use: what was named before and is not named again is retired.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use crate::cause::EndCause;
use crate::common::Common;
use crate::eviction::{Occupant, PeerLimits, TooManyPeers};
use crate::kind::PeerKind;
use crate::peer::{Peer, PeerKey};
use crate::pool::Pool;
use crate::settings::UpstreamSettings;

/// The pool of a peer, and the fact that somebody has it.
#[derive(Clone)]
pub(crate) struct HeldPool {
    pub(crate) pool: Arc<Pool>,
    /// The callers who have the pool share this. A pool that a caller has is not forgotten.
    holders: Arc<Holders>,
}

/// Those who have a pool. The last of them ends the pool of a peer that was retired.
struct Holders {
    pool: Arc<Pool>,
    retired: AtomicBool,
}

impl Drop for Holders {
    fn drop(&mut self) {
        if self.retired.load(Ordering::Acquire) {
            self.pool.forget(EndCause::PeerRetired);
        }
    }
}

/// Which peer it is. Who named it is a part, so that whoever makes a host up decides nothing over one whom the operator
/// named. So are the settings that its pool was made with.
type Place = (PeerKind, u64, PeerKey);

struct Resident {
    held: HeldPool,
    /// In which round it was made, and in which it was last asked for.
    made: u64,
    named: u64,
}

/// What decides over new pools.
#[derive(Clone)]
struct Terms {
    common: Arc<Common>,
    /// Counts how often the settings of pools have changed.
    settings: u64,
}

/// The pools of all peers.
///
/// A peer of which nothing came is kept until another needs its room, and is the first to leave then: meanwhile its backoff
/// spares the resolver a name that leads nowhere.
pub(crate) struct Peers {
    limits: PeerLimits,
    terms: Terms,
    /// The terms of the last round, which hold again where this one comes to nothing.
    former: Terms,
    /// Counts how often the operator began to name peers.
    round: u64,
    residents: HashMap<Place, Resident>,
    /// The pools of peers that were retired, as long as something of them is in use. They have given their places up.
    retired: Vec<Weak<Pool>>,
}

impl Peers {
    pub(crate) fn new(limits: PeerLimits, common: Arc<Common>) -> Self {
        let terms = Terms { common, settings: 0 };
        let (residents, retired) = Default::default();
        Self { limits, former: terms.clone(), terms, round: 0, residents, retired }
    }

    pub(crate) fn all(&self) -> Vec<Arc<Pool>> {
        let residents = self.residents.values().map(|resident| Arc::clone(&resident.held.pool));
        residents.chain(self.retired.iter().filter_map(Weak::upgrade)).collect()
    }

    /// The pool of a peer: the one that there is, or a new one.
    pub(crate) fn get(
        &mut self,
        peer: Peer,
        kind: PeerKind,
        make: impl FnOnce(Peer, &Arc<Common>) -> Arc<Pool>,
    ) -> Result<HeldPool, TooManyPeers> {
        let place = (kind, self.terms.settings, peer.key());
        if let Some(known) = self.residents.get_mut(&place) {
            known.named = self.round;
            return Ok(known.held.clone());
        }
        // What the operator named before leaves once all peers are named anew, so it takes no room from those.
        let may_leave = |(its, ..): &Place, resident: &Resident| {
            [kind, *its] == [PeerKind::Configured; 2] && resident.named < self.round
        };
        let counted = self.residents.iter().filter(|(place, resident)| !may_leave(place, resident));
        let occupants = counted.map(|(place, resident)| (place, resident.held.occupant()));
        if let Some(leaves) = self.limits.leaves_for(kind.rank(false), occupants)?.cloned()
            && let Some(left) = self.residents.remove(&leaves)
        {
            left.held.pool.forget(EndCause::Evicted);
        }
        let pool = make(peer, &self.terms.common);
        let holders = Holders { pool: Arc::clone(&pool), retired: AtomicBool::new(false) };
        let held = HeldPool { pool, holders: Arc::new(holders) };
        let resident = Resident { held: held.clone(), made: self.round, named: self.round };
        self.residents.insert(place, resident);
        Ok(held)
    }

    /// The operator names all peers anew, and pools are made with these settings from now on.
    pub(crate) fn name_anew(&mut self, settings: &UpstreamSettings) {
        self.round += 1;
        self.former = self.terms.clone();
        if let Some(common) = self.terms.common.with(settings) {
            self.terms = Terms { common: Arc::new(common), settings: self.terms.settings + 1 };
        }
    }

    /// All peers are named. Those that were not named again are retired, and those of others that are not to be kept.
    #[must_use]
    pub(crate) fn keep_named(&mut self, keep: impl Fn(&Peer) -> bool) -> Vec<HeldPool> {
        let (round, settings) = (self.round, self.terms.settings);
        self.retire(|(kind, of, _), resident| match kind {
            PeerKind::Configured => resident.named < round,
            PeerKind::Known | PeerKind::Claimed | PeerKind::Stranger => {
                *of != settings || !keep(resident.held.pool.peer())
            }
        })
    }

    /// The naming came to nothing. What was made for it is retired.
    #[must_use]
    pub(crate) fn keep_former(&mut self) -> Vec<HeldPool> {
        self.terms = self.former.clone();
        let (round, settings) = (self.round, self.terms.settings);
        self.retire(|(kind, of, _), resident| {
            *of != settings || (*kind == PeerKind::Configured && resident.made == round)
        })
    }

    /// The caller drops what is returned once it holds no lock: the pools end then that nobody has, and each of the others
    /// when the last who has it is done.
    fn retire(&mut self, leaves: impl Fn(&Place, &Resident) -> bool) -> Vec<HeldPool> {
        self.retired.retain(|pool| pool.strong_count() > 0);
        let leaving = self.residents.extract_if(|place, resident| leaves(place, resident));
        let leaving: Vec<_> = leaving.map(|(_, resident)| resident.held).collect();
        for held in &leaving {
            held.holders.retired.store(true, Ordering::Release);
            self.retired.push(Arc::downgrade(&held.pool));
        }
        leaving
    }
}

impl HeldPool {
    fn occupant(&self) -> Occupant {
        let nobody_has_it = Arc::strong_count(&self.holders) == 1;
        let idle_since = if nobody_has_it { self.pool.idle_since() } else { None };
        Occupant { rank: self.pool.rank(), idle_since }
    }
}
