//! What the pool decides, as plain state: which connection takes the next stream, when another opens, how long a
//! peer is left alone.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::UpstreamSettings;
use super::connection::{Connection, ConnectionId};
use super::error::ConnectError;
use super::waiters::Waiters;
use crate::metrics::ConnectionState;
use crate::push::ServiceClass;

/// How long the oldest waiter waits before another connection opens beside full ones. Most waits are
/// shorter than a handshake.
const GROW_AFTER: Duration = Duration::from_millis(20);

/// How long a connection whose limit fell keeps others from opening: the peer asked for less, not for more
/// connections.
const LIMIT_FELL: Duration = Duration::from_secs(30);

/// ```text
///             handshake             first good answer            GOAWAY, lost ping, idle, retired
/// Connecting ───────────► Warming ────────────────────► Open ──────────────────────────────────► Draining ──► Closed
///      └── refused, TLS, timeout ──► Closed; the peer backs off                    last permit back
/// ```
/// A peer that needs no proof of a credential is Warming until its first SETTINGS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Warming,
    Open,
    Draining,
}

pub(super) struct Entry {
    pub(super) shared: Arc<Connection>,
    /// None while draining: when the last clone goes, h2 closes the connection.
    pub(super) sender: Option<SendRequest<Bytes>>,
    pub(super) phase: Phase,
    pub(super) settings_came: bool,
    pub(super) used: usize,
    pub(super) limit: usize,
    pub(super) limit_fell: Option<Instant>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) entries: Vec<Entry>,
    pub(super) waiters: Waiters,
    pub(super) connecting: bool,
    /// When `grow` looks again.
    pub(super) timer_at: Option<Instant>,
    /// The task that waits for it.
    pub(super) timer: Option<AbortHandle>,
    /// Failed connects, and connections that ended before a good answer, since the last good one.
    pub(super) failures: u32,
    pub(super) not_before: Option<Instant>,
    pub(super) last_error: Option<Arc<ConnectError>>,
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
    Now,
    At(Instant),
}

impl State {
    /// Fill, then spread: the fullest connection with room, so that writes gather. Bulk never takes the last
    /// fifth of the peer's streams.
    pub(super) fn pick(&self, class: ServiceClass) -> Option<usize> {
        if class == ServiceClass::Bulk {
            let live = || self.entries.iter().filter(|entry| entry.phase != Phase::Draining);
            let limit: usize = live().map(|entry| entry.limit).sum();
            let used: usize = live().map(|entry| entry.used).sum();
            if used >= limit - limit / 5 {
                return None;
            }
        }
        let open = self.entries.iter().enumerate().filter(|(_, entry)| {
            entry.phase != Phase::Draining && entry.sender.is_some() && entry.used < entry.limit
        });
        open.max_by_key(|(_, entry)| entry.used).map(|(at, _)| at)
    }

    pub(super) fn growth(&mut self, now: Instant, most: usize) -> Growth {
        if self.shut_down || self.connecting || self.waiters.is_empty() {
            return Growth::None;
        }
        let mut live = self.entries.iter().filter(|entry| entry.phase != Phase::Draining).peekable();
        let earliest = self.not_before.unwrap_or(now);
        let at = if live.peek().is_none() {
            earliest
        } else {
            if live.any(|entry| entry.phase == Phase::Warming) || self.entries.len() >= most {
                return Growth::None;
            }
            // Looking for the oldest walks the whole line: not for each that joins it.
            if self.timer_at.is_some_and(|armed| armed > now) {
                return Growth::None;
            }
            let Some(oldest) = self.waiters.oldest() else { return Growth::None };
            let live = self.entries.iter().filter(|entry| entry.phase != Phase::Draining);
            let fell = live.filter_map(|entry| entry.limit_fell).max();
            let patient = Instant::from_std(oldest) + GROW_AFTER;
            earliest.max(patient).max(fell.map_or(now, |fell| fell + LIMIT_FELL))
        };
        if at <= now { Growth::Now } else { Growth::At(at) }
    }

    /// Waits before the next connect: none after the first failure, then one second, doubling, with jitter.
    /// Source: Apple asks not to reconnect repeatedly ("Establishing a connection to APNs").
    pub(super) fn back_off(&mut self, settings: &UpstreamSettings) {
        self.failures = self.failures.saturating_add(1);
        let Some(doublings) = self.failures.checked_sub(2) else { return };
        let wait = settings.backoff_min.saturating_mul(1 << doublings.min(16)).min(settings.backoff_max);
        self.not_before = Some(Instant::now() + wait.mul_f64(0.5 + fastrand::f64() / 2.0));
    }
}
