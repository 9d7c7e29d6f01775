//! When another connection opens.

use std::time::{Duration, Instant};

use super::backoff::Backoff;
use super::connections::Connections;
use super::phase::Phase;
use super::waiters::Waiters;
use crate::cause::OpenCause;

/// How long the oldest waiter waits before another connection opens beside full ones. Most waits are shorter than a
/// handshake.
pub(super) const GROW_AFTER: Duration = Duration::from_millis(20);

/// How long a connection whose limit fell keeps others from opening: the peer asked for less, not for more connections.
pub(super) const LIMIT_FELL: Duration = Duration::from_secs(30);

/// What is known of the connections that are not there yet.
#[derive(Debug)]
pub(super) struct Growth {
    /// Connections that take streams. As many again may be draining.
    most: usize,
    /// Connects under way.
    pub(super) opening: usize,
    /// The peer takes one request at a time on a connection: it speaks HTTP/1.1.
    pub(super) one_at_a_time: bool,
    /// The only connection in use began to drain, so that another opens before anybody has to wait for it.
    pub(super) successor: bool,
    /// The shell was asked to wake the core then.
    pub(super) wake_at: Option<Instant>,
}

/// Whether another connection opens.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// None does.
    Nothing,
    /// One opens now.
    Open(OpenCause),
    /// One may open then, where it still helps.
    LookAgain(Instant),
}

impl Growth {
    pub(super) fn new(most: usize) -> Self {
        Self { most, opening: 0, one_at_a_time: false, successor: false, wake_at: None }
    }

    /// As many connections take streams as may.
    pub(super) fn is_full(&self, live: usize) -> bool {
        live >= self.most
    }

    /// Another opens where none is open, where the oldest waiter has waited for those that are, or in place of one that
    /// drains or is old.
    pub(super) fn next<H: Clone, W, E: Clone>(
        &self,
        now: Instant,
        connections: &Connections<H>,
        waiters: &Waiters<W>,
        backoff: &Backoff<E>,
    ) -> Next {
        let live = connections.live_count();
        if live + self.opening >= self.most || connections.count() >= self.most.saturating_mul(2) {
            return Next::Nothing;
        }
        // One connect is under way for all who wait, unless nothing of it could be shared.
        if self.opening > 0 && !(self.one_at_a_time && waiters.len() > self.opening) {
            return Next::Nothing;
        }
        let earliest = backoff.earliest(now);
        let asked = !waiters.is_empty();
        let (at, why) = if live == 0 && self.successor {
            (earliest, OpenCause::Successor)
        } else if live == 0 && asked {
            (earliest, OpenCause::Needed)
        } else if live > 0 && connections.live().all(|it| it.old) {
            (earliest, OpenCause::Successor)
        } else if asked && self.one_at_a_time {
            // No other can be shared: waiting for one would only be waiting.
            (earliest, OpenCause::Full)
        } else if asked && connections.live().all(|it| it.phase == Phase::Open) {
            // The oldest is looked for among all flows: not for each request that joins the line.
            if self.wake_at.is_some_and(|armed| armed > now) {
                return Next::Nothing;
            }
            let Some(oldest) = waiters.oldest() else { return Next::Nothing };
            let fell = connections.live().filter_map(|it| it.limit_fell).max();
            let patient = oldest + GROW_AFTER;
            (earliest.max(patient).max(fell.map_or(now, |fell| fell + LIMIT_FELL)), OpenCause::Full)
        } else {
            return Next::Nothing;
        };
        if at <= now { Next::Open(why) } else { Next::LookAgain(at) }
    }
}
