//! The connections of one peer: which takes the next stream, who waits, and when another opens.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::choice::{Entry, Growth, Phase, State, find};
use super::connect::{Connected, Connector};
use super::connection::{Connection, ConnectionId, Slot};
use super::driver::Driver;
use super::error::{ConnectError, Unsent};
use super::peer::Peer;
use super::waiters::Waiter;
use super::{Flow, UpstreamSettings};
use crate::metrics::{ConnectionState, PeerMetrics};
use crate::push::ServiceClass;
use crate::transport::GoAway;

/// The connections of one peer.
pub(super) struct Pool {
    peer: Peer,
    settings: UpstreamSettings,
    connector: Arc<Connector>,
    state: Mutex<State>,
    pub(super) metrics: PeerMetrics,
}

impl Pool {
    pub(super) fn new(
        peer: Peer,
        settings: UpstreamSettings,
        connector: Arc<Connector>,
        metrics: PeerMetrics,
    ) -> Arc<Self> {
        Arc::new(Self { peer, settings, connector, state: Mutex::default(), metrics })
    }

    pub(super) fn peer(&self) -> &Peer {
        &self.peer
    }

    pub(super) fn settings(&self) -> &UpstreamSettings {
        &self.settings
    }

    /// The connection that takes the next stream, now or before the deadline.
    ///
    /// # Cancel safety
    /// Dropping this future gives up the place in the line. A connect that it caused goes on for others.
    pub(super) async fn acquire(self: &Arc<Self>, flow: Flow, deadline: Instant) -> Result<Slot, Unsent> {
        let receiver = {
            let mut state = self.lock();
            if state.shut_down {
                return Err(Unsent::ShuttingDown);
            }
            if deadline <= Instant::now() {
                return Err(Unsent::Deadline);
            }
            if !state.waiters.is_ahead_of(flow.class)
                && let Some(slot) = self.take(&mut state, flow.class)
            {
                return Ok(slot);
            }
            if state.batches_drained && flow.id != Flow::SINGLE.id {
                return Err(Unsent::ShuttingDown);
            }
            if state.waiters.len() >= self.settings.max_waiters {
                state.waiters.sweep();
                if state.waiters.len() >= self.settings.max_waiters {
                    return Err(Unsent::TooManyWaiters(self.settings.max_waiters));
                }
            }
            let receiver = state.waiters.push(flow, std::time::Instant::now());
            self.grow(&mut state);
            receiver
        };
        let _waiting = self.metrics.wait();
        match tokio::time::timeout_at(deadline, receiver).await {
            Ok(Ok(grant)) => grant,
            // The sender lives in `waiters` until it grants.
            Ok(Err(_)) => Err(Unsent::ShuttingDown),
            Err(_) => Err(match self.lock().last_error.clone() {
                Some(error) => Unsent::DeadlineUnreachable(error),
                None => Unsent::Deadline,
            }),
        }
    }

    /// A permit comes back.
    pub(super) fn release(self: &Arc<Self>, id: ConnectionId) {
        let mut state = self.lock();
        self.metrics.streams_used.dec();
        if let Some(entry) = state.entries.iter_mut().find(|entry| entry.shared.id() == id) {
            entry.used -= 1;
        }
        self.serve(state);
    }

    /// The first good answer of a connection.
    pub(super) fn proven(self: &Arc<Self>, id: ConnectionId) {
        let mut state = self.lock();
        state.failures = 0;
        state.not_before = None;
        state.last_error = None;
        if let Some(entry) = find(&mut state, id) {
            self.warm_up(entry, true);
        }
        self.serve(state);
    }

    /// The peer's SETTINGS moved the limit of a connection.
    pub(super) fn limit_changed(self: &Arc<Self>, id: ConnectionId, limit: usize, settings_came: bool) {
        let mut state = self.lock();
        let limit = limit.min(self.settings.max_streams);
        if let Some(entry) = find(&mut state, id) {
            tracing::debug!(connection = id, from = entry.limit, to = limit, "stream limit");
            self.metrics.streams_allowed.inc_by(limit as i64 - entry.limit as i64);
            if limit < entry.limit {
                entry.limit_fell = Some(Instant::now());
            } else if limit > entry.limit {
                entry.limit_fell = None;
            }
            entry.limit = limit;
            entry.settings_came = settings_came;
            self.warm_up(entry, false);
        }
        // What keeps others from opening may have changed.
        state.timer_at = None;
        self.serve(state);
    }

