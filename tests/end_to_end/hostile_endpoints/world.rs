//! A pool whose resolver and dialer note what they were asked.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fanfare::metrics::Metrics;
use fanfare_upstream::{
    Flow, Http, InFlight, Peer, PeerKind, PeerPool, Proxies, Reach, Reply, Request, Share, Unsent, Upstream,
    UpstreamError, UpstreamSettings, tls,
};
use http::Method;
use tokio::time::Instant;

use crate::harness::{SOON, until};
use crate::net::Net;

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
        // The wait is so long that a second look within a test would be one too many.
        (settings.backoff_min, settings.backoff_max) = (Duration::from_secs(3600), Duration::from_secs(3600));
        let upstream =
            Upstream::new(settings, Arc::clone(&net) as _, Arc::clone(&net) as _, metrics.upstream.clone());
        let share = Arc::<InFlight>::default().begin(1).unwrap();
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
        self.upstream.peer_of(PeerKind::Stranger, peer).unwrap()
    }

    pub(super) async fn ask(&self, peer: &PeerPool) -> Result<Reply, UpstreamError> {
        let permit = peer.permit(Flow::SINGLE, Instant::now() + SOON).await?;
        let request = || Request::new(&Method::POST, &["/push/1"], Bytes::from_static(b"{}")).ok();
        permit.exchange(request().unwrap(), request, &self.share).await.map(|answer| answer.reply)
    }

    pub(super) async fn assert_forbidden(&self, peer: &PeerPool, host: &str) {
        match self.ask(peer).await {
            Err(UpstreamError::Unsent(why @ Unsent::Forbidden(_))) => {
                assert_eq!(why.to_string(), format!("{host} has no public address"));
            }
            other => panic!("{host}: {:?}", other.map(|reply| reply.status)),
        }
    }

    pub(super) async fn all_closed(&self) {
        until(|| self.upstream.open_connections() == 0).await;
    }

    pub(super) fn metric(&self, line: &str) -> f64 {
        let page = self.metrics.page();
        page.lines().filter_map(|it| it.strip_prefix(line)).map(|it| it.trim().parse::<f64>().unwrap()).sum()
    }
}
