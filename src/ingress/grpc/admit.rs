//! From a message to a push with its route, or to its result where it cannot be sent.

use std::sync::Arc;
use std::time::SystemTime;

use super::decode::OneTarget;
use super::refused::{Refused, echo};
use super::{Core, decode};
use crate::dispatch::{AppRoutes, Destination, Push, Unsendable};
use crate::proto;
use crate::provider::apns::{self, Apns};
use crate::provider::fcm::Fcm;
use crate::provider::mattermost::Mattermost;
use crate::provider::webpush::WebPush;
use crate::push::{AppId, Body, Labels, Refusal};

impl Core {
    /// Decodes a push and finds its route.
    ///
    /// # Errors
    /// Where it cannot be sent: with its result.
    pub(super) fn decode(&self, push: proto::Push, accepted_at: SystemTime) -> Result<Push, Box<Refused>> {
        let proto::Push { id, app, target, content, options, labels } = push;
        let id = decode::id(id).map_err(|(id, refusal)| Refused::new(echo(id), Labels::new(), refusal))?;
        let labels = match decode::labels(labels) {
            Ok(labels) => labels,
            Err(refusal) => return Err(Refused::new(id.into_string(), Labels::new(), refusal)),
        };
        match self.destination_and_body(&app, target, content, options, accepted_at) {
            Ok((destination, body)) => Ok(Push { id, destination, body: Arc::new(Body { labels, ..body }) }),
            Err(why) => Err(Refused::new(id.into_string(), labels, why)),
        }
    }

    fn destination_and_body(
        &self,
        app: &str,
        target: Option<proto::Target>,
        content: Option<proto::Content>,
        options: Option<proto::Options>,
        accepted_at: SystemTime,
    ) -> Result<(Destination, Body), Unsendable> {
        let app = decode::app(app)?;
        let routes = self.routes.app(&app)?;
        let destination = destination(routes, &app, target)?;
        let body = body(app, routes, content, options, accepted_at)
            .map_err(|refusal| destination.guard().refuse(refusal))?;
        Ok((destination, body))
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

/// The target of a push with the app's route to it. Which provider the target is for is known before it is decoded.
pub(super) fn destination(
    routes: &AppRoutes,
    app: &AppId,
    target: Option<proto::Target>,
) -> Result<Destination, Unsendable> {
    match decode::one_target(target)? {
        OneTarget::ApnsDevice(device) => {
            routes.destination::<Apns>(app, || Ok(apns::Target::Device(decode::apns_device(device)?)))
        }
        OneTarget::ApnsChannel(channel) => {
            routes.destination::<Apns>(app, || Ok(apns::Target::Channel(decode::apns_channel(*channel)?)))
        }
        OneTarget::Fcm(target) => routes.destination::<Fcm>(app, || decode::fcm_target(*target)),
        OneTarget::WebPush(target) => routes.destination::<WebPush>(app, || decode::subscription(*target)),
        OneTarget::Mattermost(device) => {
            routes.destination::<Mattermost>(app, || decode::mattermost_device(*device))
        }
    }
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
