//! The pool of one peer: the shell around the [`core`](crate::core), which decides.
//!
//! The shell locks, tells the core what happened, unlocks, and does what the core says.

mod breaker;
mod hub;
mod line;
mod looking;
mod telling;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::cause::{EndCause, OpenCause};
use crate::common::Common;
use crate::connect_error::ConnectError;
use crate::connection::{Connection, Hub};
use crate::core::{ConnectionId, Core, Effect, Event, Grant};
use crate::error::Unsent;
use crate::kind::{PeerKind, Rank};
use crate::observe::{ConnectionState, ObservePeer, Report};
use crate::opening::{self, Connect, ConnectEnd, ConnectionHandle, Granted, OpenedConnection, RequestSender};
use crate::pacer::Pacer;
use crate::peer::Peer;
use crate::retry_budget::RetryBudget;
use crate::settings::UpstreamSettings;
use crate::sleep::SleepWatch;
use crate::timer::Timer;

/// What a request that asks for a stream is told.
type AskOutcome = Result<Granted, Unsent>;
/// How a request that waits is told.
type TellWaiter = oneshot::Sender<AskOutcome>;
type Effects = crate::core::Effects<ConnectionHandle, TellWaiter, Arc<ConnectError>>;

/// The pool of one peer.
pub(crate) struct Pool {
    me: Weak<Self>,
    peer: Peer,
    kind: PeerKind,
    /// Whether a good answer ever came.
    proven: AtomicBool,
    common: Arc<Common>,
    observer: Arc<dyn ObservePeer>,
    pub(crate) pacer: Arc<Pacer>,
    pub(crate) retries: RetryBudget,
    /// What [`Core::counts_answers`] says, so that answers need no lock while the peer is well.
    counts_answers: AtomicBool,
    state: Mutex<PoolState>,
}

/// What the lock of a pool guards.
struct PoolState {
    core: Core<ConnectionHandle, TellWaiter, Arc<ConnectError>>,
    /// The connections that have not closed.
    connections: HashMap<ConnectionId, Arc<Connection>>,
    /// Wakes the core.
    timer: Timer,
    sleep_watch: SleepWatch,
}

impl Pool {
    pub(crate) fn new(
        peer: Peer,
        kind: PeerKind,
        common: Arc<Common>,
        observer: Arc<dyn ObservePeer>,
    ) -> Arc<Self> {
        let named = (peer.origin.to_string(), peer.identity.to_string());
        let pacer = Pacer::new(common.settings.pace(kind), named, kind, Arc::clone(&observer), &common);
        let retries = RetryBudget::new(&common.settings, Arc::clone(&observer));
        let limits = common.settings.limits(peer.proves_credential, kind.rank(false));
        let core = Core::new(limits, fastrand::u64(..));
        let sleep_watch = SleepWatch::new(&common.wall_clock);
        let (connections, timer) = (HashMap::new(), Timer::default());
        let state = Mutex::new(PoolState { core, connections, timer, sleep_watch });
        let [proven, counts_answers] = [const { AtomicBool::new(false) }; 2];
        Arc::new_cyclic(|me| {
            let me = me.clone();
            Self { me, peer, kind, proven, common, observer, pacer, retries, counts_answers, state }
        })
    }

    pub(crate) fn peer(&self) -> &Peer {
        &self.peer
    }

    /// How much the peer may take of what all peers share.
    pub(crate) fn rank(&self) -> Rank {
        self.kind.rank(self.proven.load(Ordering::Relaxed))
    }

    pub(crate) fn settings(&self) -> &UpstreamSettings {
        &self.common.settings
    }

    fn granted(&self, grant: Grant<ConnectionHandle>, at: Instant) -> Granted {
        self.report(Report::StreamsUsed(1));
        Granted::new(grant.handle, at, grant.probe)
    }

    /// Lets the requests of batches wait no more.
    pub(crate) fn drain_batches(&self) {
        self.on(Event::DrainBatches);
    }

    /// Lets the requests that depend on this wait no more.
    pub(crate) fn turn_away(&self, what: u64) {
        self.on(Event::TurnAway(what));
    }

    /// Grants nothing more. Connections close when their streams are done.
    pub(crate) fn shut_down(&self, why: EndCause) {
        // A thread that was told to wake the core before this may do so after it.
        self.lock().timer.close();
        self.on(Event::ShutDown(why));
    }

    /// Ends the pool of a peer that is known no more.
    pub(crate) fn forget(&self, why: EndCause) {
        self.report(Report::Forgotten);
        self.shut_down(why);
    }

    /// Ends every connection at once.
    pub(crate) fn abort(&self, why: EndCause) {
        self.lock().connections.values().for_each(|connection| connection.abort(why));
    }

