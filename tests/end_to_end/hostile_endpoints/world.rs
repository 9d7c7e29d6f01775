//! A pool whose resolver and dialler keep what they were asked.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use fanfare::metrics::Metrics;
use fanfare::transport::Io;
use fanfare::upstream::{
    BoxFuture, Dial, Flow, Http, InFlight, Peer, PeerPool, Proxies, Reach, Reply, Request, Resolve, Share,
    Unsent, Upstream, UpstreamError, UpstreamSettings, tls,
};
use http::Method;
use http::uri::PathAndQuery;
use prometheus_client::metrics::gauge::Gauge;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::harness::SOON;

/// Two that are public, and lead to nobody here: the dialler knows where they stand.
pub(super) const PUBLIC: [&str; 2] = ["198.41.0.4", "2001:500:2f::f"];

/// Resolver and dialler in one: what it was asked and where it was sent are kept. All that is dialled leads to
/// loopback.
pub(super) struct Net {
    /// What names lead to; an address leads to itself.
    says: Mutex<Vec<IpAddr>>,
    leads_to: SocketAddr,
    /// Nothing that is dialled is answered while this is taken.
    gate: Semaphore,
    pub(super) resolved: Mutex<Vec<String>>,
    dialled: Mutex<Vec<IpAddr>>,
}

impl Resolve for Net {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        self.resolved.lock().unwrap().push(host.to_owned());
        let said = host.parse().map_or_else(|_| self.says.lock().unwrap().clone(), |it| vec![it]);
        Box::pin(async move { Ok(said.into_iter().map(|it| SocketAddr::new(it, port)).collect()) })
    }
}

impl Dial for Net {
    fn dial(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Io>>> {
        self.dialled.lock().unwrap().push(address.ip());
        Box::pin(async move {
            drop(self.gate.acquire().await);
            Ok(Box::new(TcpStream::connect(self.leads_to).await?) as Box<dyn Io>)
        })
    }
}

impl Net {
    pub(super) fn new(leads_to: SocketAddr) -> Arc<Self> {
        let (says, resolved, dialled) = Default::default();
        Arc::new(Self { says, leads_to, gate: Semaphore::new(1), resolved, dialled })
    }

    /// Connects take for ever.
    pub(super) fn stall(&self) {
        self.gate.forget_permits(1);
    }

    pub(super) fn go_on(&self) {
        self.gate.add_permits(1);
    }

    pub(super) async fn until_dialled(&self, times: usize) {
        let dialled = async {
            while self.dialled().len() < times {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(SOON, dialled).await.expect("it is dialled soon");
    }

    pub(super) fn say(&self, addresses: &[&str]) {
        *self.says.lock().unwrap() = addresses.iter().map(|it| it.parse().unwrap()).collect();
    }

    pub(super) fn dialled(&self) -> Vec<String> {
        self.dialled.lock().unwrap().iter().map(IpAddr::to_string).collect()
    }

    pub(super) fn resolved(&self) -> usize {
        self.resolved.lock().unwrap().len()
    }
}

pub(super) struct World {
    pub(super) net: Arc<Net>,
    pub(super) metrics: Metrics,
    pub(super) upstream: Upstream,
    share: Share,
}

impl World {
    pub(super) fn new(leads_to: SocketAddr) -> Self {
        Self::with(leads_to, UpstreamSettings::default())
    }

    pub(super) fn with(leads_to: SocketAddr, mut settings: UpstreamSettings) -> Self {
        let net = Net::new(leads_to);
        let metrics = Metrics::default();
        // So long that a second look within a test would be one too many.
        (settings.backoff_min, settings.backoff_max) = (Duration::from_secs(3600), Duration::from_secs(3600));
        let upstream =
            Upstream::new(settings, Arc::clone(&net) as _, Arc::clone(&net) as _, metrics.upstream.clone());
        let share = InFlight::new(Gauge::default()).begin(1).unwrap();
        Self { net, metrics, upstream, share }
    }

    pub(super) fn peer(&self, origin: &str, proxies: Option<&Proxies>) -> PeerPool {
        let origin = origin.parse().unwrap();
        let peer = Peer {
            proxy: proxies.and_then(|it| it.on_the_way_to(&origin)),
            origin,
            identity: "".into(),
            tls: tls::client_config(Arc::new(rustls::RootCertStore::empty()), None, Http::Either).unwrap(),
            http: Http::Either,
            reach: Reach::Public,
            proves_credential: false,
        };
        self.upstream.unnamed_peer(peer).unwrap()
    }

    pub(super) async fn ask(&self, peer: &PeerPool) -> Result<Reply, UpstreamError> {
        let permit = peer.permit(Flow::SINGLE, Instant::now() + SOON).await?;
        let (path, body) = (PathAndQuery::from_static("/push/1"), Bytes::from_static(b"{}"));
        let request =
            Request { method: &Method::POST, path: &path, headers: &[], authorization: None, body: &body };
        permit.exchange(&request, &self.share).await.map(|answer| answer.reply)
    }

    pub(super) async fn assert_forbidden(&self, peer: &PeerPool, host: &str) {
        match self.ask(peer).await {
            Err(UpstreamError::Unsent(why @ Unsent::Forbidden(_))) => {
                assert_eq!(why.to_string(), format!("{host} has no public address"));
            }
            other => panic!("{host}: {:?}", other.map(|reply| reply.status())),
        }
    }

    pub(super) async fn all_closed(&self) {
        let closed = async {
            while self.upstream.open_connections() > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(SOON, closed).await.expect("connections close soon");
    }

    pub(super) fn metric(&self, line: &str) -> f64 {
        let page = self.metrics.page();
        page.lines().filter_map(|it| it.strip_prefix(line)).map(|it| it.trim().parse::<f64>().unwrap()).sum()
    }
}
