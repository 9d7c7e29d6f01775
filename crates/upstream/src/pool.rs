//! The connections of one peer: which takes the next stream, who waits, and when another opens.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::budget::Budget;
use super::cause::EndCause;
use super::choice::{Phase, State, find};
use super::connect::Connector;
use super::connection::{ConnectionId, Granted, Slot};
use super::error::Unsent;
use super::observe::{ObservePeer, Report};
use super::peer::Peer;
use super::waiters::{Arrival, Waiter};
use super::{Flow, UpstreamSettings};
use crate::ServiceClass;

/// What the pools of all peers share.
pub(super) struct Common {
    pub(super) settings: UpstreamSettings,
    pub(super) connector: Connector,
    pub(super) budget: Arc<Budget>,
}

/// The connections of one peer.
pub(super) struct Pool {
    peer: Peer,
    pub(super) common: Arc<Common>,
    state: Mutex<State>,
    observer: Box<dyn ObservePeer>,
}

impl Pool {
    pub(super) fn new(peer: Peer, common: Arc<Common>, observer: Box<dyn ObservePeer>) -> Arc<Self> {
        Arc::new(Self { peer, common, state: Mutex::default(), observer })
    }

    pub(super) fn peer(&self) -> &Peer {
        &self.peer
    }

    pub(super) fn settings(&self) -> &UpstreamSettings {
        &self.common.settings
    }

    /// The connection that takes the next stream, now or before the deadline.
    ///
    /// # Cancel safety
    /// Dropping this future gives up the place in the line. A connect that it caused goes on for others.
    pub(super) async fn acquire(
        self: &Arc<Self>,
        flow: Flow,
        deadline: Instant,
        arrival: Arrival,
    ) -> Result<Granted, Unsent> {
        let receiver = {
            let mut state = self.lock();
            if state.shut_down {
                return Err(Unsent::ShuttingDown);
            }
            let now = Instant::now();
            if deadline <= now {
                return Err(Unsent::Deadline);
            }
            state.last_used = Some(now);
            let new = arrival == Arrival::New;
            if !(new && state.waiters.is_ahead_of(flow.class))
                && let Some(slot) = self.take(&mut state, flow.class, now)
            {
                return Ok(slot);
            }
            if state.batches_drained && flow.id != Flow::SINGLE.id {
                return Err(Unsent::ShuttingDown);
            }
            if new && state.waiters.len() >= self.settings().max_waiters {
                state.waiters.sweep();
                if state.waiters.len() >= self.settings().max_waiters {
                    return Err(Unsent::TooManyWaiters(self.settings().max_waiters));
                }
            }
            if state.connecting == 0
                && state.not_before.is_some_and(|moment| moment > now)
                && let Some(error) = state.forbidden()
            {
                // Until the next connect may look again there is nothing to wait for.
                return Err(Unsent::Forbidden(error));
            }
            let receiver = state.waiters.push(flow, now, arrival);
            self.grow(&mut state);
            receiver
        };
        let _waiting = Waiting::begin(self);
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
        self.report(Report::StreamsUsed(-1));
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
        if let Some(entry) = find(&mut state, id).filter(|entry| entry.phase == Phase::Warming) {
            self.enter(entry, Phase::Open);
        }
        self.serve(state);
        self.drain_old();
    }

    /// The peer's SETTINGS moved the limit of a connection.
    pub(super) fn limit_changed(self: &Arc<Self>, id: ConnectionId, limit: usize) {
        let mut state = self.lock();
        let limit = limit.min(self.settings().max_streams);
        let mut before = None;
        if let Some(entry) = find(&mut state, id) {
            before = Some(entry.limit);
            self.report(Report::StreamsAllowed(limit as i64 - entry.limit as i64));
            if limit < entry.limit {
                entry.limit_fell = Some(Instant::now());
            } else if limit > entry.limit {
                entry.limit_fell = None;
            }
            entry.limit = limit;
        }
        // What keeps others from opening may have changed.
        state.timer_at = None;
        self.serve(state);
        tracing::debug!(connection = id, from = before, to = limit, "stream limit");
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
    pub(super) fn shut_down(self: &Arc<Self>, why: EndCause) {
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
            self.drain(id, why);
        }
    }

    /// Ends every connection now.
    pub(super) fn abort(&self, why: EndCause) {
        self.lock().entries.iter().for_each(|entry| entry.shared.abort(why));
    }

    /// Connections that have not closed.
    pub(super) fn open_connections(&self) -> usize {
        self.lock().entries.len()
    }

    /// When it was last asked for a stream, where nothing of it is in use or waited for.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let state = self.lock();
        let busy =
            state.connecting > 0 || !state.waiters.is_empty() || state.entries.iter().any(|it| it.used > 0);
        if busy { None } else { Some(state.last_used.unwrap_or_else(Instant::now)) }
    }

    pub(super) fn report(&self, report: Report<'_>) {
        self.observer.report(report);
    }

    pub(super) fn report_orphans(&self, count: usize, sign: i64) {
        self.report(Report::Orphans(sign * i64::try_from(count).unwrap_or(i64::MAX)));
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A slot on the connection that takes the next stream, where there is room.
    fn take(self: &Arc<Self>, state: &mut State, class: ServiceClass, now: Instant) -> Option<Granted> {
        let which = state.pick(class)?;
        self.occupy(state, which, now)
    }

    fn occupy(self: &Arc<Self>, state: &mut State, which: usize, at: Instant) -> Option<Granted> {
        let entry = state.entries.get_mut(which)?;
        let sender = entry.sender.clone()?;
        entry.used += 1;
        self.report(Report::StreamsUsed(1));
        Some(Granted { sender, slot: Slot::new(Arc::clone(&entry.shared), Arc::clone(self)), at })
    }

    /// Grants what is free to those who wait. Grants leave after the lock: a slot that nobody takes returns
    /// through it.
    pub(super) fn serve(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        if state.waiters.is_empty() {
            return;
        }
        let now = Instant::now();
        let mut granted: Vec<(Waiter, Granted)> = Vec::new();
        for class in [ServiceClass::Interactive, ServiceClass::Bulk] {
            while let Some(which) = state.pick(class)
                && let Some(waiter) = state.waiters.pop(class)
                && let Some(slot) = self.occupy(&mut state, which, now)
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
}

/// A wait for a stream that is being counted.
struct Waiting<'a> {
    pool: &'a Pool,
    since: std::time::Instant,
}

impl<'a> Waiting<'a> {
    fn begin(pool: &'a Pool) -> Self {
        pool.report(Report::WaitBegan);
        Self { pool, since: std::time::Instant::now() }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.pool.report(Report::WaitEnded(self.since.elapsed()));
    }
}
