//! Metrics of the configuration: whether the newest one holds, and since when.

use std::sync::atomic::AtomicU64;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReloadLabels {
    result: &'static str,
}

/// Metrics of reloads.
#[derive(Clone)]
pub struct ReloadMetrics {
    changed: Counter,
    unchanged: Counter,
    failed: Counter,
    successful: Gauge,
    at: Gauge<f64, AtomicU64>,
}

impl ReloadMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let family = Family::<ReloadLabels, Counter>::default();
        let counter = |result| family.get_or_create_owned(&ReloadLabels { result });
        let metrics = Self {
            changed: counter("changed"),
            unchanged: counter("unchanged"),
            failed: counter("failed"),
            successful: Gauge::default(),
            at: Gauge::default(),
        };
        let config = registry.sub_registry_with_prefix("config");
        config.register("reloads", "Times that the configuration was read again, by result", family);
        config.register(
            "last_reload_successful",
            "Whether the configuration that was read last holds; 0 where it is wrong and the one before it holds",
            metrics.successful.clone(),
        );
        config.register_with_unit(
            "last_reload_timestamp",
            "When the configuration that holds was read, since the Unix epoch",
            Unit::Seconds,
            metrics.at.clone(),
        );
        metrics.holds();
        metrics
    }

    /// Counts a configuration that holds from now on, and whether it changed anything.
    pub(crate) fn held(&self, changed: bool) {
        if changed { &self.changed } else { &self.unchanged }.inc();
        self.holds();
    }

    /// Counts a configuration that is wrong, so that the one before it holds.
    pub(crate) fn failed(&self) {
        self.failed.inc();
        self.successful.set(0);
    }

    fn holds(&self) {
        self.successful.set(1);
        self.at.set(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64());
    }
}
