//! A push service that fails is left alone, is named, and is sent to again when it is well. Others notice nothing.

mod black_hole;
mod failing;
mod outage;
mod projects;

use std::sync::Arc;
use std::time::Duration;

use fanfare::app::{Gateway, Network};
use fanfare::config::FcmConfig;
use fanfare::credential::google::Source;
use fanfare::proto::{self, Delivery, Outcome, Reason};
use fanfare::provider::fcm::{Fcm, FcmSettings as Project};
use fanfare_simulator::{Environment, FcmSettings, Service, ServiceAccount, Simulator};
use fanfare_upstream::BreakerSettings;

use crate::harness::{APP, TOPIC, World, alert, config, connect, pass, trust};

const PROJECT: &str = "demo-project";
const APNS: Service = Service::Apns(Environment::Production);

/// The wait before each probe, as long as no test takes, so that each says when a probe may go.
const WAIT: Duration = Duration::from_secs(600);

const BREAKER: BreakerSettings =
    BreakerSettings { failures: 5, error_percent: 50, wait: WAIT, max_wait: WAIT };

/// A gateway of one app that sends to APNs and to FCM, and the account that sends for it.
async fn world(change: impl FnOnce(&mut fanfare::config::Config, &ServiceAccount)) -> World {
    let builder = Simulator::builder().bundle_ids([TOPIC]).fcm(FcmSettings::default());
    let simulator = builder.start().await.unwrap();
    let account = simulator.fcm().add_service_account(&[PROJECT, "other-project"]).unwrap();
    let mut config = config(&simulator);
    config.fcm.origin = simulator.fcm().origin().parse().unwrap();
    config.fcm.trust = trust(&simulator);
    config.apps[0].fcm = Some(project(PROJECT, &account));
    config.upstream.breaker = BREAKER;
    change(&mut config, &account);
    let gateway = Gateway::start(config, Network::default()).await.unwrap();
    let client = connect(&gateway).await;
    World { simulator, gateway, client }
}

fn project(name: &str, account: &ServiceAccount) -> FcmConfig {
    FcmConfig {
        pushes_per_minute: None,
        provider: Fcm::try_new(&Project { project_id: name.to_owned() }).unwrap(),
        credential: Arc::new(Source::from_json(&account.key_json().into()).unwrap()),
        certificate: None,
    }
}

/// A push by FCM of an app to a registration token, which has its verdict before FCM's longer waits have passed.
fn fcm_push(app: &str, number: usize) -> proto::Push {
    let token = format!("ok:{number}");
    let target = proto::FcmTarget { registration_token: token, ..proto::FcmTarget::default() };
    let max_wait = Some(prost_types::Duration { seconds: 5, nanos: 0 });
    proto::Push {
        app: app.to_owned(),
        target: Some(proto::Target { fcm: Some(Box::new(target)), ..proto::Target::default() }),
        content: Some(alert("Hello", "World")),
        options: Some(proto::Options { max_wait, ..proto::Options::default() }),
        ..proto::Push::default()
    }
}

/// Sends these pushes of FCM one after the other. Each is accepted at its first attempt.
async fn fcm_takes(world: &World, app: &str, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let result = world.send(fcm_push(app, number)).await;
        assert_eq!((result.outcome(), result.attempts), (Outcome::Accepted, 1), "{result:?}");
    }
}

/// The registration tokens to which pushes arrived at FCM, in their order.
fn fcm_arrived(world: &World) -> Vec<String> {
    let entries = world.simulator.journal().select(|entry| entry.service == Service::Fcm);
    entries.iter().filter_map(|entry| entry.device_token().map(str::to_owned)).collect()
}

/// How many requests arrived at APNs.
fn apns_arrived(world: &World) -> usize {
    world.simulator.journal().select(|entry| entry.service == APNS).len()
}

fn is_held_back(result: &proto::PushResult) -> bool {
    result.reason() == Reason::BreakerOpen
}

/// The push was held back: nothing was sent, it may be sent later, and this is why.
fn held_back(result: &proto::PushResult, why: &str) {
    let told = (result.outcome(), result.reason(), result.delivery(), result.attempts, result.retryable);
    let expected = (Outcome::NotAttempted, Reason::BreakerOpen, Delivery::No, 0, true);
    assert_eq!(told, expected, "{result:?}");
    assert!(result.detail.contains(why), "{}", result.detail);
    let retry_after = Duration::try_from(result.retry_after.unwrap()).unwrap();
    assert!(retry_after <= WAIT && retry_after > WAIT / 4, "{retry_after:?}");
}

/// The waits before the next probe pass.
async fn until_probe() {
    pass(WAIT).await;
}
