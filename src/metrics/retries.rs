//! What is left of the budgets of retries, read from the peers when the page is asked for: it grows with time alone, which nobody
//! would report.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use fanfare_upstream::Upstream;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use super::bounded::Origins;

/// Shows what is left of the budgets of retries.
#[derive(Debug, Clone)]
pub(super) struct RetryBudgets {
    /// A gateway has one. It has these metrics itself.
    upstream: Arc<OnceLock<Weak<Upstream>>>,
    origins: Origins,
}

impl RetryBudgets {
    pub(super) fn new(origins: Origins) -> Self {
        Self { upstream: Arc::default(), origins }
    }

    pub(super) fn show(&self, upstream: &Arc<Upstream>) {
        self.upstream.get_or_init(|| Arc::downgrade(upstream));
    }
}

impl Collector for RetryBudgets {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Some(upstream) = self.upstream.get().and_then(Weak::upgrade) else { return Ok(()) };
        let mut left = BTreeMap::<_, u64>::new();
        for peer in upstream.look() {
            let labels = (self.origins.label(&peer.origin, peer.kind), peer.identity);
            *left.entry(labels).or_default() += peer.retries_left;
        }
        let help = "Pushes that may be tried again at this moment, by the budget of retries";
        let mut family = encoder.encode_descriptor("retries_left", help, None, MetricType::Gauge)?;
        for ((origin, identity), left) in left {
            let labels = [("origin", &*origin), ("identity", &*identity)];
            let gauge = ConstGauge::new(i64::try_from(left).unwrap_or(i64::MAX));
            gauge.encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
