//! What one app on one provider needs, resolved once per push.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::subscriptions::{NoPeer, Subscriptions};
use super::suspicion::Suspicion;
use crate::credential::{Credential, NoToken};
use crate::metrics::AppMetrics;
use crate::provider::Provider;
use crate::push::{ApnsEnvironment, AppId, ProviderKind, Reason, Refusal, Target};
use crate::upstream::{PeerPool, Validity};

/// One app on one provider.
#[derive(Debug)]
pub struct Route {
    /// In which words.
    pub provider: Provider,
    /// As whom.
    pub credential: Credential,
    /// Over which connections.
    pub upstreams: Upstreams,
    /// What becomes of its pushes.
    pub metrics: AppMetrics,
    /// When the client certificate of its connections is valid, where they show one.
    certificate: Option<Validity>,
    /// What recent answers said about its tokens.
    pub(super) suspicion: Suspicion,
}

/// The peers of one app on one provider.
#[derive(Debug)]
pub enum Upstreams {
    /// One for each environment of APNs.
    Apns {
        /// For App Store and TestFlight builds.
        production: PeerPool,
        /// For development builds.
        sandbox: PeerPool,
    },
    /// One for all targets.
    One(PeerPool),
    /// One for each origin that a subscription names.
    Subscriptions(Subscriptions),
}

impl Route {
    /// A route with nothing known of its tokens yet.
    #[must_use]
    pub fn new(
        provider: Provider,
        credential: Credential,
        upstreams: Upstreams,
        metrics: AppMetrics,
    ) -> Self {
        Self { provider, credential, upstreams, metrics, certificate: None, suspicion: Suspicion::default() }
    }

    /// With the client certificate that its connections show.
    #[must_use]
    pub fn with_certificate(self, certificate: Option<Validity>) -> Self {
        Self { certificate, ..self }
    }

    /// Why nothing can be sent before an operator has acted: no handshake would come to its end. A clock is read for
    /// routes with a certificate alone.
    pub(super) fn ended(&self) -> Option<NoToken> {
        let certificate = self.certificate.filter(|it| it.has_ended(SystemTime::now()))?;
        let name = self.provider.kind().name();
        let why =
            format!("the app's client certificate for {name} was valid {certificate}: it must be replaced");
        Some(NoToken::Refused(why.into()))
    }

    /// The peer that takes pushes to this target. While it is held it is not forgotten.
    ///
    /// # Errors
    /// Where the target names a peer that may not be, or there is no room for it.
    pub(super) fn upstream(&self, target: &Target) -> Result<Cow<'_, PeerPool>, NoPeer> {
        match (&self.upstreams, &self.provider) {
            (Upstreams::Apns { sandbox, .. }, Provider::Apns(apns))
                if apns.environment(target) == ApnsEnvironment::Sandbox =>
            {
                Ok(Cow::Borrowed(sandbox))
            }
            (Upstreams::Apns { production: peer, .. } | Upstreams::One(peer), _) => Ok(Cow::Borrowed(peer)),
            (Upstreams::Subscriptions(subscriptions), provider) => {
                subscriptions.peer(provider.origin(target)?).map(Cow::Owned)
            }
        }
    }
}

/// The routes of one app.
#[derive(Debug, Default)]
pub struct AppRoutes {
    /// The time to live of its pushes that name none.
    pub default_ttl: Option<Duration>,
    /// By APNs.
    pub apns: Option<Arc<Route>>,
    /// By FCM.
    pub fcm: Option<Arc<Route>>,
    /// By a Mattermost push proxy.
    pub mattermost: Option<Arc<Route>>,
    /// By Web Push.
    pub web_push: Option<Arc<Route>>,
}

/// Every app's routes.
#[derive(Debug, Default)]
pub struct Routes(HashMap<AppId, AppRoutes>);

impl FromIterator<(AppId, AppRoutes)> for Routes {
    fn from_iter<T: IntoIterator<Item = (AppId, AppRoutes)>>(apps: T) -> Self {
        Self(apps.into_iter().collect())
    }
}

impl Routes {
    /// The routes of an app.
    ///
    /// # Errors
    /// Where there is no such app.
    pub fn app(&self, app: &AppId) -> Result<&AppRoutes, Refusal> {
        self.0.get(app).ok_or_else(|| {
            let detail = format!("the configuration has no app {app:?}", app = app.as_str());
            Refusal::field("app", Reason::AppUnknown, detail)
        })
    }
}

impl AppRoutes {
    /// The route to targets of a provider.
    ///
    /// # Errors
    /// Where the app has no such provider.
    pub fn to(&self, provider: ProviderKind, app: &AppId) -> Result<&Arc<Route>, Refusal> {
        let route = match provider {
            ProviderKind::Apns => self.apns.as_ref(),
            ProviderKind::Fcm => self.fcm.as_ref(),
            ProviderKind::Mattermost => self.mattermost.as_ref(),
            ProviderKind::WebPush => self.web_push.as_ref(),
        };
        route.ok_or_else(|| {
            let detail = format!("app {:?} has no {} configured", app.as_str(), provider.name());
            Refusal::field("target", Reason::ProviderNotConfigured, detail)
        })
    }
}
