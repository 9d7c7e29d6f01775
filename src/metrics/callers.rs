//! Metrics of callers: what they hand in, and what they are refused.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// What a call may have shown that was refused, as `Unknown::kind` names it.
const SHOWN: [&str; 6] = ["nothing_shown", "elsewhere", "not_bearer", "key", "token", "certificate"];

/// Metrics of callers. The configuration bounds how many callers there are.
#[derive(Debug, Clone)]
pub struct CallerMetrics {
    pushes: Family<CallerLabels, Counter>,
    refusals: Family<RefusalLabels, Counter>,
    unknown: Family<UnknownLabels, Counter>,
    /// The callers that have metrics, with the rules that they may be refused by. A family cannot be asked for its labels.
    known: Arc<Mutex<BTreeMap<String, Vec<&'static str>>>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
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
        let (pushes, refusals, unknown, known) = Default::default();
        let metrics = Self { pushes, refusals, unknown, known };
        let help = "Pushes that were admitted, by who handed them in";
        registry.register("caller_pushes", help, metrics.pushes.clone());
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
        let pushes = self.pushes.get_or_create_owned(&CallerLabels { caller: caller.to_owned() });
        OneCaller { pushes, refusals: refusals.collect() }
    }

    /// Forgets all callers that `kept` does not name, since the configuration has them no more.
    pub(crate) fn keep(&self, kept: impl Fn(&str) -> bool) {
        self.known().retain(|caller, rules| {
            let stays = kept(caller);
            if !stays {
                self.pushes.remove(&CallerLabels { caller: caller.clone() });
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

/// The handles of one caller.
#[derive(Debug, Clone, Default)]
pub(crate) struct OneCaller {
    pushes: Counter,
    refusals: Vec<(&'static str, Counter)>,
}

impl OneCaller {
    /// Counts a push that was admitted.
    pub(crate) fn admitted(&self) {
        self.pushes.inc();
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
