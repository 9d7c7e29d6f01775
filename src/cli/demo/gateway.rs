//! The gateway of the demo: one app that sends to the simulator.

use std::sync::Arc;

use fanfare_simulator::{Environment, Simulator, VapidKey};
use fanfare_upstream::Http;

use super::plan;
use crate::config::{
    ApnsConfig, ApnsCredential, AppConfig, Config, FcmConfig, MattermostConfig, Trust, WebPushConfig,
};
use crate::credential::google::Source;
use crate::credential::vapid::ApplicationServer;
use crate::provider::apns::{Apns, ApnsSettings};
use crate::provider::fcm::{Fcm, FcmSettings};
use crate::provider::mattermost::{self, Mattermost};
use crate::provider::webpush::{WebPush, WebPushSettings};
use crate::push::{ApnsEnvironment, AppId};

/// The simulator has no quota, and the ramp up to Google's would only slow the demo down.
const PUSHES_PER_MINUTE: u32 = 60_000_000;

/// A gateway on free ports of loopback, with one app that sends to every service of the simulator.
pub(super) fn config(simulator: &Simulator, vapid: VapidKey) -> anyhow::Result<Config> {
    let account = simulator.fcm().add_service_account(&[plan::PROJECT])?;
    let fcm = FcmConfig {
        provider: Fcm::try_new(&FcmSettings { project_id: plan::PROJECT.to_owned() })?,
        credential: Arc::new(Source::from_json(&account.key_json().into())?),
        certificate: None,
        pushes_per_minute: Some(PUSHES_PER_MINUTE),
    };
    let mattermost = MattermostConfig {
        provider: Mattermost::try_new(mattermost::MattermostSettings {
            server_id: plan::SERVER_ID.to_owned(),
        })?,
        origin: simulator.mattermost().origin().parse()?,
        http: Http::Either,
        trust: None,
    };
    let web_push = WebPushConfig {
        provider: WebPush::try_new(WebPushSettings {
            hosts: vec!["localhost".to_owned()],
            any_port: true,
            ..WebPushSettings::default()
        })?,
        application_server: Arc::new(ApplicationServer::parse(&vapid.private_key_pem.into(), plan::SUBJECT)?),
        private_addresses: true,
        http: Http::Either,
    };
    let app = AppConfig {
        fcm: Some(fcm),
        mattermost: Some(mattermost),
        web_push: Some(web_push),
        ..apns_alone(simulator)?
    };
    let mut config = Config::on_loopback(vec![app], Trust::of_system_and(simulator.ca_pem())?);
    config.fcm.origin = simulator.fcm().origin().parse()?;
    config.apns_production = simulator.origin(Environment::Production).parse()?;
    config.apns_sandbox = simulator.origin(Environment::Sandbox).parse()?;
    Ok(config)
}

/// An app that sends to APNs and nowhere else.
pub(super) fn apns_alone(simulator: &Simulator) -> anyhow::Result<AppConfig> {
    let key = simulator.provider_key();
    let apns = ApnsConfig {
        provider: Apns::try_new(ApnsSettings {
            environment: ApnsEnvironment::Production,
            topics: vec![plan::TOPIC.to_owned()],
            certificate: false,
            unknown_push_types: false,
        })?,
        credential: ApnsCredential::token(&key.private_key_pem.clone().into(), &key.key_id, &key.team_id)?,
    };
    Ok(AppConfig { apns: Some(apns), ..AppConfig::new(AppId::parse(plan::APP)?) })
}
