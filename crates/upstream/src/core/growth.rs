//! When another connection opens.

use std::time::{Duration, Instant};

use super::backoff::Backoff;
use super::connections::Connections;
use super::event::ConnectionId;
use super::phase::Phase;
use super::waiters::Waiters;
use crate::cause::OpenCause;

/// How long the oldest waiter waits before another connection opens beside full ones. Most waits are shorter than the
/// handshake of a new connection.
pub(super) const GROW_AFTER: Duration = Duration::from_millis(20);

/// How long a connection whose limit fell keeps others from opening. The peer asked for less, not for more connections.
pub(super) const LIMIT_FELL: Duration = Duration::from_secs(30);

/// What is known of the connections that are still to come.
#[derive(Debug)]
pub(super) struct Growth {
    /// The most connections that take streams. As many again may be draining.
    most: usize,
    /// How many connects are under way.
    pub(super) opening: usize,
    /// The peer takes one request at a time on a connection: it speaks HTTP/1.1.
    pub(super) one_at_a_time: bool,
    /// The only connection in use began to drain, so another opens before anybody has to wait for it.
    pub(super) successor: bool,
    /// The moment at which the shell was asked to wake the core.
    pub(super) wake_at: Option<Instant>,
}

/// Whether another connection opens.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NextConnection {
    /// No connection opens.
    Nothing,
    /// A connection opens now.
    Open(OpenCause),
    /// This connection is asked whether it lives.
    Probe(ConnectionId),
    /// A connection may open at this moment, if it still helps.
    LookAgain(Instant),
}

impl Growth {
    pub(super) fn new(most: usize) -> Self {
        Self { most, opening: 0, one_at_a_time: false, successor: false, wake_at: None }
    }

    /// Whether the limit of connections that take streams is reached.
    pub(super) fn is_full(&self, live: usize) -> bool {
        live >= self.most
    }

    /// Where somebody waits, the connections that were silent are asked whether they live, one after the other. If none is
    /// left to be asked, another opens if none is open, if the oldest waiter has waited for those that are, or in place of
    /// one that drains or is old.
    pub(super) fn next<H: Clone, W, E: Clone>(
        &self,
        now: Instant,
        connections: &Connections<H>,
        waiters: &Waiters<W>,
        backoff: &Backoff<E>,
    ) -> NextConnection {
        let asked = !waiters.is_empty();
        if asked && connections.any_probed() {
            return NextConnection::Nothing;
        }
        if asked && let Some(silent) = connections.next_probe() {
            return NextConnection::Probe(silent);
        }
        let live = connections.live_count();
        if live + self.opening >= self.most || connections.count() >= self.most.saturating_mul(2) {
            return NextConnection::Nothing;
        }
        // One connect is under way for all who wait, except over HTTP/1.1, whose connections cannot be shared.
        if self.opening > 0 && !(self.one_at_a_time && waiters.len() > self.opening) {
            return NextConnection::Nothing;
        }
        let earliest = backoff.earliest(now);
        let (at, why) = if live == 0 && self.successor {
            (earliest, OpenCause::Successor)
        } else if live == 0 && asked {
            (earliest, OpenCause::Needed)
        } else if live > 0 && connections.live().all(|connection| connection.old) {
            (earliest, OpenCause::Successor)
        } else if asked && self.one_at_a_time {
            // A connection that takes one request at a time cannot be shared, so waiting for it would only be
            // waiting.
            (earliest, OpenCause::Full)
        } else if asked && connections.live().all(|connection| connection.phase == Phase::Open) {
            // The oldest waiter is looked for among all flows, which would be too much for each request that joins the
            // line.
            if self.wake_at.is_some_and(|armed| armed > now) {
                return NextConnection::Nothing;
            }
            let Some(oldest) = waiters.oldest() else { return NextConnection::Nothing };
            let fell = connections.live().filter_map(|connection| connection.limit_fell).max();
            let patient = oldest + GROW_AFTER;
            (earliest.max(patient).max(fell.map_or(now, |fell| fell + LIMIT_FELL)), OpenCause::Full)
        } else {
            return NextConnection::Nothing;
        };
        if at <= now { NextConnection::Open(why) } else { NextConnection::LookAgain(at) }
    }
}
