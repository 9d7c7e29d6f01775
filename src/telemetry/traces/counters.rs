//! What became of spans, as metrics.

use prometheus_client::metrics::counter::Counter;

/// What became of spans.
#[derive(Debug, Clone, Default)]
pub(crate) struct SpanCounters {
    /// Spans that a collector took.
    pub(crate) exported: Counter,
    /// Spans that were dropped, because the queue was full or the collector did not take them.
    pub(crate) dropped: Counter,
}
