//! What one app on one provider needs.

use std::sync::Arc;
use std::time::SystemTime;

use fanfare_upstream::{Pacer, Party, Validity};

use super::breaker::RouteBreaker;
use super::guard::Guard;
use super::kinds::Kinds;
use super::peers::TargetPeers;
use super::standings::{NoStandings, TargetStandings};
use crate::credential::{Credential, NoToken};
use crate::feed::RouteFeeds;
use crate::metrics::AppMetrics;
use crate::provider::Provider;
use crate::push::AppId;
use crate::sharer::Sharer;
use crate::status::RouteRecord;

/// One app on one provider.
#[derive(Debug)]
pub struct Route<P: Provider> {
    /// The provider, as the app configured it.
    pub provider: P,
    /// The credential that the app shows.
    pub(crate) credential: Credential,
    /// Over which peer a target is reached. It is boxed once per route, not per push.
    pub(super) peers: Box<dyn TargetPeers<P>>,
    /// Whether the push service takes the credential.
    pub(super) standings: Box<dyn TargetStandings<P>>,
    /// The standings of its credential know by it that the route is in use.
    _app: Arc<AppId>,
    /// What becomes of its pushes.
    pub(super) metrics: AppMetrics,
    /// What is noted of them for the status.
    pub(super) record: RouteRecord,
    certificate: Option<Validity>,
    pub(super) pacer: Option<Arc<Pacer>>,
    pub(super) breaker: Option<Arc<RouteBreaker>>,
    guard: Arc<Guard>,
    sharer: Arc<Sharer>,
    weight: u8,
    /// Who is told what becomes of its pushes.
    pub(super) feeds: RouteFeeds,
    /// The kinds of answers that were logged.
    pub(super) kinds: Kinds,
}

/// What a route is made of.
pub(crate) struct RouteParts<P: Provider> {
    /// The name of the app.
    pub(crate) app: AppId,
    /// The provider, as the app configured it.
    pub(crate) provider: P,
    /// The credential that the app shows.
    pub(crate) credential: Credential,
    /// Whether the push service takes the credential.
    pub(crate) standings: Box<dyn TargetStandings<P>>,
    /// When the client certificate of its connections is valid, where they show one.
    pub(crate) certificate: Option<Validity>,
    /// Over which peer a target is reached.
    pub(crate) peers: Box<dyn TargetPeers<P>>,
    /// Paces its pushes, where its quota is not that of the peer. All who have it share the quota.
    pub(crate) pacer: Option<Arc<Pacer>>,
    /// The breaker of its part of the push service, where the peer may fail for one part alone. All who have it are held
    /// back together.
    pub(crate) breaker: Option<Arc<RouteBreaker>>,
    /// The guard over its targets; a new one where there is none.
    pub(crate) guard: Option<Arc<Guard>>,
    /// The app as one who shares streams and room with others.
    pub(crate) sharer: Arc<Sharer>,
    /// Its weight among those.
    pub(crate) weight: u8,
    /// What becomes of its pushes.
    pub(crate) metrics: AppMetrics,
    /// What is noted of them for the status.
    pub(crate) record: RouteRecord,
    /// Who is told what becomes of them.
    pub(crate) feeds: RouteFeeds,
}

impl<P: Provider> RouteParts<P> {
    /// The parts of a route that shares nothing with others.
    pub(crate) fn new(
        app: AppId,
        provider: P,
        credential: Credential,
        peers: impl TargetPeers<P> + 'static,
        metrics: AppMetrics,
    ) -> Self {
        Self {
            app,
            provider,
            credential,
            standings: Box::new(NoStandings),
            certificate: None,
            peers: Box::new(peers),
            pacer: None,
            breaker: None,
            guard: None,
            sharer: Arc::default(),
            weight: 1,
            metrics,
            record: RouteRecord::default(),
            feeds: RouteFeeds::default(),
        }
    }
}

impl<P: Provider> Route<P> {
    /// A route that shares nothing with others, and knows nothing of its targets yet.
    #[must_use]
    pub fn new(
        app: AppId,
        provider: P,
        credential: Credential,
        peers: impl TargetPeers<P> + 'static,
        metrics: AppMetrics,
    ) -> Self {
        Self::of(RouteParts::new(app, provider, credential, peers, metrics))
    }

    /// A route of these parts, which knows nothing of its targets yet.
    #[must_use]
    pub(crate) fn of(parts: RouteParts<P>) -> Self {
        let RouteParts { app, provider, credential, standings, certificate, peers, pacer, .. } = parts;
        let RouteParts { breaker, guard, sharer, weight, metrics, record, feeds, .. } = parts;
        let guard = guard.unwrap_or_else(|| {
            Arc::new(Guard::new(app.clone(), P::KIND, P::SUSPECTS, metrics.quarantine().clone()))
        });
        let app = Arc::new(app);
        standings.shown_by(&app);
        Self {
            provider,
            credential,
            peers,
            standings,
            _app: app,
            metrics,
            record,
            certificate,
            pacer,
            breaker,
            guard,
            sharer,
            weight,
            feeds,
            kinds: Kinds::default(),
        }
    }

    /// What it shares with others of its part of the push service, where it does.
    #[cfg(test)]
    pub(crate) fn shared(&self) -> (Option<&Pacer>, Option<&RouteBreaker>) {
        (self.pacer.as_deref(), self.breaker.as_deref())
    }

    /// What its metrics are.
    #[cfg(test)]
    pub(crate) fn metrics(&self) -> &AppMetrics {
        &self.metrics
    }

    /// Whether its connections show a client certificate.
    pub(super) fn shows_certificate(&self) -> bool {
        self.certificate.is_some()
    }

    /// The guard over the route's targets.
    #[must_use]
    pub(crate) fn guard(&self) -> &Guard {
        &self.guard
    }

    /// The app as one who shares room with others.
    pub(super) fn sharer(&self) -> &Sharer {
        &self.sharer
    }

    /// How the app shares the streams of its push service with the other apps of a caller.
    pub(crate) fn party(&self) -> Party {
        self.sharer.party(self.weight)
    }

    /// Why nothing can be sent before an operator has acted: the client certificate has ended, so no handshake would
    /// succeed. The clock is read only for routes with a certificate.
    pub(super) fn ended(&self) -> Option<NoToken> {
        let certificate = self.certificate.filter(|certificate| certificate.has_ended(SystemTime::now()))?;
        let name = P::KIND.name();
        let why =
            format!("the app's client certificate for {name} was valid {certificate}: it must be replaced");
        Some(NoToken::Refused(why.into()))
    }
}
