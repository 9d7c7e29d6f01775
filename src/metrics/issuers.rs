//! Metrics of the keys by which the tokens of callers are verified.

use std::time::SystemTime;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::moments::{HeldMoment, Moments};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct IssuerLabels {
    issuer: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FetchLabels {
    issuer: String,
    outcome: &'static str,
}

/// Metrics of issuers. There are as many as the configuration names.
#[derive(Clone, Default)]
pub struct IssuerMetrics {
    fetches: Family<FetchLabels, Counter>,
    fetched: Moments<IssuerLabels>,
}

impl IssuerMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let jwks = registry.sub_registry_with_prefix("jwks");
        jwks.register("fetches", "Fetches of an issuer's keys, by outcome", metrics.fetches.clone());
        let help = "When the keys of an issuer were last fetched, since the Unix epoch";
        metrics.fetched.register(jwks, "fetched_timestamp", help);
        metrics
    }

    /// Returns the handles of one issuer's keys.
    #[must_use]
    pub(crate) fn jwks(&self, issuer: &str) -> JwksMetrics {
        let fetches =
            |outcome| self.fetches.get_or_create_owned(&FetchLabels { issuer: issuer.to_owned(), outcome });
        JwksMetrics {
            fetched: fetches("fetched"),
            unusable: fetches("unusable"),
            unavailable: fetches("unavailable"),
            fetched_at: self.fetched.hold(IssuerLabels { issuer: issuer.to_owned() }),
        }
    }
}

/// The handles of one issuer's keys.
pub(crate) struct JwksMetrics {
    fetched: Counter,
    unusable: Counter,
    unavailable: Counter,
    fetched_at: HeldMoment<IssuerLabels>,
}

impl JwksMetrics {
    /// Notes that the keys were fetched now.
    pub(crate) fn fetched(&self) {
        self.fetched.inc();
        self.fetched_at.set(SystemTime::now());
    }

    /// Notes that an answer came, and that it brought no keys that can be used.
    pub(crate) fn unusable(&self) {
        self.unusable.inc();
    }

    /// Notes that no answer came.
    pub(crate) fn unavailable(&self) {
        self.unavailable.inc();
    }
}
