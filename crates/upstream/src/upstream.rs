//! The pools of all peers, and what a caller has of one of them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cause::EndCause;
use crate::common::Common;
use crate::connect::Connector;
use crate::core::{PaceSettings, Seniority};
use crate::error::Unsent;
use crate::eviction::{PeerLimits, TooManyPeers};
use crate::flow::Flow;
use crate::kind::PeerKind;
use crate::look::PeerLook;
use crate::lookups::Lookups;
use crate::network::{Dial, Resolve};
use crate::observe::{Observe, ObservePeer};
use crate::origin::Origin;
use crate::pacer::Pacer;
use crate::peer::Peer;
use crate::peers::{HeldPool, Peers};
use crate::permit::Permit;
use crate::places::Places;
use crate::pool::Pool;
use crate::settings::UpstreamSettings;
use crate::sleep::WallClock;
use crate::unreached::Unreached;
use crate::wall_clock::coarse_now;

/// The pools of all peers. A program builds one, and shares it.
///
/// Its settings bound every wait and every queue. It has no thread of its own: it spawns tasks on the tokio runtime in
/// which its methods are called.
pub struct Upstream {
    common: Arc<Common>,
    observer: Box<dyn Observe>,
    peers: Mutex<Peers>,
}

impl Upstream {
    /// A pool without peers and connections.
    ///
    /// `resolver` and `dialer` are its network, and `observer` hears what happens in it.
    #[must_use]
    pub fn new(
        settings: UpstreamSettings,
        resolver: Arc<dyn Resolve>,
        dialer: Arc<dyn Dial>,
        observer: impl Observe,
    ) -> Self {
        Self::with_wall_clock(settings, resolver, dialer, observer, Arc::new(coarse_now))
    }

    pub(crate) fn with_wall_clock(
        settings: UpstreamSettings,
        resolver: Arc<dyn Resolve>,
        dialer: Arc<dyn Dial>,
        observer: impl Observe,
        wall_clock: WallClock,
    ) -> Self {
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let lookups = Lookups::new(resolver, &settings, tasks.clone(), stop.clone());
        let (places, limits) = (Places::new(&settings), PeerLimits::new(&settings));
        let common = Common {
            connector: Arc::new(Connector { lookups, dialer }),
            wall_clock,
            places: Arc::new(places),
            unreached: Arc::new(Unreached::default()),
            tasks,
            stop,
            aborted: Arc::new(AtomicBool::new(false)),
            settings,
        };
        let common = Arc::new(common);
        let peers = Mutex::new(Peers::new(limits, Arc::clone(&common)));
        Self { common, observer: Box::new(observer), peers }
    }

    /// The pool of a peer, whom the operator of this process named. Peers share a pool if they have the same origin,
    /// identity, TLS, protocol, proxy and reach.
    ///
    /// No connection opens before one is asked for.
    ///
    /// # Errors
    /// It fails as [`peer_of`](Self::peer_of) does.
    pub fn peer(&self, peer: Peer) -> Result<PeerPool, TooManyPeers> {
        self.peer_of(PeerKind::Configured, peer)
    }

    /// The pool of a peer, like [`peer`](Self::peer), whoever named it.
    ///
    /// A peer beyond [`UpstreamSettings::max_peers`] takes the place of one that is idle: of a stranger if there is one, and
    /// else of the one that was idle for the longest. A stranger never takes the place of a peer that is none.
    ///
    /// # Errors
    /// [`TooManyPeers`] says that there are as many as may be, and that all of them are in use.
    pub fn peer_of(&self, kind: PeerKind, peer: Peer) -> Result<PeerPool, TooManyPeers> {
        let mut peers = self.lock();
        let held = peers.get(peer, kind, |peer, common| {
            let observer = self.observer.peer(&peer, kind);
            Pool::new(peer, kind, Arc::clone(common), observer.into())
        })?;
        if self.common.stop.is_cancelled() {
            // It may be younger than the shutdown, which knew nothing of it.
            held.pool.shut_down(EndCause::Shutdown);
        }
        Ok(PeerPool { held })
    }

    /// The operator of this process names all peers anew, while the former ones are in use. The pools of new peers have these
    /// settings; where they differ from those of before, all peers are new. What all peers share keeps its limits:
    /// `max_connections`, `max_peers`, and the three of strangers.
    ///
    /// Each is named by [`peer`](Self::peer), as it was before, and then [`keep_named`](Self::keep_named) or
    /// [`keep_former`](Self::keep_former) is called. No peer that is used already takes room from a new one meanwhile.
    pub fn name_anew(&self, settings: &UpstreamSettings) {
        self.lock().name_anew(settings);
    }

    /// All peers are named. The others are retired, and of those that somebody from outside named the ones that are not to
    /// be kept.
    ///
    /// A peer that is retired gives its place up at once. Its pool serves those who have it until the last of them is done;
    /// then its connections close when their last answers have come.
    pub fn keep_named(&self, keep: impl Fn(&Peer) -> bool) {
        // What leaves is dropped once the lock is free.
        let _leaving = self.lock().keep_named(keep);
    }

