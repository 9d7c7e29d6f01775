//! Collects how everything is, for the status that the admin listener shows. A look asks each part for its own values and
//! holds no push up.

mod credentials;
mod feeds;
mod findings;
mod history;
mod over_rate;
mod peers;
mod remedies;
mod verdict;

use std::cmp::Reverse;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use fanfare_upstream::{PaceLook, Upstream};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::certificates::CertificateWatch;
use super::feeding::Feeding;
use crate::caller::{CallerLook, Callers};
use crate::credential::Registry;
use crate::desk::{Admission, Desk};
use crate::ingress::health::Health;
use crate::listener::Accepting;
use crate::status::{CallerStatus, PaceStatus, Problems, RateStatus, SAMPLE_EVERY, Status, at};
use findings::Surroundings;
use history::History;

/// Where to look.
pub(super) struct Watched {
    pub(super) desk: Arc<Desk>,
    pub(super) callers: Arc<Callers>,
    pub(super) admission: Arc<Admission>,
    pub(super) credentials: Arc<Registry>,
    pub(super) upstream: Arc<Upstream>,
    pub(super) problems: Arc<Problems>,
    pub(super) feeding: Arc<Feeding>,
    pub(super) certificates: Arc<CertificateWatch>,
    pub(super) health: watch::Receiver<Health>,
    pub(super) accepting: Vec<Accepting>,
}

/// Knows where to look, and what was seen before.
pub(super) struct StatusKeeper {
    started: SystemTime,
    watched: Watched,
    history: Mutex<History>,
}

impl StatusKeeper {
    /// Has seen nothing yet of a gateway that was started now.
    pub(super) fn new(watched: Watched) -> Self {
        Self { started: SystemTime::now(), watched, history: Mutex::default() }
    }

    /// Takes a sample every few seconds, until `stop`.
    pub(super) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut ticks = interval(SAMPLE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            let Watched { desk, callers, .. } = &self.watched;
            self.history().sample(Instant::now(), &desk.look(), &callers.look());
            // A look notes since when each app is as it is, also where nobody reads the status.
            self.look();
        }
    }

    /// How everything is now.
    pub(super) fn look(&self) -> Status {
        let now = SystemTime::now();
        let Watched { desk, callers, admission, credentials, upstream, certificates, .. } = &self.watched;
        let (routes, tokens, certificates) = (desk.look(), credentials.look(), certificates.certificates());
        let problems = self.watched.problems.all();
        let (peers, peers_left_out) = peers::told(upstream.look());
        let of_peers = peers.iter().filter_map(|(_, pace)| pace.clone());
        let paces = paces(of_peers.chain(routes.iter().filter_map(|route| route.pace.clone())).collect());
        let credentials = credentials::told(credentials.standings().look(), &tokens, &certificates, now);
        let not_ready = self.not_ready();

        let mut history = self.history();
        let mut apps: Vec<_> = routes
            .iter()
            .map(|route| {
                let minute = &history.last_minute(route);
                let (tokens, certificates, problems) = (&tokens, &certificates, &problems);
                let around = Surroundings { now, minute, tokens, certificates, problems };
                verdict::of(route, &around, &mut history)
            })
            .collect();
        history.keep_apps(&apps);
        apps.sort_by_cached_key(|app| (Reverse(app.health), app.app.clone(), app.provider.clone()));
        let mut callers: Vec<_> =
            callers.look().into_iter().map(|caller| told(caller, &history, now)).collect();
        callers.sort_by(|one, other| one.name.cmp(&other.name));
        Status {
            now,
            since: self.started,
            version: env!("CARGO_PKG_VERSION").into(),
            ready: not_ready.is_none(),
            not_ready: not_ready.map(Into::into),
            in_flight: admission.in_flight(),
            max_in_flight: admission.limit(),
            batches: desk.batches(),
            apps,
            peers: peers.into_iter().map(|(peer, _)| peer).collect(),
            peers_left_out,
            paces,
            credentials,
            callers,
            feeds: feeds::told(self.watched.feeding.look(), now),
            problems,
            series: history.series(),
        }
    }

    /// Why the gateway takes no pushes, if that is so.
    fn not_ready(&self) -> Option<&'static str> {
        if self.watched.health.borrow().draining {
            Some("it is shutting down")
        } else if !self.watched.accepting.iter().all(Accepting::is_possible) {
            Some("it has no file descriptors left for another connection")
        } else {
            None
        }
    }

    fn history(&self) -> MutexGuard<'_, History> {
        // What is remembered is whole at every moment, so a poisoned lock harms nothing.
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Each pace once, since several apps may share it.
fn paces(mut looks: Vec<PaceLook>) -> Vec<PaceStatus> {
    fn name(pace: &PaceLook) -> (String, String) {
        (pace.origin.clone(), pace.identity.clone())
    }
    looks.sort_by_cached_key(name);
    looks.dedup_by(|one, other| name(one) == name(other));
    let told = looks.into_iter().map(|pace| PaceStatus {
        origin: pace.origin,
        identity: pace.identity,
        per_second: (pace.per_second * 10.0).round() / 10.0,
        limited_since: pace.limited_since.map(at),
        waiting: pace.waiting,
    });
    told.collect()
}

fn told(caller: CallerLook, history: &History, now: SystemTime) -> CallerStatus {
    let rate = caller.rate.map(|(pushes_per_second, burst)| RateStatus { pushes_per_second, burst });
    CallerStatus {
        pushes_per_second: history.pushes_per_second(&caller.name),
        trouble: history.over_rate(&caller.name).and_then(|it| it.told(&caller.name, caller.rate, now)),
        name: caller.name.to_string(),
        rate,
        in_flight: caller.in_flight,
        streams: caller.streams,
        max_streams: caller.max_streams,
        refusals: caller.refusals.into_iter().map(|(rule, count)| (rule.into(), count)).collect(),
    }
}

#[cfg(test)]
mod tests;
