//! The peers of Web Push: each subscription names the origin of its own.

use std::sync::Arc;

use crate::push::Refusal;
use crate::upstream::{Origin, Peer, PeerPool, Proxies, TooManyPeers, Upstream};

/// How an app reaches whatever origins its subscriptions name.
pub struct Subscriptions {
    upstream: Arc<Upstream>,
    template: Peer,
    proxies: Option<Proxies>,
}

/// Why a push has no peer to go to.
#[derive(Debug)]
pub(super) enum NoPeer {
    /// Its target names one that may not be.
    Refused(Refusal),
    /// As many as may be are in use.
    TooMany(TooManyPeers),
}

impl From<Refusal> for NoPeer {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Subscriptions {
    /// Each peer is as the template, but for its origin, and the proxy on the way to that.
    #[must_use]
    pub fn new(upstream: Arc<Upstream>, template: Peer, proxies: Option<Proxies>) -> Self {
        Self { upstream, template, proxies }
    }

    /// The peer of an origin that the provider let pass.
    pub(super) fn peer(&self, origin: Origin) -> Result<PeerPool, NoPeer> {
        let proxy = self.proxies.as_ref().and_then(|proxies| proxies.on_the_way_to(&origin));
        let peer = Peer { origin, proxy, ..self.template.clone() };
        self.upstream.unnamed_peer(peer).map_err(NoPeer::TooMany)
    }
}

impl std::fmt::Debug for Subscriptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Subscriptions(as {}, {:?})", self.template.identity, self.template.reach)
    }
}
