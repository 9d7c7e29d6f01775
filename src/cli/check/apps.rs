//! What each app sends as, and by which way.

use std::time::SystemTime;

use fanfare_upstream::Origin;

use super::ends::ends;
use super::row::Row;
use crate::config::{
    ApnsConfig, ApnsCredential, AppConfig, Config, FcmConfig, MattermostConfig, WebPushConfig,
};
use crate::provider::Provider;
use crate::provider::apns::Apns;
use crate::provider::fcm::Fcm;
use crate::provider::mattermost::Mattermost;
use crate::provider::webpush::WebPush;
use crate::push::ApnsEnvironment;

pub(super) fn app(app: &AppConfig, config: &Config, now: SystemTime) -> Row {
    let said = Said { app, config, now };
    let ttl = app.default_ttl.map(|ttl| humantime::format_duration(ttl).to_string());
    Row::new(app.id.as_str())
        .fact("default_ttl", ttl)
        .fact("weight", Some(app.weight).filter(|weight| *weight != 1))
        .part(app.apns.as_ref().map(|apns| said.apns(apns)))
        .part(app.fcm.as_ref().map(|fcm| said.fcm(fcm)))
        .part(app.web_push.as_ref().map(|web_push| said.web_push(web_push)))
        .part(app.mattermost.as_ref().map(|mattermost| said.mattermost(mattermost)))
}

/// The environment's name in the configuration.
pub(super) fn environment(environment: ApnsEnvironment) -> &'static str {
    match environment {
        ApnsEnvironment::Production => "production",
        ApnsEnvironment::Sandbox => "sandbox",
    }
}

struct Said<'a> {
    app: &'a AppConfig,
    config: &'a Config,
    now: SystemTime,
}

impl Said<'_> {
    fn apns(&self, apns: &ApnsConfig) -> Row {
        let own = apns.provider.own_environment();
        let topics: Vec<_> = apns.provider.bundle_ids().map(str::to_owned).collect();
        let row = Row::new(Apns::KIND.name()).fact("environment", environment(own)).fact("topics", topics);
        let row = match &apns.credential {
            ApnsCredential::Token(key) => {
                row.fact("key_id", key.key_id().as_str()).fact("team_id", key.team_id().as_str())
            }
            ApnsCredential::Certificate(certificate) => {
                row.fact("certificate", true).and(Some(ends(certificate.validity(), self.now)))
            }
        };
        let origin = match own {
            ApnsEnvironment::Production => &self.config.apns_production,
            ApnsEnvironment::Sandbox => &self.config.apns_sandbox,
        };
        row.fact("proxy", self.proxy(origin))
    }

    fn fcm(&self, fcm: &FcmConfig) -> Row {
        let pace = fcm.pushes_per_minute.unwrap_or(self.config.fcm.pushes_per_minute);
        Row::new(Fcm::KIND.name())
            .fact("project", fcm.provider.project_id())
            .fact("account", fcm.credential.account())
            .fact("tokens_from", fcm.credential.endpoint().origin().to_string())
            .fact("pushes_per_minute", pace)
            .fact("certificate", fcm.certificate.is_some())
            .and(fcm.certificate.as_ref().map(|certificate| ends(certificate.validity(), self.now)))
            .fact("proxy", self.proxy(&self.config.fcm.origin))
    }

    fn web_push(&self, web_push: &WebPushConfig) -> Row {
        let server = &web_push.application_server;
        // Each subscription names its own push service, and a proxy may stand before some of them.
        let proxy = self.app.proxy.is_some() || self.config.proxy.is_some();
        Row::new(WebPush::KIND.name())
            .fact("subject", server.subject())
            .fact("public_key", server.public_key())
            .fact("private_addresses", web_push.private_addresses)
            .fact("by_proxy", proxy)
    }

    fn mattermost(&self, mattermost: &MattermostConfig) -> Row {
        Row::new(Mattermost::KIND.name())
            .fact("url", mattermost.origin.to_string())
            .fact("roots_of_its_own", mattermost.trust.is_some())
            .fact("proxy", self.proxy(&mattermost.origin))
    }

    /// The proxy on the way to an origin.
    fn proxy(&self, to: &Origin) -> Option<String> {
        let proxies = self.app.proxy.as_ref().or(self.config.proxy.as_ref())?;
        Some(proxies.on_the_way_to(to)?.origin().to_string())
    }
}
