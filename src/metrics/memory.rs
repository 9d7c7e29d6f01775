//! How many bytes of callers the gateway holds, read where they are counted when the page is asked for.

use std::fmt;
use std::sync::{Arc, OnceLock};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use crate::held_bytes::BytesBudget;

/// Metrics of the bytes of callers.
#[derive(Debug, Clone, Default)]
pub struct MemoryMetrics(Arc<OnceLock<Arc<BytesBudget>>>);

impl MemoryMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register_collector(Box::new(metrics.clone()));
        metrics
    }

    /// Shows this budget. A gateway has one.
    pub(crate) fn show(&self, budget: &Arc<BytesBudget>) {
        self.0.get_or_init(|| Arc::clone(budget));
    }
}

impl Collector for MemoryMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let (held, total) = self.0.get().map_or((0, 0), |budget| (budget.held(), budget.total()));
        let held_help =
            "Bytes of callers that the gateway holds: messages that arrive, and large pushes in flight";
        let total_help = "Bytes of callers that the gateway may hold (limits.max_held_bytes)";
        for (name, help, bytes) in [("held", held_help, held), ("held_limit", total_help, total)] {
            let gauge = ConstGauge::new(i64::try_from(bytes).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(
                name,
                help,
                Some(&Unit::Bytes),
                gauge.metric_type(),
            )?)?;
        }
        Ok(())
    }
}
