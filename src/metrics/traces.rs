//! Metrics of traces.

use prometheus_client::registry::Registry;

use crate::telemetry::traces;

/// Registers what became of spans. The whole process has one set, because it has one queue of them.
pub(super) fn register(registry: &mut Registry) {
    let spans = traces::span_counters();
    let registry = registry.sub_registry_with_prefix("trace");
    registry.register("spans_exported", "Spans of traces that the collector took", spans.exported);
    registry.register(
        "spans_dropped",
        "Spans of traces that were dropped: they came faster than they were exported, or the collector did not take them",
        spans.dropped,
    );
}
