//! Every metric, with its name, labels, unit and help. Handles are taken once and passed in, so that nothing is looked up by
//! name on the way of a push.

mod callers;
mod credentials;
mod http;
mod in_flight;
mod issuers;
mod listeners;
mod log;
mod mattermost;
mod moments;
mod once;
mod paces;
mod pushes;
mod reloads;
mod seconds;
mod traces;
mod upstream;

use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

pub use callers::CallerMetrics;
pub(crate) use callers::CallerRefusals;
pub use credentials::CredentialMetrics;
pub(crate) use credentials::{StandingMetrics, TokenMetrics};
pub(crate) use http::HttpCalls;
pub use http::HttpMetrics;
pub use issuers::IssuerMetrics;
pub(crate) use issuers::JwksMetrics;
pub(crate) use listeners::ConnectionRefusal;
pub use listeners::{ListenerMetrics, ListenersMetrics};
pub use mattermost::MattermostMetrics;
pub use once::OnceMetrics;
pub use paces::PaceMetrics;
pub use pushes::{AppMetrics, PushMetrics};
pub use reloads::ReloadMetrics;
pub use upstream::UpstreamMetrics;

/// All metrics of the process.
pub struct Metrics {
    registry: Registry,
    /// Metrics of the upstream pool.
    pub upstream: UpstreamMetrics,
    /// Metrics of pushes.
    pub pushes: PushMetrics,
    /// Metrics of access tokens and client certificates.
    pub credentials: CredentialMetrics,
    /// Metrics of callers that were refused.
    pub callers: CallerMetrics,
    /// Metrics of the issuers of callers' tokens.
    pub issuers: IssuerMetrics,
    /// Metrics of the listeners.
    pub listeners: ListenersMetrics,
    /// Metrics of the calls of HTTP listeners.
    pub http: HttpMetrics,
    /// Metrics of the ingress of Mattermost servers.
    pub mattermost: MattermostMetrics,
    /// Metrics of the configuration.
    pub reloads: ReloadMetrics,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("fanfare");
        let upstream = UpstreamMetrics::register(&mut registry);
        let pushes = PushMetrics::register(&mut registry);
        let credentials = CredentialMetrics::register(&mut registry);
        let callers = CallerMetrics::register(&mut registry);
        let issuers = IssuerMetrics::register(&mut registry);
        let listeners = ListenersMetrics::register(&mut registry);
        let http = HttpMetrics::register(&mut registry);
        let mattermost = MattermostMetrics::register(&mut registry);
        let reloads = ReloadMetrics::register(&mut registry);
        log::register(&mut registry);
        traces::register(&mut registry);
        Self {
            registry,
            upstream,
            pushes,
            credentials,
            callers,
            issuers,
            listeners,
            http,
            mattermost,
            reloads,
        }
    }
}

impl Metrics {
    /// Returns the page of `/metrics`, in the OpenMetrics text format.
    #[must_use]
    pub fn page(&self) -> String {
        let mut page = String::new();
        // Writing to a string does not fail.
        let _ = text::encode(&mut page, &self.registry);
        page
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::push::{Outcome, ProviderKind};

    #[test]
    fn outcomes_are_counted_under_their_own_names() {
        let metrics = Metrics::default();
        let app = metrics.pushes.app("shop", ProviderKind::new("apns", 1));
        for (at, outcome) in Outcome::ALL.into_iter().enumerate() {
            for _ in 0..=at {
                app.settled(outcome, Duration::ZERO);
            }
        }
        let page = metrics.page();
        for (at, outcome) in Outcome::ALL.into_iter().enumerate() {
            let line = format!(
                "fanfare_pushes_total{{app=\"shop\",provider=\"apns\",outcome=\"{}\"}} {}\n",
                outcome.name(),
                at + 1
            );
            assert!(page.contains(&line), "{line}{page}");
        }
    }
}
