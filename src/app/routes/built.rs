//! Routes that were built, and what holds together with them once they are used.

use fanfare_upstream::{Peer, PeerPool, Proxies};

use crate::credential::CredentialHandle;
use crate::credential::google::GoogleToken;
use crate::credential::vapid::Vapid;
use crate::dispatch::{AppRoutes, Routes};
use crate::push::AppId;

/// Routes that were built. While they are not used, nothing but peers has changed.
#[derive(Default)]
pub(crate) struct Built {
    pub(crate) apps: Vec<(AppId, AppRoutes)>,
    /// Over which pool each access token is fetched.
    pub(super) endpoints: Vec<(CredentialHandle<GoogleToken>, PeerPool)>,
    /// How the peers of subscriptions are reached.
    pub(super) subscriptions: Vec<(Peer, Option<Proxies>)>,
    /// How many tokens of VAPID keys are kept.
    pub(super) vapid: Vec<(CredentialHandle<Vapid>, usize)>,
}

/// Whether a peer that a subscription named is still reached as it was.
pub(crate) struct Reached(Vec<(Peer, Option<Proxies>)>);

impl Built {
    /// The routes, which are used from now on: what credentials share with those of before changes here.
    pub(crate) fn used(self) -> (Routes, Reached) {
        let Self { apps, endpoints, subscriptions, vapid } = self;
        // Where apps that share a source have different proxies, the first of them decides.
        for (token, endpoint) in endpoints.into_iter().rev() {
            token.fetch_over(endpoint);
        }
        for (vapid, max_origins) in vapid {
            vapid.keep_at_most(max_origins);
        }
        (apps.into_iter().collect(), Reached(subscriptions))
    }
}

impl Reached {
    pub(crate) fn as_before(&self, peer: &Peer) -> bool {
        self.0.iter().any(|(template, proxies)| {
            let proxy = proxies.as_ref().and_then(|proxies| proxies.on_the_way_to(&peer.origin));
            Peer { proxy, ..template.clone() }.reaches_as(peer)
        })
    }
}
