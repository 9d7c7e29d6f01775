//! Metrics of one app on one provider. A route takes its handles when it is built, so that a push looks nothing up.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::answers::{AnswerCounters, AnswerFamily, KnownAnswer};
use super::seconds::seconds;
use crate::push::{Outcome, ProviderKind, TokenAction};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    app: String,
    provider: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ActionLabels {
    app: String,
    provider: &'static str,
    action: &'static str,
}

/// The labels that name an app on a provider.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, EncodeLabelSet)]
struct AppLabels {
    app: String,
    provider: &'static str,
}

/// Metrics of every app on each of its providers.
#[derive(Clone)]
pub(super) struct AppFamilies {
    settled: Family<OutcomeLabels, Counter>,
    actions: Family<ActionLabels, Counter>,
    attempts: Family<AppLabels, Counter>,
    duration: Family<AppLabels, Histogram, fn() -> Histogram>,
    attempt_duration: Family<AppLabels, Histogram, fn() -> Histogram>,
    quarantine: Family<AppLabels, Gauge>,
    answers: AnswerFamily,
    /// The apps that have metrics, with what their push services may answer. A family cannot be asked for its labels.
    known: Arc<Mutex<BTreeMap<AppLabels, Vec<KnownAnswer>>>>,
}

impl AppFamilies {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let families = Self {
            settled: Family::default(),
            actions: Family::default(),
            attempts: Family::default(),
            duration: Family::new_with_constructor(seconds),
            attempt_duration: Family::new_with_constructor(seconds),
            quarantine: Family::default(),
            answers: AnswerFamily::register(registry),
            known: Arc::default(),
        };
        registry.register("pushes", "Pushes that have their verdict, by outcome", families.settled.clone());
        registry.register(
            "token_actions",
            "Pushes that have their verdict, by what their callers are told to do with the target",
            families.actions.clone(),
        );
        registry.register(
            "attempts",
            "Times that a push was handed to its push service",
            families.attempts.clone(),
        );
        registry.register_with_unit(
            "push_duration",
            "Time from the arrival of a push to its verdict",
            Unit::Seconds,
            families.duration.clone(),
        );
        registry.register_with_unit(
            "attempt_duration",
            "Time from the moment that a push had its stream to the whole answer of the push service",
            Unit::Seconds,
            families.attempt_duration.clone(),
        );
        registry.register(
            "token_quarantine",
            "Whether so many targets are refused at once that callers are told to set them aside (1)",
            families.quarantine.clone(),
        );
        families
    }

    /// The handles of one app on one provider, whose push service may answer like this. Its counters exist from now on.
    pub(super) fn of(&self, app: &str, provider: ProviderKind, answers: &[KnownAnswer]) -> AppMetrics {
        let labels = AppLabels { app: app.to_owned(), provider: provider.name() };
        self.known().insert(labels.clone(), answers.to_vec());
        AppMetrics {
            settled: labels.outcomes().map(|labels| self.settled.get_or_create_owned(&labels)),
            actions: labels.actions().map(|labels| self.actions.get_or_create_owned(&labels)),
            attempts: self.attempts.get_or_create_owned(&labels),
            duration: self.duration.get_or_create_owned(&labels),
            attempt_duration: self.attempt_duration.get_or_create_owned(&labels),
            quarantine: self.quarantine.get_or_create_owned(&labels),
            answers: self.answers.of(&labels.app, labels.provider, answers),
        }
    }

    /// Forgets all other apps. One that comes again begins at 0, which Prometheus takes for a restart.
    pub(super) fn keep(&self, kept: impl Fn(&str, &str) -> bool) {
        self.known().retain(|labels, answers| {
            let stays = kept(&labels.app, labels.provider);
            if !stays {
                labels.outcomes().iter().for_each(|labels| _ = self.settled.remove(labels));
                labels.actions().iter().for_each(|labels| _ = self.actions.remove(labels));
                self.attempts.remove(labels);
                self.duration.remove(labels);
                self.attempt_duration.remove(labels);
                self.quarantine.remove(labels);
                self.answers.forget(&labels.app, labels.provider, answers);
            }
            stays
        });
    }

    fn known(&self) -> std::sync::MutexGuard<'_, BTreeMap<AppLabels, Vec<KnownAnswer>>> {
        // An entry is inserted or removed whole, so a poisoned lock harms nothing.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AppLabels {
    fn outcomes(&self) -> [OutcomeLabels; Outcome::ALL.len()] {
        let Self { app, provider } = self;
        Outcome::ALL.map(|outcome| OutcomeLabels { app: app.clone(), provider, outcome: outcome.name() })
    }

    fn actions(&self) -> [ActionLabels; TokenAction::ALL.len()] {
        let Self { app, provider } = self;
        TokenAction::ALL.map(|action| ActionLabels { app: app.clone(), provider, action: action.name() })
    }
}

/// The handles of one app on one provider.
#[derive(Debug)]
pub struct AppMetrics {
    /// In the order of [`Outcome::ALL`], which is the order of its variants.
    settled: [Counter; Outcome::ALL.len()],
    /// In the order of [`TokenAction::ALL`], which is the order of its variants.
    actions: [Counter; TokenAction::ALL.len()],
    attempts: Counter,
    duration: Histogram,
    attempt_duration: Histogram,
    quarantine: Gauge,
    answers: AnswerCounters,
}

impl AppMetrics {
    /// How many pushes had each outcome, in the order of `Outcome::ALL`.
    pub(crate) fn outcomes(&self) -> [u64; Outcome::ALL.len()] {
        std::array::from_fn(|at| self.settled[at].get())
    }

    /// How often a push was handed to its push service.
    pub(crate) fn attempts(&self) -> u64 {
        self.attempts.get()
    }

    /// Counts a push that has its verdict, and how long that took.
    pub(crate) fn settled(&self, outcome: Outcome, action: TokenAction, took: Duration) {
        self.settled[outcome as usize].inc();
        self.actions[action as usize].inc();
        self.duration.observe(took.as_secs_f64());
    }

    /// Counts a push that was handed to its push service, and how long that had it.
    pub(crate) fn attempted(&self, took: Duration) {
        self.attempts.inc();
        self.attempt_duration.observe(took.as_secs_f64());
    }

    /// Counts an answer of the push service.
    pub(crate) fn answered(&self, status: u16, reason: &str) {
        self.answers.count(status, reason);
    }

    /// Shows whether callers are told to set targets aside, which whoever guards the targets says.
    pub(crate) fn quarantine(&self) -> &Gauge {
        &self.quarantine
    }
}
