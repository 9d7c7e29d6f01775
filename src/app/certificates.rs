//! Warns before a certificate ends, of an app or of a listener, and says when it has ended. The gateway goes on serving,
//! since other apps need it.

use std::time::{Duration, SystemTime};

use fanfare_upstream::Validity;
use tokio_util::sync::CancellationToken;

use crate::config::{ApnsCredential, AppConfig, ClientCertificate, Config};
use crate::metrics::{CredentialMetrics, StandingMetrics};
use crate::provider::Provider;
use crate::provider::apns::Apns;
use crate::provider::fcm::Fcm;
use crate::push::{AppId, ProviderKind};

/// An end that has been announced is announced again after this time.
const AGAIN_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// How often the wall clock is looked at, since it may be set, and goes on while a machine sleeps.
const LOOK_EVERY: Duration = Duration::from_secs(60 * 60);

/// Watches the client certificates of all apps, and the certificates of the listeners.
pub(super) struct CertificateWatch(Vec<WatchedCertificate>);

struct WatchedCertificate {
    owner: Owner,
    validity: Validity,
    /// When its end was last announced.
    announced: Option<SystemTime>,
    /// The log was told that it is not valid.
    reported: bool,
    /// Shows that it has ended, where it is an app's.
    metrics: Option<StandingMetrics>,
}

/// Who shows a certificate.
enum Owner {
    /// An app, to a push service.
    App(AppId, ProviderKind),
    /// The listener of a table of the configuration, to those who connect.
    Listener(&'static str),
}

/// What the log is to be told.
#[derive(Debug, PartialEq, Eq)]
enum Notice {
    HasEnded,
    HasNotBegun,
    Ends,
}

/// The client certificates of an app.
pub(super) fn of_app(app: &AppConfig) -> impl Iterator<Item = (ProviderKind, &ClientCertificate)> {
    let apns = app.apns.as_ref().and_then(|apns| match &apns.credential {
        ApnsCredential::Certificate(certificate) => Some((Apns::KIND, certificate)),
        ApnsCredential::Token(_) => None,
    });
    let fcm = app.fcm.as_ref().and_then(|fcm| Some((Fcm::KIND, fcm.certificate.as_ref()?)));
    apns.into_iter().chain(fcm)
}

impl CertificateWatch {
    /// Finds every certificate of a configuration, and shows in `metrics` when those of apps end.
    pub(super) fn new(config: &Config, metrics: &CredentialMetrics) -> Self {
        let mut watched = Vec::new();
        for app in &config.apps {
            for (provider, certificate) in of_app(app) {
                let validity = certificate.validity();
                metrics.certificate(app.id.as_str(), provider.name(), validity.until());
                let label = certificate.label();
                let owner = Owner::App(app.id.clone(), provider);
                watched.push(WatchedCertificate {
                    metrics: Some(metrics.standing(&label, provider.name())),
                    ..WatchedCertificate::new(owner, validity)
                });
            }
        }
        for (table, listener) in [("grpc", &config.grpc.listener), ("admin", &config.admin.listener)] {
            if let Some(tls) = &listener.tls {
                watched.push(WatchedCertificate::new(Owner::Listener(table), tls.validity()));
            }
        }
        Self(watched)
    }

    /// Tells the log what it is to be told, until `stop`.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        if self.0.is_empty() {
            return;
        }
        loop {
            let now = SystemTime::now();
            let mut pause = LOOK_EVERY;
            for certificate in &mut self.0 {
                if let Some(metrics) = &certificate.metrics {
                    // Its pushes are answered without a handshake, which could not succeed.
                    metrics.refused(certificate.validity.has_ended(now));
                }
                if let Some(notice) = certificate.notice(now) {
                    certificate.tell(&notice);
                }
                let left = certificate.validity.left(now);
                if !left.is_zero() {
                    // The certificate is still valid in its last second.
                    pause = pause.min(left + Duration::from_secs(1));
                }
            }
            if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return;
            }
        }
    }
}

impl WatchedCertificate {
    fn new(owner: Owner, validity: Validity) -> Self {
        Self { owner, validity, announced: None, reported: false, metrics: None }
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

    fn tell(&self, notice: &Notice) {
        match &self.owner {
            Owner::App(app, provider) => self.tell_of_app(notice, app, provider.name()),
            Owner::Listener(table) => self.tell_of_listener(notice, table),
        }
    }

    fn tell_of_listener(&self, notice: &Notice, listener: &str) {
        let validity = &self.validity;
        match notice {
            Notice::HasEnded => tracing::error!(
                listener, valid = %validity,
                "the listener's certificate has ended: those who verify it cannot connect until it is replaced"
            ),
            Notice::HasNotBegun => tracing::error!(
                listener, valid = %validity,
                "the listener's certificate is not valid yet: it is for later, or the clock is wrong"
            ),
            Notice::Ends => tracing::warn!(
                listener, valid = %validity,
                "the listener's certificate ends within 30 days: replace it and restart the gateway"
            ),
        }
    }

    fn tell_of_app(&self, notice: &Notice, app: &AppId, provider: &str) {
        let validity = &self.validity;
        match notice {
            Notice::HasEnded => tracing::error!(
                %app, provider, valid = %validity,
                "the client certificate has ended: pushes of this app get CREDENTIAL until it is replaced"
            ),
            Notice::HasNotBegun => tracing::error!(
                %app, provider, valid = %validity,
                "the client certificate is not valid yet: it is for later, or the clock is wrong"
            ),
            Notice::Ends => tracing::warn!(
                %app, provider, valid = %validity,
                "the client certificate ends within 30 days: replace it and restart the gateway"
            ),
        }
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
        WatchedCertificate::new(Owner::App(AppId::parse("news").unwrap(), Apns::KIND), validity)
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
