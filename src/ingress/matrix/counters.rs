//! Counts the devices of requests, with handles that are taken once.

use prometheus_client::metrics::counter::Counter;

use super::fate::Fate;
use crate::metrics::MatrixMetrics;

/// A counter of each fate.
pub(super) struct Counters([Counter; Fate::ALL.len()]);

impl Counters {
    pub(super) fn of(metrics: &MatrixMetrics) -> Self {
        Self(metrics.devices(Fate::ALL.map(Fate::name)))
    }

    pub(super) fn count(&self, fate: Fate) {
        if let Some((_, counter)) = Fate::ALL.iter().zip(&self.0).find(|(each, _)| **each == fate) {
            counter.inc();
        }
    }
}