    /// How many connections have not closed.
    pub(crate) fn open_connections(&self) -> usize {
        self.lock().connections.len()
    }

    /// When the pool was last asked for a stream, if nothing of it is in use or waited for.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        self.lock().core.idle_since(Instant::now().into_std()).map(Instant::from_std)
    }

    fn lock(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what the core says. The lock must be free: a grant that nobody takes comes back through it.
    fn perform(&self, now: Instant, effects: Effects) {
        for effect in effects {
            match effect {
                Effect::Grant { waiter, grant } => drop(waiter.send(Ok(self.granted(grant, now)))),
                Effect::Refuse { waiter, why } => drop(waiter.send(Err(self.refused(why)))),
                Effect::Open(why) => self.open(why),
                Effect::Probe(handle) => handle.probe(),
                Effect::WakeAt(at) => self.wake_at(Instant::from_std(at)),
                Effect::Retire { connection, why, handle } => {
                    drop(handle);
                    tracing::debug!(connection, cause = why.name(), "connection drains");
                }
                Effect::Closed { connection, why, handle } => {
                    drop(handle);
                    self.report(Report::Closed(why));
                    let peer = &self.peer;
                    tracing::debug!(connection, ?peer, cause = why.name(), "connection closed");
                }
                Effect::Moved { from, to } => {
                    let (from, to) = (from.map(ConnectionState::from), to.map(ConnectionState::from));
                    self.report(Report::Connection { from, to });
                }
                Effect::Allowed(change) => self.report(Report::StreamsAllowed(change)),
                Effect::Breaker(change, why) => self.breaker_changed(change, why),
                Effect::BreakerForgotten => self.report(Report::BreakerClosed),
            }
        }
    }

    /// Begins a connect for all who wait. It goes on when those who caused it have left.
    fn open(&self, why: OpenCause) {
        let Some(pool) = self.me.upgrade() else { return };
        self.report(Report::Connection { from: None, to: Some(ConnectionState::Connecting) });
        let (hub, common, peer) =
            (Arc::clone(&pool) as Arc<dyn Hub>, Arc::clone(&self.common), self.peer.clone());
        let connect = Connect::new(move |end| pool.connect_ended(end, why));
        self.common.tasks.spawn(connect.run(hub, common, peer, self.rank(), why));
    }

    /// Wakes the core at that moment, or earlier if that was asked for before.
    fn wake_at(&self, at: Instant) {
        let Some(pool) = self.me.upgrade() else { return };
        let task = async move {
            tokio::time::sleep_until(at).await;
            pool.lock().timer.fired(at);
            pool.on(Event::Woken);
        };
        self.lock().timer.arm(at, || self.common.tasks.spawn(task).abort_handle());
    }

    fn connect_ended(&self, end: ConnectEnd, why: OpenCause) {
        self.report(Report::Connection { from: Some(ConnectionState::Connecting), to: None });
        match end {
            ConnectEnd::Opened(opened) => self.opened(*opened, why),
            ConnectEnd::Failed(error) => self.connect_failed(error),
            ConnectEnd::Abandoned => self.on(Event::ConnectAbandoned),
        }
    }

    fn opened(&self, opened: OpenedConnection, why: OpenCause) {
        self.report(Report::Opened(why));
        let OpenedConnection { handle, streams, task } = opened;
        let connection = handle.connection.id();
        let one_at_a_time = matches!(handle.sender, RequestSender::Http1(_));
        let (now, mut effects) = (Instant::now(), Effects::new());
        let opened = Arc::clone(&handle.connection);
        let mut state = self.lock();
        state.connections.insert(connection, Arc::clone(&opened));
        let event = Event::Opened { connection, handle, streams, one_at_a_time };
        self.tell_core(&mut state, now, event, &mut effects);
        drop(state);
        self.perform(now, effects);
        // This is done outside of the lock, since a runtime that is ending drops the task here, and its drop takes the
        // lock.
        self.common.tasks.spawn(task.run());
        if self.common.aborted.load(Ordering::Acquire) {
            opened.abort(EndCause::Shutdown);
        }
    }

    fn connect_failed(&self, error: ConnectError) {
        self.report(Report::ConnectFailed(error.cause()));
        let (forbidden, crowded) = (error.is_forbidden(), error.is_crowded());
        let error = Arc::new(error);
        self.on(Event::ConnectFailed { error: Arc::clone(&error), forbidden, crowded });
        // This is logged after those who wait were told, so that nobody waits for the log.
        opening::log_failed(&self.common, &self.peer, self.rank(), &error);
    }
}

#[cfg(test)]
mod tests;
