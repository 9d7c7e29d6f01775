//! How many pushes are in flight, read where admission counts them when the page is asked for.

use std::fmt;
use std::sync::Arc;

use fanfare_upstream::InFlight;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::gauge::ConstGauge;

/// Shows the count of pushes in flight.
#[derive(Debug)]
pub(super) struct InFlightCollector(pub(super) Arc<InFlight>);

impl Collector for InFlightCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let gauge = ConstGauge::new(i64::try_from(self.0.count()).unwrap_or(i64::MAX));
        let help = "Pushes admitted that have no verdict yet";
        let metric = encoder.encode_descriptor("pushes_in_flight", help, None, gauge.metric_type())?;
        gauge.encode(metric)
    }
}
