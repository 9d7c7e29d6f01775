//! Warns before a certificate ends, of an app or of a listener, and says when it has ended. The gateway goes on serving,
//! since other apps need it.

mod notice;
mod owner;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use fanfare_upstream::Validity;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::http::{HttpListener, certificates};
use crate::config::{AppConfig, ClientCertificate, Config};
use crate::metrics::{CredentialMetrics, StandingMetrics};
use crate::provider::Provider;
use crate::provider::apns::Apns;
use crate::provider::fcm::Fcm;
use crate::push::{AppId, ProviderKind};
use notice::{Notice, tell};
use owner::Owner;

/// An end that has been announced is announced again after this time.
const AGAIN_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// How often the wall clock is looked at, since it may be set, and goes on while a machine sleeps.
const LOOK_EVERY: Duration = Duration::from_secs(60 * 60);

/// Watches the client certificates of all apps, and the certificates of the listeners.
pub(super) struct CertificateWatch {
    watched: Mutex<Vec<WatchedCertificate>>,
    changed: Notify,
    metrics: CredentialMetrics,
}

struct WatchedCertificate {
    owner: Owner,
    /// Tells it apart from another of the same owner.
    label: String,
    validity: Validity,
    /// When its end was last announced.
    announced: Option<SystemTime>,
    /// The log was told that it is not valid.
    reported: bool,
    /// Shows that it has ended, where it is an app's.
    metrics: Option<StandingMetrics>,
}

/// The client certificates of an app.
pub(super) fn of_app(app: &AppConfig) -> impl Iterator<Item = (ProviderKind, &ClientCertificate)> {
    let apns = app.apns.as_ref().and_then(|apns| Some((Apns::KIND, apns.credential.certificate()?)));
    let fcm = app.fcm.as_ref().and_then(|fcm| Some((Fcm::KIND, fcm.certificate.as_ref()?)));
    apns.into_iter().chain(fcm)
}

/// A certificate that is watched.
pub(super) struct CertificateLook {
    /// The app that shows it to a push service; none where a listener shows it.
    pub(super) owner: Option<(AppId, ProviderKind)>,
    /// The name of that listener.
    pub(super) listener: Arc<str>,
    /// What tells it apart.
    pub(super) label: String,
    pub(super) validity: Validity,
}

impl CertificateWatch {
    /// Every certificate that is watched.
    pub(super) fn certificates(&self) -> Vec<CertificateLook> {
        let look = |watched: &WatchedCertificate| {
            let (owner, listener) = match &watched.owner {
                Owner::App(app, provider) => (Some((app.clone(), *provider)), Arc::default()),
                Owner::Listener(name) => (None, Arc::clone(name)),
            };
            CertificateLook { owner, listener, label: watched.label.clone(), validity: watched.validity }
        };
        self.watched().iter().map(look).collect()
    }

    /// Watches nothing yet.
    pub(super) fn new(metrics: CredentialMetrics) -> Self {
        Self { watched: Mutex::default(), changed: Notify::new(), metrics }
    }

    /// Watches every certificate of a configuration, which has these HTTP listeners, and no other, and shows when each ends.
    /// What was announced of a certificate that stays is not announced again.
    pub(super) fn watch(&self, config: &Config, http: &[HttpListener]) {
        let mut newer = self.found(config, http);
        let mut watched = self.watched();
        for former in watched.drain(..) {
            let same = |it: &&mut WatchedCertificate| it.owner == former.owner && it.label == former.label;
            if let Some(same) = newer.iter_mut().find(same) {
                *same = former;
                continue;
            }
            if newer.iter().any(|it| it.owner == former.owner) {
                continue;
            }
            match &former.owner {
                Owner::App(app, provider) => self.metrics.no_certificate(app.as_str(), provider.name()),
                Owner::Listener(name) => self.metrics.no_listener_certificate(name),
            }
        }
        *watched = newer;
        drop(watched);
        self.changed.notify_one();
    }

    fn found(&self, config: &Config, http: &[HttpListener]) -> Vec<WatchedCertificate> {
        let mut found = Vec::new();
        for app in &config.apps {
            for (provider, certificate) in of_app(app) {
                let validity = certificate.validity();
                self.metrics.certificate(app.id.as_str(), provider.name(), validity.until());
                let label = certificate.label();
                let owner = Owner::App(app.id.clone(), provider);
                found.push(WatchedCertificate {
                    metrics: Some(self.metrics.standing(&label, provider.name())),
                    ..WatchedCertificate::new(owner, label, validity)
                });
            }
        }
        let tables = [("grpc", &config.grpc.listener), ("admin", &config.admin.listener)];
        let of_tables =
            tables.into_iter().filter_map(|(table, it)| Some((Arc::from(table), it.tls.as_ref()?)));
        let of_http = certificates(http, &config.http).map(|(name, tls)| (Arc::clone(name), tls));
        for (name, tls) in of_tables.chain(of_http) {
            self.metrics.listener_certificate(&name, tls.validity().until());
            let (owner, label) = (Owner::Listener(name), format!("{tls:?}"));
            found.push(WatchedCertificate::new(owner, label, tls.validity()));
        }
        found
    }

