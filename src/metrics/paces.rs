//! Metrics of the paces at which push services are sent to.

use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;

use fanfare_upstream::{ObservePeer, PaceReport, Report};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::seconds::seconds;

/// The labels of a pace: a peer, or a quota that is not a peer's, whose origin is its service and whose identity says what of
/// it the quota is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PaceLabels {
    origin: String,
    identity: String,
}

type Pace = Gauge<f64, AtomicU64>;

/// Metrics of the paces at which push services are sent to.
#[derive(Clone)]
pub struct PaceMetrics {
    per_second: Family<PaceLabels, Pace>,
    lowered: Family<PaceLabels, Counter>,
    waiting: Family<PaceLabels, Gauge>,
    wait: Family<PaceLabels, Histogram, fn() -> Histogram>,
    retries_refused: Family<PaceLabels, Counter>,
}

impl PaceMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            per_second: Family::default(),
            lowered: Family::default(),
            waiting: Family::default(),
            wait: Family::new_with_constructor(seconds),
            retries_refused: Family::default(),
        };
        let paces = registry.sub_registry_with_prefix("pace");
        paces.register(
            "turns_per_second",
            "Pushes a second that may leave at this moment; 0 where nothing limits them",
            metrics.per_second.clone(),
        );
        paces.register(
            "lowered",
            "Times that the answers of a push service began to limit its pace",
            metrics.lowered.clone(),
        );
        paces.register("waiting", "Pushes that wait for their turn", metrics.waiting.clone());
        paces.register_with_unit(
            "wait",
            "Time waited for a turn, by those that had to",
            Unit::Seconds,
            metrics.wait.clone(),
        );
        registry.register(
            "retries_refused",
            "Pushes that were not tried again because the budget of retries was used up",
            metrics.retries_refused.clone(),
        );
        metrics
    }

    /// Observes one pace.
    #[must_use]
    pub(crate) fn of(&self, origin: String, identity: String) -> PaceObserver {
        let labels = PaceLabels { origin, identity };
        PaceObserver { families: self.clone(), labels, waits: OnceLock::new() }
    }
}

/// Observes one pace. A peer that is never paced has no samples.
pub(crate) struct PaceObserver {
    /// What is rare is looked up by its labels.
    families: PaceMetrics,
    labels: PaceLabels,
    /// How many wait, and for how long. Every push of a large batch may.
    waits: OnceLock<(Gauge, Histogram)>,
}

impl PaceObserver {
    fn waits(&self) -> &(Gauge, Histogram) {
        let Self { families, labels, waits } = self;
        waits.get_or_init(|| {
            (families.waiting.get_or_create_owned(labels), families.wait.get_or_create_owned(labels))
        })
    }
}

impl PaceObserver {
    pub(super) fn pace(&self, report: PaceReport) {
        let Self { families, labels, .. } = self;
        match report {
            PaceReport::WaitBegan => _ = self.waits().0.inc(),
            PaceReport::WaitEnded(waited) => {
                let (waiting, wait) = self.waits();
                waiting.dec();
                wait.observe(waited.as_secs_f64());
            }
            PaceReport::Changed(change) => _ = families.per_second.get_or_create(labels).inc_by(change),
            PaceReport::Lowered => _ = families.lowered.get_or_create(labels).inc(),
        }
    }

    pub(super) fn retry_refused(&self) {
        self.families.retries_refused.get_or_create(&self.labels).inc();
    }
}

/// A pace that is not a peer's has nothing else to report.
impl ObservePeer for PaceObserver {
    fn report(&self, report: Report<'_>) {
        if let Report::Pace(report) = report {
            self.pace(report);
        }
    }
}
