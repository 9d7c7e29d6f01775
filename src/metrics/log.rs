//! Metrics of the log.

use prometheus_client::registry::Registry;

use crate::telemetry;

/// Registers the counter of lost lines. The whole process has one, because it has one log.
pub(super) fn register(registry: &mut Registry) {
    let dropped = telemetry::dropped_lines();
    registry.sub_registry_with_prefix("log").register(
        "lines_dropped",
        "Log lines that were dropped: the log could not be written, or not as fast as lines came",
        dropped,
    );
}