    /// Tells the log what it is to be told, until `stop`.
    pub(super) async fn run(self: Arc<Self>, stop: CancellationToken) {
        loop {
            let pause = self.look(SystemTime::now());
            let look_again = async {
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = self.changed.notified() => {}
                }
            };
            if stop.run_until_cancelled(look_again).await.is_none() {
                return;
            }
        }
    }

    /// Tells what is to be told now. Returns when to look again.
    fn look(&self, now: SystemTime) -> Duration {
        let (mut pause, mut notices) = (LOOK_EVERY, Vec::new());
        for certificate in &mut *self.watched() {
            if let Some(metrics) = &certificate.metrics {
                // Its pushes are answered without a handshake, which could not succeed.
                metrics.refused(certificate.validity.has_ended(now));
            }
            if let Some(notice) = certificate.notice(now) {
                notices.push((notice, certificate.owner.clone(), certificate.validity));
            }
            let left = certificate.validity.left(now);
            if !left.is_zero() {
                // The certificate is still valid in its last second.
                pause = pause.min(left + Duration::from_secs(1));
            }
        }
        for (notice, owner, validity) in notices {
            tell(&notice, &owner, validity);
        }
        pause
    }

    fn watched(&self) -> MutexGuard<'_, Vec<WatchedCertificate>> {
        // What is announced twice after a panic harms nobody.
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WatchedCertificate {
    fn new(owner: Owner, label: String, validity: Validity) -> Self {
        Self { owner, label, validity, announced: None, reported: false, metrics: None }
    }

    fn notice(&mut self, now: SystemTime) -> Option<Notice> {
        let problem = match &self.validity {
            validity if validity.has_ended(now) => Some(Notice::HasEnded),
            validity if validity.has_not_begun(now) => Some(Notice::HasNotBegun),
            _ => None,
        };
        let was_reported = std::mem::replace(&mut self.reported, problem.is_some());
        if problem.is_some() {
            return problem.filter(|_| !was_reported);
        }
        // After the clock was set back, the end is announced again.
        let is_recent = |at: SystemTime| now.duration_since(at).is_ok_and(|since| since < AGAIN_AFTER);
        if !self.validity.ends_soon(now) || self.announced.is_some_and(is_recent) {
            return None;
        }
        self.announced = Some(now);
        Some(Notice::Ends)
    }
}

#[cfg(test)]
mod tests {
    use fanfare_upstream::tls::ClientIdentity;

    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    /// rcgen makes a certificate that is valid from 1975 until 4096 where nothing else is asked of it.
    fn certificate() -> WatchedCertificate {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (pem, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let validity = ClientIdentity::from_pem(pem.as_bytes(), key.as_bytes()).unwrap().validity();
        let owner = Owner::App(AppId::parse("news").unwrap(), Apns::KIND);
        WatchedCertificate::new(owner, String::new(), validity)
    }

    #[test]
    fn an_end_is_announced_daily_and_said_once() {
        let mut certificate = certificate();
        let end = certificate.validity.until();
        let mut notice = |now| certificate.notice(now);
        assert_eq!(notice(end - 31 * DAY), None);
        let announced = (0..30).filter_map(|day| notice(end - 30 * DAY + day * DAY));
        assert!(announced.eq((0..30).map(|_| Notice::Ends)));
        assert_eq!(notice(end - DAY / 2), None, "twelve hours after the last time");
        assert_eq!(notice(end + Duration::from_millis(999)), Some(Notice::Ends), "it has not ended yet");
        assert_eq!(notice(end + Duration::from_secs(1)), Some(Notice::HasEnded));
        assert_eq!(notice(end + DAY), None);
        // The clock was wrong, and is set back.
        assert_eq!(notice(end - 2 * DAY), Some(Notice::Ends));
        assert_eq!(notice(end + DAY), Some(Notice::HasEnded));
    }

    #[test]
    fn one_that_is_for_later_is_said_once() {
        let mut certificate = certificate();
        assert_eq!(certificate.notice(SystemTime::UNIX_EPOCH), Some(Notice::HasNotBegun));
        assert_eq!(certificate.notice(SystemTime::UNIX_EPOCH + DAY), None);
        assert_eq!(certificate.notice(SystemTime::now()), None);
    }
}