    /// The peers that were named last are not used, and those of before are.
    pub fn keep_former(&self) {
        let _leaving = self.lock().keep_former();
    }

    /// A pacer for requests that share a quota which no single peer stands for. It is named as a peer is: by its service, in
    /// place of an origin, and by what of that the quota is for, in place of an identity. `observer` hears what happens to it.
    #[must_use]
    pub fn pacer(
        &self,
        settings: PaceSettings,
        named: (String, String),
        observer: impl ObservePeer,
    ) -> Arc<Pacer> {
        Pacer::new(settings, named, PeerKind::Configured, Arc::new(observer), &self.common)
    }

    /// Lets the requests of batches wait for streams no more: those that wait, and those that would have to, are
    /// refused with [`Unsent::ShuttingDown`]. Requests whose flow has the id 0 go on waiting.
    pub fn drain_batches(&self) {
        self.pools().iter().for_each(|pool| pool.drain_batches());
    }

    /// Grants no more streams, and refuses those who wait. Connects that are under way end, and each connection closes
    /// when its last answer has come.
    pub fn shut_down(&self) {
        self.common.stop.cancel();
        self.pools().iter().for_each(|pool| pool.shut_down(EndCause::Shutdown));
    }

    /// Ends every connection at once, and every connect. A connection that is made later is ended too. A request that
    /// was written and not answered is [unanswered](crate::Unanswered); one that was not written is unsent.
    pub fn abort(&self) {
        self.common.stop.cancel();
        self.common.aborted.store(true, Ordering::Release);
        self.pools().iter().for_each(|pool| pool.abort(EndCause::Shutdown));
    }

    /// Waits until the last connection has closed and no task of the pool is left. It ends only after
    /// [`shut_down`](Self::shut_down). Without [`abort`](Self::abort) it lasts until the last answer.
    ///
    /// # Cancel safety
    /// The future may be dropped and called for again.
    pub async fn closed(&self) {
        self.common.tasks.close();
        self.common.tasks.wait().await;
    }

    fn pools(&self) -> Vec<Arc<Pool>> {
        self.lock().all()
    }

    fn lock(&self) -> MutexGuard<'_, Peers> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How each peer is now.
    #[must_use]
    pub fn look(&self) -> Vec<PeerLook> {
        self.pools().iter().map(|pool| pool.look()).collect()
    }

    /// How many connections have not closed, over all peers.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.pools().iter().map(|pool| pool.open_connections()).sum()
    }
}

/// The pool of one peer. Clones are the same pool. While one is held, the peer is not forgotten for another.
#[derive(Clone)]
pub struct PeerPool {
    held: HeldPool,
}

impl std::fmt::Debug for PeerPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PeerPool({:?})", self.held.pool.peer())
    }
}

impl PeerPool {
    /// The pool itself.
    #[cfg(test)]
    pub(crate) fn pool(&self) -> &Arc<Pool> {
        &self.held.pool
    }

    /// The peer.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        self.held.pool.peer()
    }

    /// The origin of the peer.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.held.pool.peer().origin
    }

    /// The pacer of the peer, which is told by its users how the peer answers. [`permit`](Self::permit) does not ask it.
    #[must_use]
    pub fn pacer(&self) -> &Pacer {
        &self.held.pool.pacer
    }

    /// A request is about to be tried for the first time.
    pub fn first_try(&self) {
        self.held.pool.retries.first_try();
    }

    /// Whether the budget of retries lets another request be tried again. If so, it is taken from the budget.
    #[must_use]
    pub fn may_retry(&self) -> bool {
        self.held.pool.retries.retry(Instant::now())
    }

    /// Waits for a stream, and opens a connection where that is needed. `flow` decides who goes first.
    ///
    /// A caller takes the permit first and makes its request then, so that the request is new when it leaves: a token
    /// that it carries may be replaced while the permit is waited for.
    ///
    /// # Errors
    /// [`Unsent`] says why there is no stream: none came before the deadline, no connection can be made, or too many
    /// requests wait already.
    ///
    /// # Cancel safety
    /// When the future is dropped, its place in the line is given up. A connection that it caused to open stays for
    /// others.
    pub async fn permit(&self, flow: Flow, deadline: Instant) -> Result<Permit, Unsent> {
        let pool = &self.held.pool;
        let granted = pool.acquire(flow, deadline, Seniority::New).await?;
        Ok(Permit::new(granted, Arc::clone(pool), flow, deadline))
    }

    /// Why [`permit`](Self::permit) would refuse everybody now, if the peer fails and is left alone. While it is well, this
    /// costs one atomic load.
    #[must_use]
    pub fn left_alone(&self) -> Option<Unsent> {
        self.held.pool.left_alone()
    }

    /// How the peer is now.
    #[must_use]
    pub fn look(&self) -> PeerLook {
        self.held.pool.look()
    }

    /// Refuses those who wait for a stream with [`Unsent::TurnedAway`], where their [`Flow::depends_on`] is `what`.
    /// Requests that have a permit are not concerned, nor are those that ask later.
    pub fn turn_away(&self, what: u64) {
        self.held.pool.turn_away(what);
    }
}
