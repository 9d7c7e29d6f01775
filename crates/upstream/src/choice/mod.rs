//! What the pool decides, as plain state: which connection takes the next stream, when another opens, how long a
//! peer is left alone.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::UpstreamSettings;
use super::cause::{EndCause, OpenCause};
use super::connect_error::ConnectError;
use super::connection::{Connection, ConnectionId, Sender};
use super::observe::ConnectionState;
use super::waiters::Waiters;
use crate::ServiceClass;

/// How long the oldest waiter waits before another connection opens beside full ones. Most waits are
/// shorter than a handshake.
const GROW_AFTER: Duration = Duration::from_millis(20);

/// How long a connection whose limit fell keeps others from opening: the peer asked for less, not for more
/// connections.
const LIMIT_FELL: Duration = Duration::from_secs(30);

/// ```text
///             SETTINGS           first good answer          GOAWAY, lost ping, idle, old, retired
/// Connecting ──────────► Warming ────────────────────► Open ────────────────────────────────────► Draining ──► Closed
///      └── refused, TLS, timeout ──► Closed; the peer backs off                    last permit back
/// ```
/// A peer that needs no proof of a credential is Open at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Warming,
    Open,
    Draining,
}

pub(super) struct Entry {
    pub(super) shared: Arc<Connection>,
    /// None while draining: when the last clone goes, the connection closes.
    pub(super) sender: Option<Sender>,
    pub(super) phase: Phase,
    /// Why it drains.
    pub(super) ending: Option<EndCause>,
    /// It drains as soon as another is open.
    pub(super) old: bool,
    pub(super) used: usize,
    pub(super) limit: usize,
    pub(super) limit_fell: Option<Instant>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) entries: Vec<Entry>,
    pub(super) waiters: Waiters,
    /// Connects under way.
    pub(super) connecting: usize,
    /// The peer takes one request at a time on a connection.
    pub(super) one_at_a_time: bool,
    /// One in use began to drain: another opens before anybody has to wait for it.
    pub(super) successor: bool,
    /// When `grow` looks again.
    pub(super) timer_at: Option<Instant>,
    /// The task that waits for it.
    pub(super) timer: Option<AbortHandle>,
    /// Failed connects, and connections that ended before a good answer, since the last good one.
    pub(super) failures: u32,
    pub(super) not_before: Option<Instant>,
    pub(super) last_error: Option<Arc<ConnectError>>,
    pub(super) last_used: Option<Instant>,
    pub(super) shut_down: bool,
    /// Items of batches that would have to wait are told that the gateway is shutting down.
    pub(super) batches_drained: bool,
}

pub(super) fn find(state: &mut State, id: ConnectionId) -> Option<&mut Entry> {
    state.entries.iter_mut().find(|entry| entry.shared.id() == id)
}

impl From<Phase> for ConnectionState {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Warming => Self::Warming,
            Phase::Open => Self::Open,
            Phase::Draining => Self::Draining,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Growth {
    None,
    Now(OpenCause),
    At(Instant),
}

impl State {
    fn live(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.phase != Phase::Draining)
    }

    /// Connections that take streams.
    pub(super) fn live_count(&self) -> usize {
        self.live().count()
    }

    /// Fill, then spread: the fullest connection with room, so that writes gather; the old ones last. Bulk never
    /// takes the last fifth of the peer's streams.
    pub(super) fn pick(&self, class: ServiceClass) -> Option<usize> {
        if class == ServiceClass::Bulk {
            let limit: usize = self.live().map(|entry| entry.limit).sum();
            let used: usize = self.live().map(|entry| entry.used).sum();
            if used >= limit - limit / 5 {
                return None;
            }
        }
        let open = self
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.phase != Phase::Draining && entry.used < entry.limit);
        open.max_by_key(|(_, entry)| (!entry.old, entry.used)).map(|(at, _)| at)
    }

    /// Whether another connection opens: where none is open, where the oldest waiter has waited for those that
    /// are, or in place of one that drains or is old. `most` may take streams, and as many again may drain.
    pub(super) fn growth(&mut self, now: Instant, most: usize) -> Growth {
        let live = self.live_count();
        let coming = live + self.connecting;
        if self.shut_down || coming >= most || self.entries.len() >= most.saturating_mul(2) {
            return Growth::None;
        }
        if self.connecting > 0 && !(self.one_at_a_time && self.waiters.len() > self.connecting) {
            return Growth::None;
        }
        let earliest = self.not_before.unwrap_or(now);
        let asked = !self.waiters.is_empty();
        let (at, why) = if live == 0 && self.successor {
            (earliest, OpenCause::Successor)
        } else if live == 0 && asked {
            (earliest, OpenCause::Needed)
        } else if live > 0 && self.live().all(|entry| entry.old) {
            (earliest, OpenCause::Successor)
        } else if asked && self.one_at_a_time {
            // No other can be shared: waiting for one would only be waiting.
            (earliest, OpenCause::Full)
        } else if asked && self.live().all(|entry| entry.phase == Phase::Open) {
            // Looking for the oldest walks the whole line: not for each that joins it.
            if self.timer_at.is_some_and(|armed| armed > now) {
                return Growth::None;
            }
            let Some(oldest) = self.waiters.oldest() else { return Growth::None };
            let fell = self.live().filter_map(|entry| entry.limit_fell).max();
            let patient = oldest + GROW_AFTER;
            (earliest.max(patient).max(fell.map_or(now, |fell| fell + LIMIT_FELL)), OpenCause::Full)
        } else {
            return Growth::None;
        };
        if at <= now { Growth::Now(why) } else { Growth::At(at) }
    }

    /// Waits before the next connect: none after the first failure, then one second, doubling, with jitter.
    /// Source: Apple asks not to reconnect repeatedly ("Establishing a connection to APNs").
    pub(super) fn back_off(&mut self, settings: &UpstreamSettings) {
        let now = Instant::now();
        if self.not_before.is_some_and(|moment| moment > now) {
            // Of several that fail together one counts.
            return;
        }
        self.failures = self.failures.saturating_add(1);
        let Some(doublings) = self.failures.checked_sub(2) else { return };
        let wait = settings.backoff_min.saturating_mul(1 << doublings.min(16)).min(settings.backoff_max);
        self.not_before = Some(now + wait.mul_f64(0.5 + fastrand::f64() / 2.0));
    }
}

#[cfg(test)]
mod tests;
