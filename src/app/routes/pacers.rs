//! The pacers of FCM's projects. Apps that send for the same project share its quota, and so do the routes of a configuration
//! and of the one after it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use fanfare_upstream::{PaceSettings, Pacer, Upstream};

use crate::metrics::PaceMetrics;

/// How long FCM asks a sender to take from nothing to its full pace, at least.
///
/// Source: Firebase, "Best practices when sending FCM messages at scale".
const RAMP: Duration = Duration::from_secs(60);
/// The pace that is there without a ramp, a twentieth of the quota by default: a straight ramp reaches it in three seconds,
/// and whoever stays below it is never slowed.
const FREE_PER_SECOND: f64 = 500.0;
/// How many pushes leave at once after a rest: all of the largest SendPushes, and a six-hundredth of the quota.
const BURST: f64 = 1000.0;

/// The pacers that are in use.
#[derive(Default)]
pub(crate) struct Pacers(Mutex<HashMap<(String, u32), Weak<Pacer>>>);

impl Pacers {
    /// The pacer of a project that is sent so many pushes a minute: the one that is in use, or a new one.
    pub(super) fn project(
        &self,
        project: &str,
        per_minute: u32,
        upstream: &Upstream,
        metrics: &PaceMetrics,
    ) -> Arc<Pacer> {
        let mut pacers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
        let name = format!("project {project}");
        let pacer = upstream.pacer(settings, format!("FCM, {name}"), metrics.of("fcm".into(), name));
        pacers.insert(key, Arc::downgrade(&pacer));
        pacer
    }
}