    fn warm_up(&self, entry: &mut Entry, proven: bool) {
        if entry.phase == Phase::Warming && entry.settings_came && (proven || !self.peer.proves_credential) {
            self.enter(entry, Phase::Open);
        }
    }

    /// The peer said GOAWAY.
    pub(super) fn goaway(self: &Arc<Self>, id: ConnectionId, goaway: &GoAway) {
        tracing::info!(
            connection = id, peer = ?self.peer, last_stream_id = goaway.last_stream_id,
            code = %h2::Reason::from(goaway.code), debug = %goaway.debug.escape_ascii(), "upstream goes away"
        );
        self.drain(id, "goaway");
    }

    /// No new streams on this connection; it closes when those it has are done.
    pub(super) fn drain(self: &Arc<Self>, id: ConnectionId, cause: &'static str) {
        let mut state = self.lock();
        let Some(entry) = find(&mut state, id) else { return };
        if entry.phase == Phase::Draining {
            return;
        }
        tracing::debug!(connection = id, cause, "connection drains");
        if !entry.shared.is_proven() && cause != "idle" {
            state.back_off(&self.settings);
        }
        if let Some(entry) = find(&mut state, id) {
            self.enter(entry, Phase::Draining);
            let sender = entry.sender.take();
            state.timer_at = None;
            self.grow(&mut state);
            drop(state);
            // h2 takes locks and wakes the driver when the last sender goes.
            drop(sender);
        }
    }

    /// The connection's task has ended.
    pub(super) fn closed(self: &Arc<Self>, id: ConnectionId, cause: &'static str) {
        let mut state = self.lock();
        let Some(at) = state.entries.iter().position(|entry| entry.shared.id() == id) else { return };
        let entry = state.entries.swap_remove(at);
        if entry.phase != Phase::Draining && !entry.shared.is_proven() {
            state.back_off(&self.settings);
        }
        self.metrics.connections(entry.phase.into()).dec();
        self.metrics.streams_allowed.dec_by(entry.limit as i64);
        self.metrics.closed(cause);
        state.timer_at = None;
        tracing::debug!(connection = id, peer = ?self.peer, cause, "connection closed");
        self.grow(&mut state);
        drop(state);
        drop(entry);
    }

    /// Streams in use on a connection.
    pub(super) fn used(&self, id: ConnectionId) -> usize {
        find(&mut self.lock(), id).map_or(0, |entry| entry.used)
    }

    /// Items of batches wait no more: their senders go on elsewhere.
    pub(super) fn drain_batches(&self) {
        let mut state = self.lock();
        state.batches_drained = true;
        state.waiters.shut_down_batches();
    }

    /// Nothing more is granted; connections close when their streams are done.
    pub(super) fn shut_down(self: &Arc<Self>) {
        let ids: Vec<_> = {
            let mut state = self.lock();
            state.shut_down = true;
            if let Some(timer) = state.timer.take() {
                timer.abort();
            }
            state.waiters.shut_down();
            state.entries.iter().map(|entry| entry.shared.id()).collect()
        };
        for id in ids {
            self.drain(id, "shutdown");
        }
    }

    /// Ends every connection now.
    pub(super) fn abort(&self, cause: &'static str) {
        self.lock().entries.iter().for_each(|entry| entry.shared.abort(cause));
    }

    /// Connections that have not closed.
    pub(super) fn open_connections(&self) -> usize {
        self.lock().entries.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, entry: &mut Entry, phase: Phase) {
        self.metrics.connections(entry.phase.into()).dec();
        self.metrics.connections(phase.into()).inc();
        entry.phase = phase;
    }

    /// A slot on the connection that takes the next stream, where there is room.
    fn take(self: &Arc<Self>, state: &mut State, class: ServiceClass) -> Option<Slot> {
        let at = state.pick(class)?;
        self.occupy(state, at)
    }

    fn occupy(self: &Arc<Self>, state: &mut State, at: usize) -> Option<Slot> {
        let entry = state.entries.get_mut(at)?;
        let sender = entry.sender.clone()?;
        entry.used += 1;
        self.metrics.streams_used.inc();
        Some(Slot::new(Arc::clone(&entry.shared), sender, Arc::clone(self)))
    }

