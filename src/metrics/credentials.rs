//! Metrics of access tokens and client certificates.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::moments::{HeldMoment, Moment, Moments, since_epoch};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CredentialLabels {
    credential: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RenewalLabels {
    credential: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CertificateLabels {
    app: String,
    provider: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ListenerLabels {
    listener: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StandingLabels {
    credential: String,
    place: String,
}

/// Metrics of access tokens and client certificates. There are as many of both as the configuration names.
#[derive(Clone, Default)]
pub struct CredentialMetrics {
    renewals: Family<RenewalLabels, Counter>,
    expires: Moments<CredentialLabels>,
    issued: Moments<CredentialLabels>,
    provider_renewals: Family<RenewalLabels, Counter>,
    provider_issued: Moments<CredentialLabels>,
    listener_certificates: Family<ListenerLabels, Moment>,
    certificates: Family<CertificateLabels, Moment>,
    refused: Family<StandingLabels, Gauge>,
    /// How many say that they are refused. There may be several of a name: apps that show the same certificate, or a credential
    /// that takes the place of another.
    refusing: Arc<Mutex<HashMap<StandingLabels, usize>>>,
    answered: Family<StandingLabels, Counter>,
}

impl CredentialMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let tokens = registry.sub_registry_with_prefix("access_token");
        tokens.register("renewals", "Calls of token endpoints, by outcome", metrics.renewals.clone());
        let help = "When the newest access token expires, since the Unix epoch";
        metrics.expires.register(tokens, "expiry_timestamp", help);
        let help = "When the newest access token was fetched, since the Unix epoch";
        metrics.issued.register(tokens, "issued_timestamp", help);
        let provider_tokens = registry.sub_registry_with_prefix("provider_token");
        let help = "Provider tokens of APNs that were to be made, by outcome";
        provider_tokens.register("renewals", help, metrics.provider_renewals.clone());
        let help = "When the newest provider token was made, since the Unix epoch";
        metrics.provider_issued.register(provider_tokens, "issued_timestamp", help);
        registry.sub_registry_with_prefix("listener").register_with_unit(
            "certificate_expiry_timestamp",
            "When the certificate of a listener ends, since the Unix epoch",
            Unit::Seconds,
            metrics.listener_certificates.clone(),
        );
        registry.sub_registry_with_prefix("certificate").register_with_unit(
            "expiry_timestamp",
            "When the client certificate of an app ends, since the Unix epoch",
            Unit::Seconds,
            metrics.certificates.clone(),
        );
        let credentials = registry.sub_registry_with_prefix("credential");
        credentials.register(
            "refused",
            "Whether a credential is refused where it is shown (1), so that its pushes are answered at once",
            metrics.refused.clone(),
        );
        credentials.register(
            "refused_pushes",
            "Pushes that were answered without being sent because their credential is refused",
            metrics.answered.clone(),
        );
        metrics
    }

    /// Returns the handles of one credential at one place.
    #[must_use]
    pub(crate) fn standing(&self, credential: &str, place: &str) -> StandingMetrics {
        let labels = StandingLabels { credential: credential.to_owned(), place: place.to_owned() };
        StandingMetrics {
            says_refused: AtomicBool::new(false),
            refusing: Arc::clone(&self.refusing),
            refused: self.refused.get_or_create_owned(&labels),
            answered: self.answered.get_or_create_owned(&labels),
            labels,
        }
    }

    /// Notes that an app shows a certificate that ends then.
    pub(crate) fn certificate(&self, app: &str, provider: &'static str, ends_at: SystemTime) {
        let labels = CertificateLabels { app: app.to_owned(), provider };
        self.certificates.get_or_create(&labels).set(since_epoch(ends_at));
    }

    /// Notes that an app shows a certificate no more.
    pub(crate) fn no_certificate(&self, app: &str, provider: &'static str) {
        self.certificates.remove(&CertificateLabels { app: app.to_owned(), provider });
    }

    /// Notes that a listener shows a certificate that ends then.
    pub(crate) fn listener_certificate(&self, listener: &str, ends_at: SystemTime) {
        self.listener_certificates
            .get_or_create(&ListenerLabels { listener: listener.to_owned() })
            .set(since_epoch(ends_at));
    }

    /// Returns the handles of one signing key, which is called so.
    #[must_use]
    pub(crate) fn provider_token(&self, credential: &str) -> ProviderTokenMetrics {
        let renewals = |outcome| {
            let labels = RenewalLabels { credential: credential.to_owned(), outcome };
            self.provider_renewals.get_or_create_owned(&labels)
        };
        let labels = CredentialLabels { credential: credential.to_owned() };
        ProviderTokenMetrics {
            made: renewals("made"),
            failed: renewals("failed"),
            issued: self.provider_issued.hold(labels),
        }
    }

    /// Returns the handles of one credential.
    #[must_use]
    pub(crate) fn token(&self, credential: &str) -> TokenMetrics {
        let renewals = |outcome| {
            let labels = RenewalLabels { credential: credential.to_owned(), outcome };
            self.renewals.get_or_create_owned(&labels)
        };
        let labels = CredentialLabels { credential: credential.to_owned() };
        TokenMetrics {
            granted: renewals("granted"),
            refused: renewals("refused"),
            unavailable: renewals("unavailable"),
            expires: self.expires.hold(labels.clone()),
            issued: self.issued.hold(labels),
        }
    }
}

/// The handles of one credential.
pub(crate) struct TokenMetrics {
    granted: Counter,
    refused: Counter,
    unavailable: Counter,
    expires: HeldMoment<CredentialLabels>,
    issued: HeldMoment<CredentialLabels>,
}

impl TokenMetrics {
    /// Notes that the token endpoint gave a token that expires then.
    pub(crate) fn granted(&self, expires_at: SystemTime) {
        self.granted.inc();
        self.expires.set(expires_at);
        self.issued.set(SystemTime::now());
    }

    /// Notes that the token endpoint refused the credential.
    pub(crate) fn refused(&self) {
        self.refused.inc();
    }

    /// Notes that the token endpoint failed, or could not be reached.
    pub(crate) fn unavailable(&self) {
        self.unavailable.inc();
    }
}

/// The handles of one signing key.
pub(crate) struct ProviderTokenMetrics {
    made: Counter,
    failed: Counter,
    issued: HeldMoment<CredentialLabels>,
}

impl ProviderTokenMetrics {
    /// Notes that a token was made then.
    pub(crate) fn made(&self, issued_at: SystemTime) {
        self.made.inc();
        self.issued.set(issued_at);
    }

    /// Notes that no token could be made.
    pub(crate) fn failed(&self) {
        self.failed.inc();
    }
}

/// The handles of one credential at one place.
#[derive(Debug)]
pub(crate) struct StandingMetrics {
    labels: StandingLabels,
    /// Whether it is counted among those that are refused.
    says_refused: AtomicBool,
    refusing: Arc<Mutex<HashMap<StandingLabels, usize>>>,
    refused: Gauge,
    answered: Counter,
}

impl StandingMetrics {
    /// Notes whether the credential is refused.
    pub(crate) fn refused(&self, refused: bool) {
        if self.says_refused.swap(refused, Ordering::Relaxed) == refused {
            return;
        }
        // Nothing below the lock is changed in more than one step, so a poisoned lock harms nothing.
        let mut refusing = self.refusing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = refusing.remove(&self.labels).unwrap_or(0);
        let now = if refused { before + 1 } else { before.saturating_sub(1) };
        if now > 0 {
            refusing.insert(self.labels.clone(), now);
        }
        self.refused.set((now > 0).into());
    }

    /// Counts a push that was not sent because the credential is refused.
    pub(crate) fn answered(&self) {
        self.answered.inc();
    }
}

/// What the configuration names no more is not refused.
impl Drop for StandingMetrics {
    fn drop(&mut self) {
        self.refused(false);
    }
}
