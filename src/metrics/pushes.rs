//! Metrics of pushes, whatever their app.

use std::sync::Arc;

use fanfare_upstream::InFlight;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::answers::KnownAnswer;
use super::apps::{AppFamilies, AppMetrics};
use super::batches::BatchMetrics;
use super::in_flight::InFlightCollector;
use super::once::OnceMetrics;
use crate::push::{ProviderKind, Reason};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProjectLabels {
    project: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    reason: &'static str,
}

/// Metrics of pushes.
#[derive(Clone)]
pub struct PushMetrics {
    apps: AppFamilies,
    in_flight: Arc<InFlight>,
    in_flight_limit: Gauge,
    refused: Family<RefusalLabels, Counter>,
    batches: BatchMetrics,
    breakers_open: Family<ProjectLabels, Gauge>,
    breakers_opened: Family<ProjectLabels, Counter>,
    once: OnceMetrics,
}

impl PushMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            apps: AppFamilies::register(registry),
            in_flight: Arc::default(),
            in_flight_limit: Gauge::default(),
            refused: Family::default(),
            batches: BatchMetrics::register(registry),
            breakers_open: Family::default(),
            breakers_opened: Family::default(),
            once: OnceMetrics::register(registry),
        };
        registry.register_collector(Box::new(InFlightCollector(Arc::clone(&metrics.in_flight))));
        registry.register(
            "pushes_in_flight_limit",
            "Pushes that may be in flight (limits.max_in_flight)",
            metrics.in_flight_limit.clone(),
        );
        registry.register(
            "breaker_projects_open",
            "Whether the pushes of a project are held back, because FCM fails for it (1)",
            metrics.breakers_open.clone(),
        );
        registry.register(
            "breaker_projects_opened",
            "Times that the pushes of a project began to be held back",
            metrics.breakers_opened.clone(),
        );
        registry.register(
            "pushes_refused",
            "Calls and batch items refused before admission, by reason",
            metrics.refused.clone(),
        );
        for reason in Reason::BEFORE_ADMISSION {
            let _ = metrics.refused.get_or_create(&RefusalLabels { reason: reason.name() });
        }
        metrics
    }

    /// Returns the handles of one app on one provider. Each answer of its push service counts as another one.
    #[must_use]
    pub fn app(&self, app: &str, provider: ProviderKind) -> AppMetrics {
        self.app_answered(app, provider, &[])
    }

    /// Returns the handles of one app on one provider, whose push service may answer like this.
    #[must_use]
    pub(crate) fn app_answered(
        &self,
        app: &str,
        provider: ProviderKind,
        answers: &[KnownAnswer],
    ) -> AppMetrics {
        self.apps.of(app, provider, answers)
    }

    /// Forgets all apps on providers that `kept` does not name, since the configuration has them no more.
    pub(crate) fn keep_apps(&self, kept: impl Fn(&str, &str) -> bool) {
        self.apps.keep(kept);
    }

    /// Returns what shows the breaker of a project of FCM.
    pub(crate) fn breaker(&self, project: &str) -> ProjectBreaker {
        let labels = ProjectLabels { project: project.to_owned() };
        ProjectBreaker {
            open: self.breakers_open.get_or_create_owned(&labels),
            opened: self.breakers_opened.get_or_create_owned(&labels),
        }
    }

    /// Returns what counts the pushes that were admitted and have no verdict yet.
    pub(crate) fn in_flight(&self) -> &Arc<InFlight> {
        &self.in_flight
    }

    /// Shows how many pushes may be in flight.
    pub(crate) fn in_flight_limit(&self, limit: usize) {
        self.in_flight_limit.set(i64::try_from(limit).unwrap_or(i64::MAX));
    }

    /// Returns the metrics of open batches.
    pub(crate) fn batches(&self) -> &BatchMetrics {
        &self.batches
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

/// The handles of the breaker of a project.
#[derive(Debug)]
pub(crate) struct ProjectBreaker {
    open: Gauge,
    opened: Counter,
}

impl ProjectBreaker {
    /// Notes that the pushes of the project are held back from now on.
    pub(crate) fn opened(&self) {
        self.open.inc();
        self.opened.inc();
    }

    /// Notes that they are not held back any more.
    pub(crate) fn closed(&self) {
        self.open.dec();
    }
}
