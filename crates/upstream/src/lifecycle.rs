//! How a peer's connections open and end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;

use super::budget::Place;
use super::cause::{EndCause, OpenCause};
use super::choice::{Entry, Growth, Phase, State, find};
use super::connect::{Connected, Protocol};
use super::connect_error::ConnectError;
use super::connection::{Connection, ConnectionId, Sender};
use super::http2::{Http2, Streams};
use super::observe::{ConnectionState, Report};
use super::pool::{Common, Pool};
use super::reach::Reach;
use super::{http1, http2};
use crate::transport::GoAway;

impl Pool {
    /// Opens another connection where it helps those who wait, or looks again when it may.
    pub(super) fn grow(self: &Arc<Self>, state: &mut State) {
        let most = self.settings().max_connections_per_peer;
        let now = Instant::now();
        let mut growth = state.growth(now, most);
        while let Growth::Now(why) = growth {
            state.connecting += 1;
            state.successor = false;
            self.report(Report::Connection { from: None, to: Some(ConnectionState::Connecting) });
            tokio::spawn(Arc::clone(self).connect(why));
            growth = state.growth(now, most);
        }
        match growth {
            Growth::None | Growth::Now(_) => {}
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
    async fn connect(self: Arc<Self>, why: OpenCause) {
        let connecting = Connecting(&self);
        let Common { settings, connector, budget } = &*self.common;
        let place = match budget.try_take() {
            Some(place) => Some(place),
            None => {
                self.report(Report::ConnectFailed("max_connections"));
                let most = settings.max_connections;
                tracing::warn!(origin = ?self.peer(), most, "as many connections as upstream.max_connections allows");
                budget.take().await
            }
        };
        let Some(place) = place else { return };
        let connected = connector.connect(self.peer(), settings).await;
        match connected {
            Ok(connected) => self.connected(connecting, connected, place, why),
            Err(error) => self.connect_failed(connecting, error),
        }
    }

    fn connected(
        self: &Arc<Self>,
        connecting: Connecting<'_>,
        connected: Connected,
        place: Place,
        why: OpenCause,
    ) {
        /// Numbers connections in logs; unique in the process.
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let Connected { protocol, address, resumed } = connected;
        let shared = Connection::new(NEXT.fetch_add(1, Ordering::Relaxed));
        let (pool, patience) = (Arc::clone(self), self.settings().patience());
        tracing::debug!(
            connection = shared.id(), peer = ?self.peer(), %address, resumed, cause = why.name(),
            protocol = protocol.name(), "connection opened"
        );
        self.report(Report::Opened(why));
        let (sender, limit, driver) = match protocol {
            Protocol::Http2 { wire, sender, connection } => {
                let limit = connection.max_concurrent_send_streams().min(self.settings().max_streams);
                let streams = Streams::new(Arc::clone(&shared), wire);
                let http2 = Http2::new(Arc::clone(&streams));
                let driver = http2::Driver::new(streams, sender, pool, *connection, patience, place);
                (Sender::Http2(http2), limit, Driver::Http2(Box::new(driver)))
            }
            Protocol::Http1 { http, sent } => {
                let connection = Arc::clone(&shared);
                let (driver, sender) = http1::Driver::new(connection, pool, *http, sent, patience, place);
                (Sender::Http1(sender), 1, Driver::Http1(Box::new(driver)))
            }
        };

        let mut state = self.lock();
        connecting.ended(&mut state);
        state.last_error = None;
        if state.shut_down {
            return;
        }
        state.one_at_a_time = matches!(sender, Sender::Http1(_));
        let phase = if self.peer().proves_credential { Phase::Warming } else { Phase::Open };
        self.report(Report::Connection { from: None, to: Some(phase.into()) });
        self.report(Report::StreamsAllowed(limit as i64));
        let sender = Some(sender);
        let entry =
            Entry { shared, sender, phase, ending: None, old: false, used: 0, limit, limit_fell: None };
        state.entries.push(entry);
        self.serve(state);
        // Outside the lock: a runtime that is ending drops the driver in place, and the drop takes the lock.
        driver.spawn();
        self.drain_old();
    }

    fn connect_failed(self: &Arc<Self>, connecting: Connecting<'_>, error: ConnectError) {
        self.report(Report::ConnectFailed(error.cause()));
        let error = Arc::new(error);
        let mut state = self.lock();
        connecting.ended(&mut state);
        state.back_off(self.settings());
        state.last_error = Some(Arc::clone(&error));
        match state.forbidden() {
            // Waiting for another connect would bring another resolution, and no other answer.
            Some(error) => state.waiters.forbid(&error),
            None => state.waiters.connect_failed(&error, self.settings().connect_patience),
        }
        self.grow(&mut state);
        drop(state);
        self.tell_connect_failed(&error);
    }

    /// Whose host end users choose is no peer of the log: its lines are counted by what went wrong.
    fn tell_connect_failed(&self, error: &ConnectError) {
        let (peer, cause) = (self.peer(), error.cause());
        match peer.reach {
            Reach::Anywhere => tracing::warn!(?peer, cause, %error, "cannot connect to upstream"),
            Reach::Public => {
                tracing::warn!(origin = ?peer, cause, %error, "cannot connect to a subscription's push service");
            }
        }
    }

    /// The peer said GOAWAY.
    pub(super) fn goaway(self: &Arc<Self>, id: ConnectionId, goaway: &GoAway) {
        self.report(Report::GoAway { code: goaway.code, reason: &goaway.reason() });
        self.drain(id, EndCause::GoAway);
        let code = h2::Reason::from(goaway.code);
        tracing::info!(
            connection = id, peer = ?self.peer(), last_stream_id = goaway.last_stream_id,
            %code, debug = %goaway.debug.escape_ascii(), "upstream goes away"
        );
    }

    /// A connection is old: another opens, and then it drains. Where no other may open, it drains at once.
    pub(super) fn aged(self: &Arc<Self>, id: ConnectionId) {
        let mut state = self.lock();
        let full = state.live_count() >= self.settings().max_connections_per_peer;
        let Some(entry) = find(&mut state, id).filter(|entry| !entry.old) else { return };
        entry.old = true;
        self.grow(&mut state);
        drop(state);
        if full {
            self.drain(id, EndCause::Age);
        } else {
            self.drain_old();
        }
    }

    /// The old ones drain as soon as another is open.
    pub(super) fn drain_old(self: &Arc<Self>) {
        let old: Vec<_> = {
            let state = self.lock();
            if !state.entries.iter().any(|entry| entry.phase == Phase::Open && !entry.old) {
                return;
            }
            state.entries.iter().filter(|entry| entry.old).map(|entry| entry.shared.id()).collect()
        };
        for id in old {
            self.drain(id, EndCause::Age);
        }
    }

    /// No new streams on this connection; it closes when those it has are done.
    pub(super) fn drain(self: &Arc<Self>, id: ConnectionId, why: EndCause) {
        let mut state = self.lock();
        let Some(entry) = find(&mut state, id).filter(|entry| entry.phase != Phase::Draining) else { return };
        self.enter(entry, Phase::Draining);
        entry.ending = Some(why);
        let sender = entry.sender.take();
        let (proven, busy) = (entry.shared.is_proven(), entry.used > 0);
        if !proven && !why.is_ours() {
            state.back_off(self.settings());
        }
        state.successor = busy && state.live_count() == 0;
        state.timer_at = None;
        self.grow(&mut state);
        drop(state);
        // The last one that goes wakes the driver.
        drop(sender);
        tracing::debug!(connection = id, cause = why.name(), "connection drains");
    }

    /// The connection's task has ended.
    pub(super) fn closed(self: &Arc<Self>, id: ConnectionId, why: EndCause) {
        let mut state = self.lock();
        let Some(at) = state.entries.iter().position(|entry| entry.shared.id() == id) else { return };
        let entry = state.entries.swap_remove(at);
        if entry.phase != Phase::Draining && !entry.shared.is_proven() {
            state.back_off(self.settings());
        }
        // What began the end is its cause, unless that was a stream which only saw it.
        let why = entry.ending.filter(|first| *first != EndCause::Lost).unwrap_or(why);
        self.report(Report::Connection { from: Some(entry.phase.into()), to: None });
        self.report(Report::StreamsAllowed(-(entry.limit as i64)));
        self.report(Report::Closed(why));
        state.timer_at = None;
        self.grow(&mut state);
        drop(state);
        drop(entry);
        tracing::debug!(connection = id, peer = ?self.peer(), cause = why.name(), "connection closed");
    }

    pub(super) fn enter(&self, entry: &mut Entry, phase: Phase) {
        self.report(Report::Connection { from: Some(entry.phase.into()), to: Some(phase.into()) });
        entry.phase = phase;
    }
}

impl State {
    /// Why no connection may be made, where there is none and the last connect found that.
    pub(super) fn forbidden(&self) -> Option<Arc<ConnectError>> {
        self.last_error.clone().filter(|error| error.is_forbidden() && self.live_count() == 0)
    }
}

/// The task of a new connection.
enum Driver {
    Http2(Box<http2::Driver>),
    Http1(Box<http1::Driver>),
}

impl Driver {
    fn spawn(self) {
        match self {
            Self::Http2(driver) => tokio::spawn(*driver),
            Self::Http1(driver) => tokio::spawn(driver.run()),
        };
    }
}

/// A connect under way. It is counted until it has ended, also where it is dropped, by a panic or with its runtime: then
/// another may begin.
struct Connecting<'a>(&'a Arc<Pool>);

impl Connecting<'_> {
    /// It has ended; what comes of it is put into the state that is held.
    fn ended(self, state: &mut State) {
        self.uncount(state);
        std::mem::forget(self);
    }

    fn uncount(&self, state: &mut State) {
        self.0.report(Report::Connection { from: Some(ConnectionState::Connecting), to: None });
        state.connecting -= 1;
    }
}

impl Drop for Connecting<'_> {
    fn drop(&mut self) {
        self.uncount(&mut self.0.lock());
    }
}
