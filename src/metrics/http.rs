//! Metrics of the calls of HTTP listeners.

use http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// The classes of statuses that calls are answered. Source: RFC 9110, section 15.
const CLASSES: [&str; 3] = ["2xx", "4xx", "5xx"];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    listener: String,
    ingress: &'static str,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    listener: String,
    ingress: &'static str,
    reason: &'static str,
}

/// Metrics of the calls of HTTP listeners. The configuration bounds how many listeners there are.
#[derive(Debug, Clone, Default)]
pub struct HttpMetrics {
    calls: Family<CallLabels, Counter>,
    refusals: Family<RefusalLabels, Counter>,
}

impl HttpMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let registry = registry.sub_registry_with_prefix("http");
        let help = "Calls that HTTP listeners answered, by ingress and class of the status";
        registry.register("calls", help, metrics.calls.clone());
        let help = "Calls that did not reach their ingress, by the reason";
        registry.register("refusals", help, metrics.refusals.clone());
        metrics
    }

    /// Counts the calls of one ingress of one listener, which may be refused for these reasons. Each counter begins at 0.
    pub(crate) fn calls(&self, listener: &str, ingress: &'static str, reasons: &[&'static str]) -> HttpCalls {
        let answered = |status| {
            let labels = CallLabels { listener: listener.to_owned(), ingress, status };
            self.calls.get_or_create_owned(&labels)
        };
        let refused = |&reason: &&'static str| {
            let labels = RefusalLabels { listener: listener.to_owned(), ingress, reason };
            (reason, self.refusals.get_or_create_owned(&labels))
        };
        HttpCalls { answered: CLASSES.map(answered), refused: reasons.iter().map(refused).collect() }
    }
}

/// The calls of one ingress of one listener.
#[derive(Debug)]
pub(crate) struct HttpCalls {
    /// In the order of [`CLASSES`].
    answered: [Counter; CLASSES.len()],
    refused: Vec<(&'static str, Counter)>,
}

impl HttpCalls {
    /// Counts a call that was answered.
    pub(crate) fn answered(&self, status: StatusCode) {
        let [good, of_caller, of_gateway] = &self.answered;
        let counter = if status.is_server_error() {
            of_gateway
        } else if status.is_client_error() {
            of_caller
        } else {
            good
        };
        counter.inc();
    }

    /// Counts a call that did not reach its ingress.
    pub(crate) fn refused(&self, reason: &str) {
        if let Some((_, counter)) = self.refused.iter().find(|(name, _)| *name == reason) {
            counter.inc();
        }
    }
}
