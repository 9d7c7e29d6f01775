//! What apps share that send for the same FCM project: the pace of its quota, and the breaker that holds its pushes back. The
//! routes of a configuration share them with those of the one after it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use fanfare_upstream::{BreakerSettings, PaceSettings, Pacer, Upstream};

use crate::dispatch::RouteBreaker;
use crate::metrics::Metrics;
use crate::provider::Provider;
use crate::provider::fcm::Fcm;

/// How long FCM asks a sender to take from nothing to its full pace, at least.
///
/// Source: Firebase, "Best practices when sending FCM messages at scale".
const RAMP: Duration = Duration::from_secs(60);
/// The pace that is there without a ramp, a twentieth of the quota by default: a straight ramp reaches it in three seconds,
/// and whoever stays below it is never slowed.
const FREE_PER_SECOND: f64 = 500.0;
/// How many pushes leave at once after a rest: all of the largest SendPushes, and a six-hundredth of the quota.
const BURST: f64 = 1000.0;

/// The projects that are in use.
#[derive(Default)]
pub(crate) struct Projects(Mutex<InUse>);

#[derive(Default)]
struct InUse {
    /// By the name of the project, and how many pushes a minute it is sent.
    pacers: HashMap<(String, u32), Weak<Pacer>>,
    /// By the name of the project; they have these settings.
    breakers: HashMap<String, (BreakerSettings, Weak<RouteBreaker>)>,
}

impl Projects {
    /// The pacer of a project that is sent so many pushes a minute: the one that is in use, or a new one.
    pub(super) fn pacer(
        &self,
        project: &str,
        per_minute: u32,
        upstream: &Upstream,
        metrics: &Metrics,
    ) -> Arc<Pacer> {
        let pacers = &mut self.in_use().pacers;
        pacers.retain(|_, pacer| pacer.strong_count() > 0);
        let key = (project.to_owned(), per_minute);
        if let Some(pacer) = pacers.get(&key).and_then(Weak::upgrade) {
            return pacer;
        }
        let settings = PaceSettings {
            most_per_second: Some(f64::from(per_minute) / 60.0),
            ramp: RAMP,
            free_per_second: FREE_PER_SECOND,
            burst: BURST,
            ..PaceSettings::default()
        };
        let (service, quota) = ("fcm".to_owned(), format!("project {project}"));
        let handles = metrics.upstream.paces.of(service.clone(), quota.clone());
        let pacer = upstream.pacer(settings, (service, quota), handles);
        pacers.insert(key, Arc::downgrade(&pacer));
        pacer
    }

    /// The breaker of a project: the one that is in use, or a new one where there is none with these settings.
    pub(super) fn breaker(
        &self,
        project: &str,
        settings: BreakerSettings,
        metrics: &Metrics,
    ) -> Arc<RouteBreaker> {
        let breakers = &mut self.in_use().breakers;
        breakers.retain(|_, (_, breaker)| breaker.strong_count() > 0);
        let known = breakers.get(project).filter(|(its, _)| *its == settings);
        if let Some(breaker) = known.and_then(|(_, breaker)| breaker.upgrade()) {
            return breaker;
        }
        let shown = metrics.pushes.breaker(project);
        let breaker = RouteBreaker::new(format!("project {project}"), Fcm::KIND, settings, shown);
        let breaker = Arc::new(breaker);
        breakers.insert(project.to_owned(), (settings, Arc::downgrade(&breaker)));
        breaker
    }

    fn in_use(&self) -> MutexGuard<'_, InUse> {
        // An entry is inserted whole or not at all, so a poisoned lock harms nothing.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
