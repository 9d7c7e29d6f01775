//! How one app is on one provider at a moment, for whoever watches over it.

use fanfare_upstream::{PaceLook, PeerLook};

use super::breaker::PartLook;
use super::route::Route;
use crate::credential::StandingLook;
use crate::provider::Provider;
use crate::push::{AppId, Outcome, ProviderKind};
use crate::status::LatencyCounts;

/// How one app is on one provider.
pub(crate) struct RouteLook {
    pub(crate) app: AppId,
    pub(crate) provider: ProviderKind,
    /// Its pushes that have a verdict, in the order of `Outcome::ALL`.
    pub(crate) outcomes: [u64; Outcome::ALL.len()],
    /// How often a push was handed to the push service.
    pub(crate) attempts: u64,
    /// How long its pushes took.
    pub(crate) latency: LatencyCounts,
    /// Its credential, at each place where it is shown.
    pub(crate) standings: Vec<StandingLook>,
    /// The peers that the configuration names.
    pub(crate) peers: Vec<PeerLook>,
    /// That its pushes are held back, because its part of the push service fails.
    pub(crate) part: Option<PartLook>,
    /// Its pace, where that is not the peer's.
    pub(crate) pace: Option<PaceLook>,
    /// What to check, where its targets are set aside because so many are refused.
    pub(crate) suspects: Option<&'static str>,
}

impl<P: Provider> Route<P> {
    pub(super) fn look(&self) -> RouteLook {
        RouteLook {
            app: self.guard().app().clone(),
            provider: P::KIND,
            outcomes: self.metrics.outcomes(),
            attempts: self.metrics.attempts(),
            latency: self.record.latency(),
            standings: self.standings.all().into_iter().flat_map(|standing| standing.look()).collect(),
            peers: self.peers.configured().into_iter().map(|peer| peer.look()).collect(),
            part: self.breaker.as_ref().and_then(|breaker| breaker.look()),
            pace: self.pacer.as_ref().and_then(|pacer| pacer.look()),
            suspects: self.guard().suspects_now(),
        }
    }
}
