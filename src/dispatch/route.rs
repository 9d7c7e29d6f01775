//! What one app on one provider needs.

use std::sync::Arc;
use std::time::SystemTime;

use fanfare_upstream::Validity;

use super::doors::{NoDoors, TargetDoors};
use super::guard::Guard;
use super::kinds::Kinds;
use super::peers::TargetPeers;
use crate::credential::{Credential, CredentialDoor, CredentialHandle, NoToken};
use crate::metrics::AppMetrics;
use crate::provider::Provider;
use crate::push::AppId;

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
    guard: Guard,
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
        Self { provider, credential, peers, doors, app, metrics, certificate: None, guard, kinds }
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

    /// The same route with the client certificate that its connections show.
    #[must_use]
    pub(crate) fn with_certificate(self, certificate: Option<Validity>) -> Self {
        Self { certificate, ..self }
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
