//! Metrics of callers that were refused.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// What a call may have shown that was refused, as `Unknown::kind` names it.
const SHOWN: [&str; 5] = ["nothing_shown", "not_bearer", "key", "token", "certificate"];

/// Metrics of callers that were refused. The configuration bounds how many callers there are.
#[derive(Debug, Clone)]
pub struct CallerMetrics {
    refusals: Family<RefusalLabels, Counter>,
    unknown: Family<UnknownLabels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    caller: String,
    rule: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UnknownLabels {
    shown: &'static str,
}

impl CallerMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let (refusals, unknown) = (Family::default(), Family::default());
        let help = "Pushes and calls that a caller may not make, by the permission that it lacks";
        registry.register("caller_refusals", help, refusals.clone());
        let help = "Calls of unknown callers, by what they showed";
        registry.register("unknown_callers", help, unknown.clone());
        let metrics = Self { refusals, unknown };
        for shown in SHOWN {
            let _ = metrics.unknown.get_or_create(&UnknownLabels { shown });
        }
        metrics
    }

    /// Counts the refusals of one caller, of which each rule's begins at 0.
    pub(crate) fn refusals(&self, caller: &str, rules: &[&'static str]) -> CallerRefusals {
        let counters = rules.iter().map(|&rule| {
            let labels = RefusalLabels { caller: caller.to_owned(), rule };
            (rule, self.refusals.get_or_create(&labels).clone())
        });
        CallerRefusals(counters.collect())
    }

    /// Counts a call of somebody whom the gateway does not know.
    pub(crate) fn unknown(&self, shown: &'static str) {
        self.unknown.get_or_create(&UnknownLabels { shown }).inc();
    }
}

/// The refusals of one caller, by rule.
#[derive(Debug, Clone, Default)]
pub(crate) struct CallerRefusals(Vec<(&'static str, Counter)>);

impl CallerRefusals {
    /// How often each rule refused the caller.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().map(|(rule, counter)| (*rule, counter.get()))
    }

    pub(crate) fn count(&self, rule: &str) {
        if let Some((_, counter)) = self.0.iter().find(|(name, _)| *name == rule) {
            counter.inc();
        }
    }
}
