//! Metrics of callers: what they hand in, and what they are refused.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// What a call may have shown that was refused, as `Unknown::kind` names it.
const SHOWN: [&str; 6] = ["nothing_shown", "elsewhere", "not_bearer", "key", "token", "certificate"];

/// Metrics of callers. The configuration bounds how many callers there are.
#[derive(Debug, Clone)]
pub struct CallerMetrics {
    pushes: Family<CallerLabels, Counter>,
    rates: Family<CallerLabels, Gauge>,
    streams: Family<CallerLabels, Gauge>,
    most_streams: Family<CallerLabels, Gauge>,
    refusals: Family<RefusalLabels, Counter>,
    unknown: Family<UnknownLabels, Counter>,
    /// The callers that have metrics, with the rules that they may be refused by. A family cannot be asked for its labels.
    known: Arc<Mutex<BTreeMap<String, Vec<&'static str>>>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallerLabels {
    caller: String,
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
        let (pushes, rates, streams, most_streams) = Default::default();
        let (refusals, unknown, known) = Default::default();
        let metrics = Self { pushes, rates, streams, most_streams, refusals, unknown, known };
        let help = "Pushes that were admitted, by who handed them in";
        registry.register("caller_pushes", help, metrics.pushes.clone());
        let help = "Pushes a second that a caller may hand in; there is none where nothing limits it";
        registry.register("caller_pushes_per_second_limit", help, metrics.rates.clone());
        registry.register("caller_streams", "Open batch streams of a caller", metrics.streams.clone());
        let help = "Batch streams that a caller may have open; there is none where nothing limits it";
        registry.register("caller_streams_limit", help, metrics.most_streams.clone());
        let help = "Pushes and calls that a caller may not make, by the permission that it lacks";
        registry.register("caller_refusals", help, metrics.refusals.clone());
        let help = "Calls of unknown callers, by what they showed";
        registry.register("unknown_callers", help, metrics.unknown.clone());
        for shown in SHOWN {
            let _ = metrics.unknown.get_or_create(&UnknownLabels { shown });
        }
        metrics
    }

    /// The handles of one caller, who may be refused by these rules. Each of its counters begins at 0.
    pub(crate) fn caller(&self, caller: &str, rules: &[&'static str]) -> OneCaller {
        self.known().insert(caller.to_owned(), rules.to_vec());
        let refusals = rules.iter().map(|&rule| {
            let labels = RefusalLabels { caller: caller.to_owned(), rule };
            (rule, self.refusals.get_or_create_owned(&labels))
        });
        let labels = CallerLabels { caller: caller.to_owned() };
        OneCaller {
            pushes: self.pushes.get_or_create_owned(&labels),
            streams: self.streams.get_or_create_owned(&labels),
            rate: MaybeGauge { family: self.rates.clone(), labels: labels.clone() },
            most_streams: MaybeGauge { family: self.most_streams.clone(), labels },
            refusals: refusals.collect(),
        }
    }

    /// Forgets all callers that `kept` does not name, since the configuration has them no more.
    pub(crate) fn keep(&self, kept: impl Fn(&str) -> bool) {
        self.known().retain(|caller, rules| {
            let stays = kept(caller);
            if !stays {
                let labels = CallerLabels { caller: caller.clone() };
                self.pushes.remove(&labels);
                for gauges in [&self.rates, &self.streams, &self.most_streams] {
                    gauges.remove(&labels);
                }
                for rule in rules {
                    self.refusals.remove(&RefusalLabels { caller: caller.clone(), rule });
                }
            }
            stays
        });
    }

    /// Counts a call of somebody whom the gateway does not know.
    pub(crate) fn unknown(&self, shown: &'static str) {
        self.unknown.get_or_create(&UnknownLabels { shown }).inc();
    }

    fn known(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<&'static str>>> {
        // An entry is inserted or removed whole, so a poisoned lock harms nothing.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A gauge that is shown while it has a value.
#[derive(Debug, Clone, Default)]
struct MaybeGauge {
    family: Family<CallerLabels, Gauge>,
    labels: CallerLabels,
}

impl MaybeGauge {
    fn show(&self, value: Option<i64>) {
        match value {
            Some(value) => _ = self.family.get_or_create(&self.labels).set(value),
            None => _ = self.family.remove(&self.labels),
        }
    }
}

/// The handles of one caller.
#[derive(Debug, Clone, Default)]
pub(crate) struct OneCaller {
    pushes: Counter,
    streams: Gauge,
    rate: MaybeGauge,
    most_streams: MaybeGauge,
    refusals: Vec<(&'static str, Counter)>,
}

impl OneCaller {
    /// Counts a push that was admitted.
    pub(crate) fn admitted(&self) {
        self.pushes.inc();
    }

    /// What counts its open batch streams.
    pub(crate) fn streams(&self) -> Gauge {
        self.streams.clone()
    }

    /// Shows how many pushes a second it may hand in, and how many batch streams it may have open.
    pub(crate) fn limited(&self, pushes_per_second: Option<u32>, streams: Option<usize>) {
        self.rate.show(pushes_per_second.map(i64::from));
        self.most_streams.show(streams.map(|most| i64::try_from(most).unwrap_or(i64::MAX)));
    }

    /// How many pushes were admitted.
    pub(crate) fn pushes(&self) -> u64 {
        self.pushes.get()
    }

    /// How often each rule refused the caller.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.refusals.iter().map(|(rule, counter)| (*rule, counter.get()))
    }

    /// Counts a refusal by this rule.
    pub(crate) fn refused(&self, rule: &str) {
        if let Some((_, counter)) = self.refusals.iter().find(|(name, _)| *name == rule) {
            counter.inc();
        }
    }
}
