//! What was seen before: the samples, the last minute of each app, the pace of each caller, and since when each app is as it
//! is. It is bounded by what the configuration names, since what is not seen again is forgotten.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::over_rate::{OverRate, refused};
use crate::caller::CallerLook;
use crate::dispatch::RouteLook;
use crate::push::Outcome;
use crate::status::{AppHealth, AppStatus, LatencyCounts, SAMPLE_EVERY, Sample, Samples, Series, at};

/// How many samples are a minute.
const MINUTE: usize = 12;

/// Pushes by outcome, in the order of `Outcome::ALL`.
pub(super) type Outcomes = [u64; Outcome::ALL.len()];

type RouteKey = (String, &'static str);

/// What was seen before.
#[derive(Default)]
pub(super) struct History {
    samples: Samples,
    sampled_at: Option<Instant>,
    routes: HashMap<RouteKey, RouteHistory>,
    callers: HashMap<Arc<str>, CallerHistory>,
    health: HashMap<RouteKey, (AppHealth, SystemTime)>,
}

/// What one app on one provider had counted when the last sample was taken, and in each interval of the last minute.
struct RouteHistory {
    outcomes: Outcomes,
    latency: LatencyCounts,
    minute: VecDeque<Outcomes>,
}

struct CallerHistory {
    taken: u64,
    per_second: f64,
    refused: u64,
    over_rate: Option<OverRate>,
}

impl History {
    /// Takes a sample of what was counted up to now.
    pub(super) fn sample(&mut self, now: Instant, routes: &[RouteLook], callers: &[CallerLook]) {
        let first = self.sampled_at.is_none();
        let lasted = self.sampled_at.replace(now).map_or(SAMPLE_EVERY, |before| now - before);
        let (mut outcomes, mut latency) = (Outcomes::default(), LatencyCounts::default());
        let mut sampled = HashMap::new();
        for route in routes {
            let before = self.routes.remove(&key(route));
            let (news, took) = match &before {
                Some(before) => {
                    (since(&route.outcomes, &before.outcomes), route.latency.since(&before.latency))
                }
                None => (route.outcomes, route.latency),
            };
            outcomes.iter_mut().zip(news).for_each(|(sum, more)| *sum += more);
            latency.add(&took);
            let mut minute = before.map(|before| before.minute).unwrap_or_default();
            minute.push_back(news);
            if minute.len() > MINUTE {
                minute.pop_front();
            }
            let seen = RouteHistory { outcomes: route.outcomes, latency: route.latency, minute };
            sampled.insert(key(route), seen);
        }
        self.routes = sampled;
        self.sample_callers(callers, lasted, at(now));
        if first {
            // There is no interval before the first look.
            return;
        }
        let percentiles = [50, 90, 99].map(|percent| latency.percentile(percent));
        self.samples.take(Sample { at: SystemTime::now(), lasted, outcomes, percentiles });
    }

    fn sample_callers(&mut self, callers: &[CallerLook], lasted: Duration, now: SystemTime) {
        let sampled = callers.iter().map(|caller| {
            let before = self.callers.get(&caller.name);
            // A caller that left the configuration and came back counts anew.
            let since = |now: u64, before: Option<u64>| now.checked_sub(before.unwrap_or(0)).unwrap_or(now);
            let news = since(caller.taken, before.map(|before| before.taken));
            let per_second = (news as f64 / lasted.as_secs_f64().max(0.001) * 10.0).round() / 10.0;
            let refused = refused(caller);
            let refusals = since(refused, before.map(|before| before.refused));
            let over_rate = OverRate::next(before.and_then(|before| before.over_rate), refusals, now);
            let history = CallerHistory { taken: caller.taken, per_second, refused, over_rate };
            (Arc::clone(&caller.name), history)
        });
        self.callers = sampled.collect();
    }

    /// The pushes of a route that had their verdict in the last minute.
    pub(super) fn last_minute(&self, route: &RouteLook) -> Outcomes {
        let Some(history) = self.routes.get(&key(route)) else { return route.outcomes };
        let mut minute = since(&route.outcomes, &history.outcomes);
        for interval in &history.minute {
            minute.iter_mut().zip(interval).for_each(|(sum, more)| *sum += more);
        }
        minute
    }

    /// How many pushes a second a caller handed in lately.
    pub(super) fn pushes_per_second(&self, caller: &Arc<str>) -> f64 {
        self.callers.get(caller).map_or(0.0, |caller| caller.per_second)
    }

    /// What was refused of a caller that is over its rate.
    pub(super) fn over_rate(&self, caller: &Arc<str>) -> Option<OverRate> {
        self.callers.get(caller)?.over_rate
    }

    /// Since when a route is in this health, as far as was seen.
    pub(super) fn in_health_since(
        &mut self,
        route: &RouteLook,
        health: AppHealth,
        now: SystemTime,
    ) -> SystemTime {
        let known = self.health.entry(key(route)).or_insert((health, now));
        if known.0 != health {
            *known = (health, now);
        }
        known.1
    }

    /// Forgets since when others were as they were.
    pub(super) fn keep_apps(&mut self, apps: &[AppStatus]) {
        self.health.retain(|(app, provider), _| {
            apps.iter().any(|status| status.app == *app && status.provider == *provider)
        });
    }

    pub(super) fn series(&self) -> Series {
        self.samples.series()
    }
}

fn key(route: &RouteLook) -> RouteKey {
    (route.app.to_string(), route.provider.name())
}

/// What was counted since. A counter that is lower than it was began anew.
fn since(now: &Outcomes, before: &Outcomes) -> Outcomes {
    std::array::from_fn(|at| now[at].checked_sub(before[at]).unwrap_or(now[at]))
}
