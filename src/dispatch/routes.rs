//! Which route a push takes.

use std::collections::HashMap;
use std::sync::Arc;

use super::RunMode;
use super::guard::Unsendable;
use super::look::RouteLook;
use super::providers::{AppRoutes, Destination, Listed};
use crate::push::{AppId, PushId, Reason, Refusal};

/// The routes of every app.
#[derive(Debug, Default)]
pub struct Routes(HashMap<AppId, AppRoutes>);

impl FromIterator<(AppId, AppRoutes)> for Routes {
    fn from_iter<T: IntoIterator<Item = (AppId, AppRoutes)>>(apps: T) -> Self {
        Self(apps.into_iter().collect())
    }
}

impl Routes {
    /// How every app is on each of its providers.
    pub(crate) fn look(&self) -> Vec<RouteLook> {
        self.0.values().flat_map(AppRoutes::look).collect()
    }

    /// The routes of an app.
    ///
    /// # Errors
    /// Fails if there is no such app.
    pub(crate) fn app(&self, app: &AppId) -> Result<&AppRoutes, Refusal> {
        self.0.get(app).ok_or_else(|| {
            let detail = format!("the configuration has no app {app:?}", app = app.as_str());
            Refusal::field("app", Reason::AppUnknown, detail)
        })
    }
}

impl AppRoutes {
    /// Pairs a target with the app's route to it. The route is found before the target is looked into, for two reasons:
    /// the route's guard has to see malformed targets, and a provider that the app does not have says nothing against any
    /// target.
    pub(super) fn pair<P: Listed>(
        &self,
        (app, id): (&AppId, &PushId),
        target: Result<P::Target, Refusal>,
        mode: RunMode,
    ) -> Result<Destination, Unsendable> {
        let route = P::route(self).ok_or_else(|| {
            let detail = format!("app {:?} has no {} configured", app.as_str(), P::KIND.name());
            Refusal::field("target", Reason::ProviderNotConfigured, detail)
        })?;
        let target = target.map_err(|refusal| route.refuse(id, refusal, mode))?;
        Ok(P::pair(target, Arc::clone(route)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::Credential;
    use crate::dispatch::Route;
    use crate::dispatch::subscriptions::tests::{subscriptions, upstream};
    use crate::metrics::Metrics;
    use crate::provider::Provider;
    use crate::provider::fcm::Fcm;
    use crate::provider::webpush::{WebPush, WebPushSettings};
    use crate::push::{Outcome, TokenAction};

    #[test]
    fn the_route_is_known_before_the_target_is_looked_into() {
        let app = AppId::parse("shop").unwrap();
        let route = Route::new(
            app.clone(),
            WebPush::try_new(WebPushSettings::default()).unwrap(),
            Credential::None,
            subscriptions(&upstream(1), None),
            Metrics::default().pushes.app(app.as_str(), WebPush::KIND),
        );
        let routes = AppRoutes { web_push: Some(Arc::new(route)), ..AppRoutes::default() };
        let id = PushId::parse("push".to_owned()).unwrap();
        let missing = routes.pair::<Fcm>(
            (&app, &id),
            Err(Refusal::field("target", Reason::FieldInvalid, "why")),
            RunMode::Real,
        );
        let missing = missing.err().unwrap();
        assert_eq!(missing.refusal.reason, Reason::ProviderNotConfigured);
        assert_eq!((missing.token_action, missing.provider), (TokenAction::Keep, None));

        let refusal = Refusal::field("target.web_push.p256dh", Reason::FieldInvalid, "why");
        let malformed = Refusal { outcome: Outcome::InvalidToken, ..refusal };
        let malformed = routes.pair::<WebPush>((&app, &id), Err(malformed), RunMode::Real).err().unwrap();
        assert_eq!(malformed.token_action, TokenAction::Delete);
        assert_eq!(malformed.provider, Some(WebPush::KIND));
    }
}
