//! Metrics of `Options.once`.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OnceLabels {
    role: &'static str,
}

/// Metrics of the pushes that are not to be sent twice.
#[derive(Debug, Clone)]
pub struct OnceMetrics {
    /// Pushes that were the first with their id.
    pub(crate) first: Counter,
    /// Pushes that joined the first while it was in flight.
    pub(crate) joined: Counter,
    /// Pushes that got the recorded verdict of the first.
    pub(crate) recorded: Counter,
    /// Pushes that had another target, content or options than the first.
    pub(crate) reused: Counter,
    /// Pushes that were refused, since the window was full of pushes in flight.
    pub(crate) full: Counter,
    /// Pushes that are in flight or remembered.
    pub(crate) entries: Gauge,
}

impl OnceMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let family = Family::<OnceLabels, Counter>::default();
        let counter = |role| family.get_or_create_owned(&OnceLabels { role });
        let metrics = Self {
            first: counter("first"),
            joined: counter("joined"),
            recorded: counter("recorded"),
            reused: counter("reused"),
            full: counter("full"),
            entries: Gauge::default(),
        };
        registry.register(
            "once_pushes",
            "Pushes with Options.once, by what they were beside the first",
            family,
        );
        registry.register(
            "once_entries",
            "Pushes with Options.once that are in flight or remembered",
            metrics.entries.clone(),
        );
        metrics
    }
}
