//! Says before a client certificate ends that it will, and that it has ended. The gateway goes on: other apps need it.

use std::time::{Duration, SystemTime};

use tokio_util::sync::CancellationToken;

use crate::push::{AppId, ProviderKind};
use crate::upstream::Validity;

/// An end that has been announced is announced again after this time.
const AGAIN_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// The wall clock is looked at so often: it may be set, and does not stand still while a machine sleeps.
const LOOK_EVERY: Duration = Duration::from_secs(60 * 60);

/// The client certificates of all apps.
#[derive(Default)]
pub(super) struct Certificates(Vec<Certificate>);

struct Certificate {
    app: AppId,
    provider: ProviderKind,
    validity: Validity,
    /// When it was last announced that it ends.
    announced: Option<SystemTime>,
    /// It was said that it is not valid.
    reported: bool,
}

/// What is to be said.
#[derive(Debug, PartialEq, Eq)]
enum Notice {
    HasEnded,
    HasNotBegun,
    Ends,
}

impl Certificates {
    pub(super) fn add(&mut self, app: AppId, provider: ProviderKind, validity: Validity) {
        self.0.push(Certificate { app, provider, validity, announced: None, reported: false });
    }

    /// Says what is to be said, until `stop`.
    pub(super) async fn watch(mut self, stop: CancellationToken) {
        if self.0.is_empty() {
            return;
        }
        loop {
            let now = SystemTime::now();
            let mut pause = LOOK_EVERY;
            for certificate in &mut self.0 {
                if let Some(notice) = certificate.notice(now) {
                    certificate.tell(&notice);
                }
                let left = certificate.validity.left(now);
                if !left.is_zero() {
                    // Its last second is counted in full.
                    pause = pause.min(left + Duration::from_secs(1));
                }
            }
            if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return;
            }
        }
    }
}

impl Certificate {
    fn notice(&mut self, now: SystemTime) -> Option<Notice> {
        let problem = match &self.validity {
            it if it.has_ended(now) => Some(Notice::HasEnded),
            it if it.has_not_begun(now) => Some(Notice::HasNotBegun),
            _ => None,
        };
        let was_reported = std::mem::replace(&mut self.reported, problem.is_some());
        if problem.is_some() {
            return problem.filter(|_| !was_reported);
        }
        // A clock that was set back announces it again.
        let is_told = |at: SystemTime| now.duration_since(at).is_ok_and(|since| since < AGAIN_AFTER);
        if !self.validity.ends_soon(now) || self.announced.is_some_and(is_told) {
            return None;
        }
        self.announced = Some(now);
        Some(Notice::Ends)
    }

    fn tell(&self, notice: &Notice) {
        let (app, provider, validity) = (&self.app, self.provider.name(), &self.validity);
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
    use crate::upstream::tls::ClientIdentity;

    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    /// From 1975 until 4096, as rcgen makes one where nothing is said.
    fn certificate() -> Certificate {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (pem, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let validity = ClientIdentity::from_pem(pem.as_bytes(), key.as_bytes()).unwrap().validity();
        let mut certificates = Certificates::default();
        certificates.add(AppId::parse("news").unwrap(), ProviderKind::new("apns", 1), validity);
        certificates.0.remove(0)
    }

    #[test]
    fn an_end_is_announced_daily_and_said_once() {
        let mut it = certificate();
        let end = it.validity.until();
        let mut said = |now| it.notice(now);
        assert_eq!(said(end - 31 * DAY), None);
        let announced = (0..30).filter_map(|day| said(end - 30 * DAY + day * DAY));
        assert!(announced.eq((0..30).map(|_| Notice::Ends)));
        assert_eq!(said(end - DAY / 2), None, "twelve hours after the last time");
        assert_eq!(said(end + Duration::from_millis(999)), Some(Notice::Ends), "it has not ended yet");
        assert_eq!(said(end + Duration::from_secs(1)), Some(Notice::HasEnded));
        assert_eq!(said(end + DAY), None);
        // The clock was wrong.
        assert_eq!(said(end - 2 * DAY), Some(Notice::Ends));
        assert_eq!(said(end + DAY), Some(Notice::HasEnded));
    }

    #[test]
    fn one_that_is_for_later_is_said_once() {
        let mut it = certificate();
        assert_eq!(it.notice(SystemTime::UNIX_EPOCH), Some(Notice::HasNotBegun));
        assert_eq!(it.notice(SystemTime::UNIX_EPOCH + DAY), None);
        assert_eq!(it.notice(SystemTime::now()), None);
    }
}
