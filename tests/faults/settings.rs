//! The configuration of a world's gateway.

use std::sync::Arc;
use std::time::Duration;

use fanfare::config::{ApnsConfig, ApnsCredential, AppConfig, Config, FcmConfig, MattermostConfig, Trust};
use fanfare::credential::google::Source;
use fanfare::provider::apns::{Apns, ApnsSettings};
use fanfare::provider::fcm::{Fcm, FcmSettings as Project};
use fanfare::provider::mattermost::{Mattermost, MattermostSettings};
use fanfare::push::{ApnsEnvironment, AppId};
use fanfare_simulator::{Service, Simulator};
use fanfare_upstream::Http;

use crate::marker::{APP, PROJECT, SERVER_ID, TOPIC};
use crate::network::NAME;

/// The upstream is never left alone for what it does to requests, so that all of them meet their faults.
pub(crate) fn unbroken(config: &mut Config) {
    (config.upstream.breaker.failures, config.upstream.breaker.error_percent) = (u32::MAX, 101);
}

/// A configuration with one app, and with limits that no test meets by accident, however busy the machine is. A test that
/// needs to meet one sets it.
pub(crate) fn config(simulator: &Simulator, service: Service, tls: bool) -> Config {
    let key = simulator.provider_key();
    let credential = ApnsCredential::token(&key.private_key_pem.clone().into(), &key.key_id, &key.team_id);
    let settings = ApnsSettings {
        environment: ApnsEnvironment::Production,
        topics: vec![TOPIC.to_owned()],
        certificate: false,
        unknown_push_types: false,
    };
    let apns = ApnsConfig { provider: Apns::try_new(settings).unwrap(), credential: credential.unwrap() };
    let scheme = if tls { "https" } else { "http" };
    let mattermost = (service == Service::Mattermost).then(|| MattermostConfig {
        provider: Mattermost::try_new(MattermostSettings { server_id: SERVER_ID.to_owned() }).unwrap(),
        origin: format!("{scheme}://{NAME}").parse().unwrap(),
        http: Http::Either,
        trust: None,
    });
    let id = AppId::parse(APP).unwrap();
    let fcm = (service == Service::Fcm).then(|| {
        let account = simulator.fcm().add_service_account(&[PROJECT]).unwrap();
        FcmConfig {
            provider: Fcm::try_new(&Project { project_id: PROJECT.to_owned() }).unwrap(),
            credential: Arc::new(Source::from_json(&account.key_json().into()).unwrap()),
            certificate: None,
            pushes_per_minute: None,
        }
    });
    let app = AppConfig { apns: Some(apns), fcm, mattermost, ..AppConfig::new(id) };
    let mut config = Config::on_loopback(vec![app], Trust::of_system_and(simulator.ca_pem()).unwrap());
    config.apns_production = format!("https://{NAME}").parse().unwrap();
    config.fcm.origin = format!("https://{NAME}").parse().unwrap();
    config.fcm.trust = Trust::of_system_and(simulator.ca_pem()).unwrap();
    config.apns_sandbox = "https://sandbox.push.test".parse().unwrap();
    let upstream = &mut config.upstream;
    upstream.backoff_min = Duration::from_millis(10);
    upstream.backoff_max = Duration::from_millis(100);
    (upstream.breaker.wait, upstream.breaker.max_wait) = (upstream.backoff_min, upstream.backoff_max);
    upstream.answer_timeout = Duration::from_secs(90);
    upstream.ping_after = Duration::from_secs(30);
    upstream.ping_timeout = Duration::from_secs(30);
    config
}
