//! Metrics of the ingress of Matrix homeservers.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DeviceLabels {
    fate: &'static str,
}

/// Metrics of the ingress of Matrix homeservers.
#[derive(Debug, Clone, Default)]
pub struct MatrixMetrics {
    devices: Family<DeviceLabels, Counter>,
}

impl MatrixMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let help = "Devices in requests of Matrix homeservers, by what the homeserver is to do about them";
        registry.register("matrix_devices", help, metrics.devices.clone());
        metrics
    }

    /// Counts devices by each of these fates. Each counter begins at 0.
    pub(crate) fn devices<const N: usize>(&self, fates: [&'static str; N]) -> [Counter; N] {
        fates.map(|fate| self.devices.get_or_create_owned(&DeviceLabels { fate }))
    }
}
