//! Metrics of the ingress of Mattermost servers.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PushLabels {
    kind: &'static str,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AckLabels {
    platform: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ForwardLabels {
    outcome: &'static str,
}

/// Metrics of the ingress of Mattermost servers. What they count is named by the ingress.
#[derive(Debug, Clone, Default)]
pub struct MattermostMetrics {
    pushes: Family<PushLabels, Counter>,
    acks: Family<AckLabels, Counter>,
    forwards: Family<ForwardLabels, Counter>,
}

impl MattermostMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let registry = registry.sub_registry_with_prefix("mattermost");
        let help = "Pushes of Mattermost servers that were answered here, by their kind and the status in the answer";
        registry.register("pushes", help, metrics.pushes.clone());
        let help = "Acknowledgements of devices that a push arrived, by their platform";
        registry.register("acks", help, metrics.acks.clone());
        let help =
            "Pushes of platforms that are not served here, by what became of them at the other push proxy";
        registry.register("forwards", help, metrics.forwards.clone());
        metrics
    }

    /// Counts pushes of a kind by each of these statuses. Each counter begins at 0.
    pub(crate) fn pushes<const N: usize>(
        &self,
        kind: &'static str,
        statuses: [&'static str; N],
    ) -> [Counter; N] {
        statuses.map(|status| self.pushes.get_or_create_owned(&PushLabels { kind, status }))
    }

    /// Counts acknowledgements by each of these platforms.
    pub(crate) fn acks<const N: usize>(&self, platforms: [&'static str; N]) -> [Counter; N] {
        platforms.map(|platform| self.acks.get_or_create_owned(&AckLabels { platform }))
    }

    /// Counts pushes that were forwarded by each of these outcomes.
    pub(crate) fn forwards<const N: usize>(&self, outcomes: [&'static str; N]) -> [Counter; N] {
        outcomes.map(|outcome| self.forwards.get_or_create_owned(&ForwardLabels { outcome }))
    }
}
