//! What one app on one provider needs.

use std::sync::Arc;
use std::time::SystemTime;

use fanfare_upstream::{BreakerSettings, Pacer, Party, Validity};

use super::breaker::RouteBreaker;
use super::doors::{NoDoors, TargetDoors};
use super::guard::Guard;
use super::kinds::Kinds;
use super::peers::TargetPeers;
use crate::credential::{Credential, CredentialDoor, CredentialHandle, NoToken};
use crate::metrics::AppMetrics;
use crate::provider::Provider;
use crate::push::AppId;
use crate::sharer::Sharer;

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
    pub(super) doors: Box<dyn TargetDoors<P>>,
    /// The app by which the doors know that the route is in use.
    app: Arc<AppId>,
    /// What becomes of its pushes.
    pub(super) metrics: AppMetrics,
    /// When the client certificate of its connections is valid, where they show one.
    certificate: Option<Validity>,
    /// Paces its pushes, where its quota is not that of the peer.
    pub(super) pacer: Option<Arc<Pacer>>,
    guard: Guard,
    /// The app as one who shares streams and room with others.
    sharer: Arc<Sharer>,
    weight: u8,
    /// The breaker of the app, where the provider's apps share a peer that may fail for one of them alone.
    pub(super) breaker: Option<RouteBreaker>,
    /// The kinds of answers that were logged.
    pub(super) kinds: Kinds,
}

impl<P: Provider> Route<P> {
    /// A route that knows nothing of its targets yet.
    #[must_use]
    pub fn new(
        app: AppId,
        provider: P,
        credential: Credential,
        peers: impl TargetPeers<P> + 'static,
        metrics: AppMetrics,
    ) -> Self {
        let guard = Guard::new(app.clone(), P::KIND, P::SUSPECTS);
        let (peers, doors, app, kinds) =
            (Box::new(peers), Box::new(NoDoors), Arc::new(app), Kinds::default());
        let route = Self {
            provider,
            credential,
            peers,
            doors,
            app,
            metrics,
            certificate: None,
            pacer: None,
            guard,
            breaker: None,
            sharer: Arc::default(),
            weight: 1,
            kinds,
        };
        route.with_breaker(BreakerSettings::default())
    }

    /// The same route with these settings of its breaker, where it has one.
    #[must_use]
    pub(crate) fn with_breaker(self, settings: BreakerSettings) -> Self {
        let app = || self.guard.app().clone();
        let breaker =
            P::FAILS_BY_APP.then(|| RouteBreaker::new(app(), P::KIND, settings, self.metrics.breaker()));
        Self { breaker, ..self }
    }

    /// The same route with the doors that its pushes pass. `all` are these, and those where its tokens come from.
    #[must_use]
    pub(crate) fn with_doors(
        self,
        doors: impl TargetDoors<P> + 'static,
        all: &[&CredentialHandle<CredentialDoor>],
    ) -> Self {
        for door in all {
            door.shown_by(Arc::downgrade(&self.app));
        }
        Self { doors: Box::new(doors), ..self }
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

    /// The same route of an app that shares streams and room with others as one, by this weight.
    #[must_use]
    pub(crate) fn shared_by(self, sharer: Arc<Sharer>, weight: u8) -> Self {
        Self { sharer, weight, ..self }
    }

    /// The app as one who shares room with others.
    pub(super) fn sharer(&self) -> &Sharer {
        &self.sharer
    }

    /// How the app shares the streams of its push service with the other apps of a caller.
    pub(crate) fn party(&self) -> Party {
        self.sharer.party(self.weight)
    }

    /// The same route with the client certificate that its connections show.
    #[must_use]
    pub(crate) fn with_certificate(self, certificate: Option<Validity>) -> Self {
        Self { certificate, ..self }
    }

    /// The same route, which shares a quota of its push service with all who have this pacer.
    #[must_use]
    pub(crate) fn with_pacer(self, pacer: Arc<Pacer>) -> Self {
        Self { pacer: Some(pacer), ..self }
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
