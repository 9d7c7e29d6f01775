//! What one app on one provider needs, resolved once per push.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::kinds::Kinds;
use super::subscriptions::{NoPeer, Subscriptions};
use super::suspicion::{Suspicion, Turn};
use crate::credential::{Credential, NoToken};
use crate::metrics::AppMetrics;
use crate::provider::Provider;
use crate::push::{ApnsEnvironment, AppId, Outcome, ProviderKind, Reason, Refusal, Target, TokenAction};
use crate::upstream::{PeerPool, Validity};

/// One app on one provider.
#[derive(Debug)]
pub struct Route {
    /// Whose it is.
    pub app: AppId,
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
    suspicion: Suspicion,
    /// The kinds of its answers that were logged.
    pub(super) kinds: Kinds,
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
        app: AppId,
        provider: Provider,
        credential: Credential,
        upstreams: Upstreams,
        metrics: AppMetrics,
    ) -> Self {
        let (suspicion, kinds) = (Suspicion::default(), Kinds::default());
        Self { app, provider, credential, upstreams, metrics, certificate: None, suspicion, kinds }
    }

    /// What its caller is to do with a target that the gateway refuses without asking, which the refusal's detail then
    /// says as well.
    #[must_use]
    pub fn refused(&self, refusal: Refusal) -> (Refusal, TokenAction) {
        let action = self.refused_token_action(&refusal);
        let advice = self.advice(TokenAction::Delete, action, false);
        let detail = advice.map(|advice| format!("{}; {advice}", refusal.detail));
        (Refusal { detail: detail.unwrap_or(refusal.detail), ..refusal }, action)
    }

    /// So many at once speak for a bug that writes them, and are judged as answers are.
    fn refused_token_action(&self, refusal: &Refusal) -> TokenAction {
        let dead = [Outcome::InvalidToken, Outcome::Unregistered].contains(&refusal.outcome);
        if dead { self.guard(refusal.outcome, TokenAction::Delete, false) } else { TokenAction::Keep }
    }

    /// Notes what was said of a target, and sets it aside where so many are dead that the configuration is the
    /// likelier culprit. The log hears of it when that begins and when it ends.
    pub(super) fn guard(&self, outcome: Outcome, action: TokenAction, proved: bool) -> TokenAction {
        let judged = self.suspicion.judge(outcome, action, proved);
        let (app, provider) = (&self.app, self.provider.kind().name());
        match judged.turned {
            None => {}
            Some(Turn::Closed) => tracing::warn!(
                %app, provider,
                "so many targets are refused at once that their callers are told to set them aside, not to delete them: check {}",
                self.provider.suspects()
            ),
            Some(Turn::Opened) => tracing::info!(
                %app, provider, "targets live again: the callers of refused ones are told to delete them"
            ),
        }
        judged.action
    }

    /// What to do with a dead target, as the end of a sentence that says why it is dead.
    pub(super) fn advice(
        &self,
        asked: TokenAction,
        given: TokenAction,
        proved: bool,
    ) -> Option<Cow<'static, str>> {
        match (asked, given) {
            (TokenAction::Delete, TokenAction::Delete) if proved => {
                Some("delete it unless it was registered again since".into())
            }
            (TokenAction::Delete, TokenAction::Delete) => Some("delete it".into()),
            (TokenAction::Delete, TokenAction::Quarantine) => Some(
                format!("set it aside and check {}, since so many fail at once", self.provider.suspects())
                    .into(),
            ),
            (TokenAction::Keep | TokenAction::Delete | TokenAction::Quarantine, _) => None,
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::subscriptions::tests::{subscriptions, upstream};
    use crate::metrics::Metrics;
    use crate::provider::fcm::{Fcm, FcmSettings};

    fn route() -> Route {
        let app = AppId::parse("shop").unwrap();
        let provider = Provider::Fcm(Fcm::try_new(&FcmSettings { project_id: "shop-1".into() }).unwrap());
        let metrics = Metrics::default().pushes.app(app.as_str(), provider.kind());
        let upstreams = Upstreams::Subscriptions(subscriptions(&upstream(1), None));
        Route::new(app, provider, Credential::None, upstreams, metrics)
    }

    fn refusal(outcome: Outcome) -> Refusal {
        Refusal { outcome, ..Refusal::field("target", Reason::FieldInvalid, "why") }
    }

    #[test]
    fn tokens_of_one_encoding_bug_are_set_aside_though_nothing_was_sent() {
        let route = route();
        let malformed = refusal(Outcome::InvalidToken);
        for _ in 0..9 {
            assert_eq!(route.refused_token_action(&malformed), TokenAction::Delete);
        }
        let (said, action) = route.refused(malformed);
        assert_eq!(action, TokenAction::Quarantine);
        assert!(said.detail.starts_with("why; set it aside and check "), "{}", said.detail);
        for other in [Outcome::InvalidPush, Outcome::PayloadTooLarge, Outcome::Credential] {
            assert_eq!(route.refused_token_action(&refusal(other)), TokenAction::Keep);
        }
    }

    #[test]
    fn a_target_that_says_of_itself_that_it_is_gone_is_deleted() {
        assert_eq!(route().refused_token_action(&refusal(Outcome::Unregistered)), TokenAction::Delete);
    }

    #[test]
    fn advice_is_that_of_its_verdict() {
        let advice =
            |asked, given, proved| route().advice(asked, given, proved).unwrap_or_default().into_owned();
        let (keep, delete, aside) = (TokenAction::Keep, TokenAction::Delete, TokenAction::Quarantine);
        assert_eq!(advice(delete, delete, false), "delete it");
        assert_eq!(advice(delete, delete, true), "delete it unless it was registered again since");
        let set_aside = advice(delete, aside, false);
        assert!(set_aside.starts_with("set it aside and check the app's project"), "{set_aside}");
        assert!(!set_aside.contains("delete"));
        assert_eq!((advice(keep, keep, false), advice(aside, aside, false)), (String::new(), String::new()));
    }
}
