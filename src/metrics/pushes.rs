//! Metrics of pushes.

use std::sync::Arc;
use std::time::Duration;

use fanfare_upstream::InFlight;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::OnceMetrics;
use super::in_flight::InFlightCollector;
use super::seconds::seconds;
use crate::push::{Outcome, ProviderKind};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    app: String,
    provider: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProjectLabels {
    project: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AppLabels {
    app: String,
    provider: &'static str,
}

/// Metrics of pushes.
#[derive(Clone)]
pub struct PushMetrics {
    settled: Family<OutcomeLabels, Counter>,
    attempts: Family<AppLabels, Counter>,
    duration: Family<AppLabels, Histogram, fn() -> Histogram>,
    in_flight: Arc<InFlight>,
    refused: Family<RefusalLabels, Counter>,
    batch_streams: Gauge,
    breakers_open: Family<ProjectLabels, Gauge>,
    once: OnceMetrics,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    reason: &'static str,
}

impl PushMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            settled: Family::default(),
            attempts: Family::default(),
            duration: Family::new_with_constructor(seconds),
            in_flight: Arc::default(),
            refused: Family::default(),
            batch_streams: Gauge::default(),
            breakers_open: Family::default(),
            once: OnceMetrics::register(registry),
        };
        registry.register("pushes", "Pushes that have their verdict, by outcome", metrics.settled.clone());
        registry.register(
            "attempts",
            "Times that a push was handed to its push service",
            metrics.attempts.clone(),
        );
        registry.register_with_unit(
            "push",
            "Time from the first work on a push to its verdict",
            Unit::Seconds,
            metrics.duration.clone(),
        );
        registry.register_collector(Box::new(InFlightCollector(Arc::clone(&metrics.in_flight))));
        registry.register(
            "breaker_projects_open",
            "Whether the pushes of a project are held back, because FCM fails for it",
            metrics.breakers_open.clone(),
        );
        registry.register("batch_streams", "Open batch streams", metrics.batch_streams.clone());
        registry.register(
            "pushes_refused",
            "Calls and batch items refused before admission, by reason",
            metrics.refused.clone(),
        );
        metrics
    }

    /// Returns the handles of one app on one provider.
    #[must_use]
    pub fn app(&self, app: &str, provider: ProviderKind) -> AppMetrics {
        let (app, provider) = (app.to_owned(), provider.name());
        let settled = Outcome::ALL.map(|outcome| {
            let labels = OutcomeLabels { app: app.clone(), provider, outcome: outcome.name() };
            self.settled.get_or_create_owned(&labels)
        });
        let labels = AppLabels { app, provider };
        AppMetrics {
            settled,
            attempts: self.attempts.get_or_create_owned(&labels),
            duration: self.duration.get_or_create_owned(&labels),
        }
    }

    /// Returns the gauge of the breaker of a project of FCM.
    pub(crate) fn breaker(&self, project: &str) -> Gauge {
        self.breakers_open.get_or_create_owned(&ProjectLabels { project: project.to_owned() })
    }

    /// Returns what counts the pushes that were admitted and have no verdict yet.
    pub(crate) fn in_flight(&self) -> &Arc<InFlight> {
        &self.in_flight
    }

    /// Returns the number of open batch streams.
    pub(crate) fn batch_streams(&self) -> &Gauge {
        &self.batch_streams
    }

    /// Returns the metrics of pushes that are not to be sent twice.
    pub(crate) fn once(&self) -> &OnceMetrics {
        &self.once
    }

    /// Counts a call or a batch item that was refused before admission.
    pub(crate) fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&RefusalLabels { reason }).inc();
    }
}

/// The handles of one app on one provider.
#[derive(Debug)]
pub struct AppMetrics {
    settled: [Counter; Outcome::ALL.len()],
    attempts: Counter,
    duration: Histogram,
}

impl AppMetrics {
    /// Counts a push that has its verdict, and how long that took.
    pub(crate) fn settled(&self, outcome: Outcome, took: Duration) {
        // The counters are in the order of `Outcome::ALL`, which is the order of its variants.
        self.settled[outcome as usize].inc();
        self.duration.observe(took.as_secs_f64());
    }

    /// How many pushes had each outcome, in the order of `Outcome::ALL`.
    pub(crate) fn outcomes(&self) -> [u64; Outcome::ALL.len()] {
        std::array::from_fn(|at| self.settled[at].get())
    }

    /// How often a push was handed to its push service.
    pub(crate) fn attempts(&self) -> u64 {
        self.attempts.get()
    }

    /// Counts a push that was handed to its push service.
    pub(crate) fn attempted(&self) {
        self.attempts.inc();
    }
}
