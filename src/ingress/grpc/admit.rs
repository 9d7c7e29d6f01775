//! From a message to a push and its route, or to its result where it cannot be sent.

use std::sync::Arc;
use std::time::SystemTime;

use super::refused::{Refused, echo};
use super::{Core, decode};
use crate::dispatch::{AppRoutes, Route};
use crate::proto;
use crate::push::{AppId, Body, Labels, Push, Refusal, Target};

/// Why a push has no way. The route is known where it is the target that is at fault, or what comes after it.
pub(super) struct Unroutable<'a> {
    pub(super) refusal: Refusal,
    pub(super) route: Option<&'a Route>,
}

impl From<Refusal> for Unroutable<'_> {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, route: None }
    }
}

impl Core {
    /// Decodes a push and finds its route.
    ///
    /// # Errors
    /// Where it cannot be sent: with its result.
    pub(super) fn decode(
        &self,
        push: proto::Push,
        accepted_at: SystemTime,
    ) -> Result<(Push, &Arc<Route>), Box<Refused>> {
        let proto::Push { id, app, target, content, options, labels } = push;
        let id =
            decode::id(id).map_err(|(id, refusal)| Refused::new(echo(id), Labels::new(), refusal, None))?;
        let labels = match decode::labels(labels) {
            Ok(labels) => labels,
            Err(refusal) => return Err(Refused::new(id.into_string(), Labels::new(), refusal, None)),
        };
        match self.route_and_body(&app, target, content, options, accepted_at) {
            Ok((target, route, body)) => {
                Ok((Push { id, target, body: Arc::new(Body { labels, ..body }) }, route))
            }
            Err(Unroutable { refusal, route }) => Err(Refused::new(id.into_string(), labels, refusal, route)),
        }
    }

    fn route_and_body(
        &self,
        app: &str,
        target: Option<proto::Target>,
        content: Option<proto::Content>,
        options: Option<proto::Options>,
        accepted_at: SystemTime,
    ) -> Result<(Target, &Arc<Route>, Body), Unroutable<'_>> {
        let app = decode::app(app)?;
        let routes = self.routes.app(&app)?;
        let (target, route) = target_of(routes, &app, target)?;
        let body = body(app, routes, content, options, accepted_at)
            .map_err(|refusal| Unroutable { refusal, route: Some(route) })?;
        Ok((target, route, body))
    }

    /// What the addressees of a multicast share.
    pub(super) fn shared_body(
        &self,
        app: &str,
        content: Option<proto::Content>,
        options: Option<proto::Options>,
        accepted_at: SystemTime,
    ) -> Result<Body, Refusal> {
        let app = decode::app(app)?;
        let routes = self.routes.app(&app)?;
        body(app, routes, content, options, accepted_at)
    }
}

/// The target of a push, and its route. The route comes first: whether a malformed token is one of many is known
/// there, and a provider that the app does not have speaks against no token.
pub(super) fn target_of<'a>(
    routes: &'a AppRoutes,
    app: &AppId,
    target: Option<proto::Target>,
) -> Result<(Target, &'a Arc<Route>), Unroutable<'a>> {
    let (provider, target) = decode::one_target(target)?;
    let route = routes.to(provider, app)?;
    let target = decode::target(target).map_err(|refusal| Unroutable { refusal, route: Some(route) })?;
    Ok((target, route))
}

fn body(
    app: AppId,
    routes: &AppRoutes,
    content: Option<proto::Content>,
    options: Option<proto::Options>,
    accepted_at: SystemTime,
) -> Result<Body, Refusal> {
    let content = decode::content(content)?;
    let options = decode::options(options, routes.default_ttl, accepted_at)?;
    Ok(Body { app, content, options, accepted_at, labels: Labels::new() })
}
