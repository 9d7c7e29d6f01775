//! The peers of Web Push: each subscription names the origin of its own.

use std::borrow::Cow;
use std::sync::Arc;

use fanfare_upstream::{Origin, Peer, PeerKind, PeerPool, Proxies, Upstream};

use super::peers::{NoPeer, TargetPeers};
use crate::provider::webpush::{Subscription, WebPush};
use crate::push::{Reason, Refusal};

/// How an app reaches whatever origins its subscriptions name.
pub struct Subscriptions {
    upstream: Arc<Upstream>,
    template: Peer,
    proxies: Option<Proxies>,
}

impl Subscriptions {
    /// Each peer is made from the template, with its own origin and the proxy on the way to that.
    #[must_use]
    pub fn new(upstream: Arc<Upstream>, template: Peer, proxies: Option<Proxies>) -> Self {
        Self { upstream, template, proxies }
    }

    /// The peer of an origin that the provider let pass.
    fn peer_of(&self, origin: Origin, kind: PeerKind) -> Result<PeerPool, NoPeer> {
        let proxy = self.proxies.as_ref().and_then(|proxies| proxies.on_the_way_to(&origin));
        let peer = Peer { origin, proxy, ..self.template.clone() };
        self.upstream.peer_of(kind, peer).map_err(NoPeer::TooMany)
    }
}

impl TargetPeers<WebPush> for Subscriptions {
    fn origin(&self, web_push: &WebPush, subscription: &Subscription) -> Result<Cow<'_, Origin>, Refusal> {
        let (origin, _) = web_push.origin(subscription)?;
        // Only a host that is an address can be judged without a look-up. The connects of a peer judge it by the same words,
        // and the log counts them.
        let judged = self.template.reach.judge_host(origin.host());
        judged.map_err(|why| not_public(&why))?;
        Ok(Cow::Owned(origin))
    }

    fn peer(&self, web_push: &WebPush, subscription: &Subscription) -> Result<Cow<'_, PeerPool>, NoPeer> {
        let (origin, kind) = web_push.origin(subscription)?;
        self.peer_of(origin, kind).map(Cow::Owned)
    }
}

/// Refuses a push whose subscription names a peer that is not public. Its host may have a public address another day, so
/// nothing is said against the subscription.
pub(super) fn not_public(why: &impl std::fmt::Display) -> Refusal {
    Refusal::field("target.web_push.endpoint", Reason::FieldInvalid, why.to_string())
}

impl std::fmt::Debug for Subscriptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Subscriptions(as {}, {:?})", self.template.identity, self.template.reach)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io;
    use std::net::SocketAddr;
    use std::time::Duration;

    use super::*;
    use crate::dispatch::attempts::Attempts;
    use crate::metrics::Metrics;
    use crate::push::{Options, Outcome};
    use fanfare_upstream::transport::Io;
    use fanfare_upstream::{BoxFuture, Dial, Http, Proxy, Reach, Resolve, UpstreamSettings, tls};

    /// Peers are found without a network.
    struct NoNetwork;

    impl Resolve for NoNetwork {
        fn resolve<'a>(&'a self, _: &'a str, _: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
            unreachable!("nothing is resolved")
        }
    }

    impl Dial for NoNetwork {
        fn dial(&self, _: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Io>>> {
            unreachable!("nothing is dialled")
        }
    }

    pub(in crate::dispatch) fn upstream(max_peers: usize) -> Arc<Upstream> {
        let settings = UpstreamSettings { max_peers, ..UpstreamSettings::default() };
        let metrics = Metrics::default().upstream;
        Arc::new(Upstream::new(settings, Arc::new(NoNetwork), Arc::new(NoNetwork), metrics))
    }

    pub(in crate::dispatch) fn subscriptions(
        upstream: &Arc<Upstream>,
        proxies: Option<Proxies>,
    ) -> Subscriptions {
        let template = Peer {
            origin: Origin::https("template.invalid"),
            identity: "".into(),
            tls: tls::client_config(Arc::new(rustls::RootCertStore::empty()), None, Http::Either).unwrap(),
            http: Http::Either,
            proxy: None,
            reach: Reach::Public,
            proves_credential: false,
        };
        Subscriptions::new(Arc::clone(upstream), template, proxies)
    }

    #[test]
    fn a_peer_that_a_push_holds_is_not_forgotten_for_another() {
        let subscriptions = subscriptions(&upstream(2), None);
        let peer = |host| subscriptions.peer_of(Origin::https(host), PeerKind::Known);
        let (_first, second) = (peer("first.test").unwrap(), peer("second.test").unwrap());
        assert_eq!(second.origin().to_string(), "https://second.test");
        let why = peer("third.test").unwrap_err();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        let mut attempts = Attempts::new(&Options::default(), 3, deadline);
        let NoPeer::TooMany(why) = why else { panic!("{why:?}") };
        let result = attempts.without_peer(&why);
        assert_eq!((result.outcome, result.reason), (Outcome::NotAttempted, Some(Reason::Overloaded)));
        assert!(result.retryable && result.detail.contains("upstream.max_peers"), "{result:?}");
        assert!(peer("first.test").is_ok(), "one that is there takes no room");
        drop(second);
        let _third = peer("third.test").unwrap();
        assert!(matches!(peer("second.test"), Err(NoPeer::TooMany(_))));
    }

    #[test]
    fn each_origin_has_the_proxy_on_the_way_to_it() {
        let proxies = || {
            let proxy = Proxy::new("http://proxy.test:3128".parse().unwrap(), None);
            Some(Proxies::new(proxy, &["inside.test".to_owned()]))
        };
        // There is room for one peer, so another way to the same origin finds none.
        for (host, another_way) in [("push.test", true), ("inside.test", false), ("push.inside.test", false)]
        {
            let upstream = upstream(1);
            let _direct =
                subscriptions(&upstream, None).peer_of(Origin::https(host), PeerKind::Known).unwrap();
            let proxied = subscriptions(&upstream, proxies()).peer_of(Origin::https(host), PeerKind::Known);
            assert_eq!(proxied.is_err(), another_way, "{host}");
        }
    }
}
