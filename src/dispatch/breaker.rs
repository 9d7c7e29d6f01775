//! The breaker of one part of a push service, such as a project of FCM, which may fail while the peer is well for the others.
//! All apps of the part share it.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fanfare_upstream::{Breaker, BreakerChange, BreakerSettings, Probe};
use tokio::time::Instant;

use crate::metrics::ProjectBreaker;
use crate::push::ProviderKind;

/// The breaker that the routes to one part of a push service share.
#[derive(Debug)]
pub(crate) struct RouteBreaker {
    /// What the part is called, such as "project demo".
    part: Arc<str>,
    provider: ProviderKind,
    /// What the breaker is, so that pushes take no lock while all is well: one of the constants below.
    looks: AtomicU8,
    state: Mutex<State>,
    metrics: ProjectBreaker,
}

/// Everybody may send, and successes change nothing.
const WELL: u8 = 0;
/// Everybody may send, and successes are counted.
const COUNTS: u8 = 1;
/// Only a probe may send.
const OPEN: u8 = 2;

#[derive(Debug)]
struct State {
    breaker: Breaker,
    /// The last status that said that the service is ill.
    status: u16,
}

/// Why pushes are held back.
#[derive(Debug)]
pub(super) struct HeldBack {
    part: Arc<str>,
    provider: ProviderKind,
    status: u16,
    /// When it may be worth to send again.
    pub(super) retry_after: Duration,
}

impl std::fmt::Display for HeldBack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { part, provider, status, .. } = self;
        let name = provider.name();
        write!(f, "nothing is sent for {part} for now, because {name} fails for it: it answers {status}")
    }
}

/// A part of a push service whose pushes are held back.
#[derive(Debug, Clone)]
pub(crate) struct PartLook {
    /// What the part is called.
    pub(crate) part: Arc<str>,
    /// The last status that said that the service is ill.
    pub(crate) status: u16,
    /// Since when they are held back.
    pub(crate) since: Instant,
}

/// The right to probe, until this is dropped.
#[derive(Debug)]
pub(super) struct RouteProbe<'a> {
    breaker: &'a RouteBreaker,
    probe: Probe,
}

impl Drop for RouteProbe<'_> {
    fn drop(&mut self) {
        self.breaker.lock().breaker.probe_over(self.probe);
    }
}

impl RouteBreaker {
    /// A closed breaker. `metrics` shows whether it is open.
    pub(crate) fn new(
        part: impl Into<Arc<str>>,
        provider: ProviderKind,
        settings: BreakerSettings,
        metrics: ProjectBreaker,
    ) -> Self {
        let breaker = Breaker::new(settings, fastrand::u64(..));
        let state = Mutex::new(State { breaker, status: 0 });
        Self { part: part.into(), provider, looks: AtomicU8::new(WELL), state, metrics }
    }

    /// Whether a push may be sent, and whether it is a probe.
    pub(super) fn ask(&self) -> Result<Option<RouteProbe<'_>>, HeldBack> {
        if self.looks.load(Ordering::Relaxed) != OPEN {
            return Ok(None);
        }
        let mut state = self.lock();
        match state.breaker.ask(Instant::now().into_std()) {
            Ok(probe) => Ok(probe.map(|probe| RouteProbe { breaker: self, probe })),
            Err(retry_after) => {
                let (part, provider) = (Arc::clone(&self.part), self.provider);
                Err(HeldBack { part, provider, status: state.status, retry_after })
            }
        }
    }

    /// An answer came that says that the service is well.
    pub(super) fn succeeded(&self) {
        if self.looks.load(Ordering::Relaxed) != WELL {
            self.tell(|state| state.breaker.succeeded(Instant::now().into_std(), 1));
        }
    }

    /// An answer with this status says that the service is ill, and how long it asks to be left alone.
    pub(super) fn failed(&self, status: u16, asked: Option<Duration>) {
        self.tell(|state| {
            state.status = status;
            state.breaker.failed(Instant::now().into_std(), asked)
        });
    }

    /// How the part is, where its pushes are held back.
    pub(super) fn look(&self) -> Option<PartLook> {
        if self.looks.load(Ordering::Relaxed) != OPEN {
            return None;
        }
        let state = self.lock();
        let since = Instant::from_std(state.breaker.ill_since()?);
        Some(PartLook { part: Arc::clone(&self.part), status: state.status, since })
    }

    fn tell(&self, what: impl FnOnce(&mut State) -> Option<BreakerChange>) {
        let mut state = self.lock();
        let change = what(&mut state);
        let looks = match &state.breaker {
            breaker if !breaker.is_closed() => OPEN,
            breaker if breaker.counts_successes() => COUNTS,
            _ => WELL,
        };
        self.looks.store(looks, Ordering::Relaxed);
        let status = state.status;
        drop(state);
        let (part, provider) = (&*self.part, self.provider.name());
        match change {
            Some(BreakerChange::Opened(wait)) => {
                self.metrics.opened();
                tracing::error!(
                    part,
                    provider,
                    status,
                    ?wait,
                    "the push service fails for this part of it, whose pushes are held back until a probe is answered: see the \
                     status page of the service, and the quota and state of the project"
                );
            }
            Some(BreakerChange::Closed) => {
                self.metrics.closed();
                tracing::info!(part, provider, "the push service is well again for this part of it");
            }
            Some(BreakerChange::Reopened(wait)) => {
                tracing::debug!(
                    part,
                    provider,
                    status,
                    ?wait,
                    "the push service still fails for this part of it"
                );
            }
            None => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RouteBreaker {
    fn drop(&mut self) {
        if !self.lock().breaker.is_closed() {
            self.metrics.closed();
        }
    }
}
