//! The gauge of batch streams.

use prometheus_client::metrics::gauge::Gauge;

/// Counts a stream whose task runs.
pub(super) struct Counted(Gauge);

impl Counted {
    pub(super) fn new(gauge: Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}