    /// Grants what is free to those who wait. Grants leave after the lock: a slot that nobody takes returns
    /// through it.
    fn serve(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        if state.waiters.is_empty() {
            return;
        }
        let mut granted: Vec<(Waiter, Slot)> = Vec::new();
        for class in [ServiceClass::Interactive, ServiceClass::Bulk] {
            while let Some(at) = state.pick(class)
                && let Some(waiter) = state.waiters.pop(class)
                && let Some(slot) = self.occupy(&mut state, at)
            {
                granted.push((waiter, slot));
            }
        }
        // Only for those whom nothing that is open could serve.
        self.grow(&mut state);
        drop(state);
        for (waiter, slot) in granted {
            // A waiter that left between the pop and here hands its slot back, which is served again.
            drop(waiter.grant(Ok(slot)));
        }
    }

    /// Opens another connection where it helps those who wait, or looks again when it may.
    fn grow(self: &Arc<Self>, state: &mut State) {
        let now = Instant::now();
        match state.growth(now, self.settings.max_connections_per_peer) {
            Growth::None => {}
            Growth::Now => {
                state.connecting = true;
                self.metrics.connections(ConnectionState::Connecting).inc();
                tokio::spawn(Arc::clone(self).connect());
            }
            Growth::At(moment) if state.timer_at.is_none_or(|armed| moment < armed) => {
                state.timer_at = Some(moment);
                let pool = Arc::clone(self);
                let timer = tokio::spawn(async move {
                    tokio::time::sleep_until(moment).await;
                    let mut state = pool.lock();
                    state.timer_at = state.timer_at.filter(|armed| *armed != moment);
                    pool.grow(&mut state);
                });
                if let Some(later) = state.timer.replace(timer.abort_handle()) {
                    later.abort();
                }
            }
            Growth::At(_) => {}
        }
    }

    /// One connect for all who wait; it goes on when those who caused it have left.
    async fn connect(self: Arc<Self>) {
        let connecting = Connecting(&self);
        let connected = self.connector.connect(&self.peer, &self.settings).await;
        std::mem::forget(connecting);
        self.metrics.connections(ConnectionState::Connecting).dec();
        match connected {
            Ok(connected) => self.connected(connected),
            Err(error) => self.connect_failed(error),
        }
    }

    fn connected(self: &Arc<Self>, connected: Connected) {
        /// Numbers connections in logs; unique in the process.
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let Connected { wire, sender, connection, address } = connected;
        let shared = Arc::new(Connection::new(NEXT.fetch_add(1, Ordering::Relaxed), wire));
        let driver = Driver::new(Arc::clone(&shared), Arc::clone(self), connection, self.settings.patience());
        tracing::debug!(connection = shared.id(), peer = ?self.peer, %address, "connection opened");
        self.metrics.opened();

        let mut state = self.lock();
        state.connecting = false;
        state.last_error = None;
        if state.shut_down {
            return;
        }
        // h2's own limit until SETTINGS come.
        let limit = 1;
        self.metrics.connections(Phase::Warming.into()).inc();
        self.metrics.streams_allowed.inc_by(limit as i64);
        state.entries.push(Entry {
            shared,
            sender: Some(sender),
            phase: Phase::Warming,
            settings_came: false,
            used: 0,
            limit,
            limit_fell: None,
        });
        self.serve(state);
        // Outside the lock: a runtime that is ending drops the driver in place, and the drop takes the lock.
        tokio::spawn(driver);
    }

    fn connect_failed(self: &Arc<Self>, error: ConnectError) {
        tracing::warn!(peer = ?self.peer, error = %error, "cannot connect to upstream");
        self.metrics.connect_failed(error.cause());
        let error = Arc::new(error);
        let mut state = self.lock();
        state.connecting = false;
        state.back_off(&self.settings);
        state.last_error = Some(Arc::clone(&error));
        state.waiters.connect_failed(&error, self.settings.connect_patience);
        self.grow(&mut state);
    }
}

/// A connect under way. Where it is dropped, by a panic or with its runtime, another may begin.
struct Connecting<'a>(&'a Arc<Pool>);

impl Drop for Connecting<'_> {
    fn drop(&mut self) {
        self.0.metrics.connections(ConnectionState::Connecting).dec();
        self.0.lock().connecting = false;
    }
}
