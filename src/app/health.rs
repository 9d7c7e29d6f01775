//! Keeps the health of the gateway and its apps, which health checks and `/readyz` tell. What changes it is an event: a
//! credential that is refused or taken again, a certificate that ends, another configuration, the end of the gateway.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use fanfare_upstream::Validity;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::certificates;
use crate::config::AppConfig;
use crate::credential::Standings;
use crate::ingress::health::{Health, Trouble};
use crate::push::AppId;

/// How often the wall clock is looked at, since it may be set, and goes on while a machine sleeps.
const LOOK_EVERY: Duration = Duration::from_secs(60 * 60);

/// Keeps the health of the gateway and its apps.
pub(super) struct HealthKeeper {
    standings: Arc<Standings>,
    /// Every app of the configuration, with the certificates that it shows.
    apps: Mutex<Vec<(AppId, Vec<Validity>)>>,
    /// The apps are others now, and so is the moment at which the next certificate ends.
    apps_changed: Notify,
    health: watch::Sender<Health>,
}

impl HealthKeeper {
    /// Keeps the health of these apps, whose credentials stand as `standings` says.
    pub(super) fn new(standings: &Arc<Standings>, apps: &[AppConfig]) -> Self {
        let (apps_of, apps_changed, health) = Default::default();
        let keeper = Self { standings: Arc::clone(standings), apps: apps_of, apps_changed, health };
        keeper.set_apps(apps);
        keeper
    }

    /// Returns the health, as it is and as it changes.
    pub(super) fn subscribe(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    /// The configuration has these apps from now on. Whoever watches looks again, since what callers may ask for may be new too.
    pub(super) fn set_apps(&self, apps: &[AppConfig]) {
        let validities = |app| certificates::of_app(app).map(|(_, certificate)| certificate.validity());
        let apps = apps.iter().map(|app| (app.id.clone(), validities(app).collect())).collect();
        *self.apps.lock().unwrap_or_else(PoisonError::into_inner) = apps;
        self.look();
        self.health.send_modify(|_| {});
        self.apps_changed.notify_one();
    }

    /// The gateway takes no more calls soon. Whoever watches it is told.
    pub(super) fn drain(&self) {
        self.health.send_modify(|health| health.draining = true);
    }

    /// Looks whenever something has changed, until `stop`.
    pub(super) async fn run(self: Arc<Self>, stop: CancellationToken) {
        loop {
            let pause = self.look();
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.standings.changed() => {}
                () = self.apps_changed.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Finds out how every app is, and tells it if it has changed. Returns when to look again though nothing happens.
    fn look(&self) -> Duration {
        let now = SystemTime::now();
        let mut pause = LOOK_EVERY;
        // The health is changed under its own lock, so that of two looks at once the later one holds.
        self.health.send_if_modified(|health| {
            let mut looked = Health { draining: health.draining, refused: 0, apps: BTreeMap::new() };
            for (app, certificates) in self.apps.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                let troubles = looked.apps.entry(app.clone()).or_default();
                for validity in certificates {
                    let left = validity.left(now);
                    if validity.has_ended(now) {
                        troubles.insert(Trouble::CertificateEnded);
                    } else if validity.ends_soon(now) {
                        troubles.insert(Trouble::CertificateEnds);
                    }
                    if !left.is_zero() {
                        // The certificate is still valid in its last second.
                        pause = pause.min(left + Duration::from_secs(1));
                    }
                }
            }
            for shut in self.standings.shut() {
                looked.refused += 1;
                let trouble = if shut.entirely { Trouble::CredentialRefused } else { Trouble::TopicRefused };
                for app in shut.apps {
                    // An app that has left the configuration has pushes in flight at most.
                    looked.apps.entry(app).and_modify(|troubles| _ = troubles.insert(trouble));
                }
            }
            let changed = *health != looked;
            *health = looked;
            changed
        });
        pause
    }
}
