//! Google's access tokens: they are fetched over the pool and renewed ahead of time, and pushes without one wait.

mod pushes;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use fanfare::credential::google::{GoogleToken, Source};
use fanfare::credential::{CredentialHandle, NoToken, Registry};
use fanfare::metrics::Metrics;
use fanfare_simulator::journal::Entry;
use fanfare_simulator::{
    Fault, FaultRule, ScriptedAnswer, ServiceAccount, Simulator, SimulatorBuilder, Trigger,
};
use fanfare_upstream::{
    Http, Origin, Peer, PeerPool, Reach, SystemResolver, TcpDialer, Upstream, UpstreamSettings, tls,
};
use tokio::time::Instant;

use crate::harness::SOON;

const PROJECT: &str = "demo-project";

/// The simulated Google, and a pool that reaches it.
struct Google {
    simulator: Simulator,
    upstream: Upstream,
    metrics: Metrics,
    credentials: Registry,
}

/// A token that is kept fresh until this is dropped.
struct Fresh {
    token: CredentialHandle<GoogleToken>,
}

impl Google {
    async fn start() -> Self {
        let simulator = SimulatorBuilder::default().keep_bodies(100).start().await.unwrap();
        let metrics = Metrics::default();
        let settings =
            UpstreamSettings { backoff_min: Duration::from_millis(50), ..UpstreamSettings::default() };
        let upstream =
            Upstream::new(settings, Arc::new(SystemResolver), Arc::new(TcpDialer), metrics.upstream.clone());
        let credentials = Registry::new(metrics.credentials.clone());
        Self { simulator, upstream, metrics, credentials }
    }

    fn pool(&self, origin: &Origin) -> PeerPool {
        let mut roots = rustls::RootCertStore::empty();
        for certificate in tls::parse_certificates(self.simulator.ca_pem().as_bytes()).unwrap() {
            roots.add(certificate).unwrap();
        }
        let peer = Peer {
            origin: origin.clone(),
            identity: "google".into(),
            tls: tls::client_config(Arc::new(roots), None, Http::Either).unwrap(),
            http: Http::Either,
            proxy: None,
            reach: Reach::Anywhere,
            proves_credential: false,
        };
        self.upstream.peer(peer).unwrap()
    }

    fn account(&self) -> ServiceAccount {
        self.simulator.fcm().add_service_account(&[PROJECT]).unwrap()
    }

    fn keep(&self, source: Source) -> Fresh {
        let pool = self.pool(source.endpoint().origin());
        Fresh { token: self.credentials.access_token(&Arc::new(source), pool) }
    }

    fn fail_once(&self, fault: Fault) {
        self.simulator.add_fault(FaultRule::once(Trigger::PathPrefix("/token".to_owned()), fault));
    }

    /// The requests to a path, in their order.
    fn asked(&self, path: &str) -> Vec<Entry> {
        self.simulator.journal().entries().into_iter().filter(|entry| entry.path.starts_with(path)).collect()
    }

    fn metric(&self, line: &str) -> f64 {
        let page = self.metrics.page();
        let found = page.lines().find_map(|it| it.strip_prefix(line));
        found.map_or(0.0, |value| value.trim().parse().unwrap())
    }
}

impl Fresh {
    async fn ready(&self) -> Result<(), NoToken> {
        self.token.ready(Instant::now() + SOON, None).await
    }

    fn generation(&self) -> u64 {
        self.token.stamp().unwrap().generation()
    }
}

fn key(account: &ServiceAccount) -> Source {
    Source::from_json(&account.key_json().into()).unwrap()
}

fn status(status: u16) -> Fault {
    Fault::Answer(ScriptedAnswer { status, ..ScriptedAnswer::default() })
}
