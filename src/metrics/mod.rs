//! Every metric, with its name, labels, unit and help. Handles are taken once and passed in, so that nothing is looked up by
//! name on the way of a push.

mod answers;
mod apps;
mod batches;
mod bounded;
mod build;
mod callers;
mod calls;
mod credentials;
mod feeds;
mod http;
mod in_flight;
mod issuers;
mod listeners;
mod log;
mod matrix;
mod mattermost;
mod memory;
mod moments;
mod once;
mod paces;
mod process;
mod pushes;
#[cfg(test)]
mod reference;
mod reloads;
mod retries;
mod seconds;
mod traces;
mod upstream;

use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

use process::ProcessCollector;

pub use apps::AppMetrics;
pub(crate) use batches::{BatchMetrics, OpenBatch};
pub use callers::CallerMetrics;
pub(crate) use callers::OneCaller;
pub use calls::RefusedCalls;
pub use credentials::CredentialMetrics;
pub(crate) use credentials::{ProviderTokenMetrics, StandingMetrics, TokenMetrics};
pub use feeds::FeedMetrics;
pub(crate) use feeds::OneFeed;
pub(crate) use http::HttpCalls;
pub use http::HttpMetrics;
pub use issuers::IssuerMetrics;
pub(crate) use issuers::JwksMetrics;
pub(crate) use listeners::ConnectionRefusal;
pub use listeners::{ListenerMetrics, ListenersMetrics};
pub use matrix::MatrixMetrics;
pub use mattermost::MattermostMetrics;
pub use memory::MemoryMetrics;
pub use once::OnceMetrics;
pub use paces::PaceMetrics;
pub(crate) use pushes::ProjectBreaker;
pub use pushes::PushMetrics;
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
    /// Metrics of the ingress of Matrix homeservers.
    pub matrix: MatrixMetrics,
    /// Metrics of the ingress of Mattermost servers.
    pub mattermost: MattermostMetrics,
    /// Metrics of calls that were refused with a status.
    pub calls: RefusedCalls,
    /// Metrics of the bytes of callers.
    pub memory: MemoryMetrics,
    /// Metrics of the feeds that tell of verdicts.
    pub feeds: FeedMetrics,
    /// Metrics of the configuration.
    pub reloads: ReloadMetrics,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(ProcessCollector));
        let own = registry.sub_registry_with_prefix("fanfare");
        let upstream = UpstreamMetrics::register(own);
        let pushes = PushMetrics::register(own);
        let credentials = CredentialMetrics::register(own);
        let callers = CallerMetrics::register(own);
        let issuers = IssuerMetrics::register(own);
        let listeners = ListenersMetrics::register(own);
        let http = HttpMetrics::register(own);
        let matrix = MatrixMetrics::register(own);
        let mattermost = MattermostMetrics::register(own);
        let calls = RefusedCalls::register(own);
        let memory = MemoryMetrics::register(own);
        let feeds = FeedMetrics::register(own);
        let reloads = ReloadMetrics::register(own);
        log::register(own);
        traces::register(own);
        build::register(own);
        Self {
            registry,
            upstream,
            pushes,
            credentials,
            callers,
            issuers,
            listeners,
            http,
            matrix,
            mattermost,
            calls,
            memory,
            feeds,
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
    use crate::push::{Outcome, ProviderKind, TokenAction};

    #[test]
    fn outcomes_are_counted_under_their_own_names() {
        let metrics = Metrics::default();
        let app = metrics.pushes.app("shop", ProviderKind::new("apns", 1));
        for (at, outcome) in Outcome::ALL.into_iter().enumerate() {
            for _ in 0..=at {
                app.settled(outcome, TokenAction::Keep, Duration::ZERO);
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
