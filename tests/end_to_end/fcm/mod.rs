//! Pushes to FCM through a whole gateway.

mod answers;
mod connections;
mod matrix;
mod pacing;
mod silent;
mod targets;
mod tokens;

use std::ops::Range;
use std::sync::Arc;

use fanfare::app::{Gateway, Network};
use fanfare::config::{AppConfig, Config, FcmConfig, Trust};
use fanfare::credential::google::Source;
use fanfare::proto;
use fanfare::provider::fcm::{Fcm, FcmSettings as Project};
use fanfare::push::AppId;
use fanfare_simulator::journal::Entry;
use fanfare_simulator::{FcmSettings, Service, ServiceAccount, Simulator};
use fanfare_upstream::Http;
use fanfare_upstream::tls::ClientIdentity;

use crate::harness::{APP, World, alert, connect, trust};

const PROJECT: &str = "demo-project";
const OTHER: &str = "other-project";

/// A simulator that keeps the bodies it is sent.
async fn google(settings: FcmSettings) -> Simulator {
    Simulator::builder().fcm(settings).keep_bodies(100).start().await.unwrap()
}

/// An app that sends for a project with the key of an account.
fn app(name: &str, project: &str, account: &ServiceAccount) -> AppConfig {
    let fcm = FcmConfig {
        provider: Fcm::try_new(&Project { project_id: project.to_owned() }).unwrap(),
        credential: Arc::new(Source::from_json(&account.key_json().into()).unwrap()),
        certificate: None,
        pushes_per_minute: None,
    };
    AppConfig { fcm: Some(fcm), ..AppConfig::new(AppId::parse(name).unwrap()) }
}

/// The same app, which shows a client certificate too.
fn with_certificate(mut app: AppConfig, simulator: &Simulator) -> AppConfig {
    let made = simulator.client_certificate(&[]).unwrap();
    let (certificate, key) = (made.certificate_pem.as_bytes(), made.private_key_pem.as_bytes());
    let identity = ClientIdentity::from_pem(certificate, key).unwrap();
    let certificate = trust(simulator).with_identity(identity, Http::Either).unwrap();
    app.fcm.as_mut().unwrap().certificate = Some(certificate);
    app
}

/// A gateway of these apps.
async fn serve(simulator: Simulator, apps: Vec<AppConfig>) -> World {
    serve_with(simulator, apps, |_| {}).await
}

/// A gateway of these apps, whose configuration is changed.
async fn serve_with(simulator: Simulator, apps: Vec<AppConfig>, change: impl FnOnce(&mut Config)) -> World {
    let mut config = Config::on_loopback(apps, Trust::of_system().unwrap());
    config.fcm.origin = simulator.fcm().origin().parse().unwrap();
    config.fcm.trust = trust(&simulator);
    change(&mut config);
    let gateway = Gateway::start(config, Network::default()).await.unwrap();
    let client = connect(&gateway).await;
    World { simulator, gateway, client }
}

/// A gateway of one app, which sends for [`PROJECT`].
async fn world(settings: FcmSettings) -> World {
    let simulator = google(settings).await;
    let account = simulator.fcm().add_service_account(&[PROJECT]).unwrap();
    serve(simulator, vec![app(APP, PROJECT, &account)]).await
}

fn to(target: proto::FcmTarget) -> proto::Push {
    proto::Push {
        app: APP.to_owned(),
        target: Some(proto::Target { fcm: Some(Box::new(target)), ..proto::Target::default() }),
        content: Some(alert("Hello", "World")),
        ..proto::Push::default()
    }
}

/// A push with a title and a body to a registration token.
fn push(token: &str) -> proto::Push {
    to(proto::FcmTarget { registration_token: token.to_owned(), ..proto::FcmTarget::default() })
}

/// The same push, which has its verdict before FCM's longer waits have passed.
fn impatient(token: &str, seconds: i64) -> proto::Push {
    let max_wait = Some(prost_types::Duration { seconds, nanos: 0 });
    proto::Push { options: Some(proto::Options { max_wait, ..proto::Options::default() }), ..push(token) }
}

/// The requests to paths with this beginning, in their order.
fn asked(world: &World, path: &str) -> Vec<Entry> {
    world.simulator.journal().select(|entry| entry.service == Service::Fcm && entry.path.starts_with(path))
}

/// The body of a request that was kept.
fn json(entry: &Entry) -> serde_json::Value {
    serde_json::from_slice(entry.read.as_ref().unwrap().body.as_ref().unwrap()).unwrap()
}

/// Sends a push to each of these tokens at once.
async fn burst(world: &World, tokens: Range<usize>) -> Vec<proto::PushResult> {
    let sent = tokens.map(|number| async move { world.send(push(&format!("ok:{number}"))).await });
    futures_util::future::join_all(sent).await
}

/// Checks that each token got its push once, and that no connection was ever asked for more than 100 streams.
fn each_once(world: &World, count: usize) {
    let arrived = world.simulator.journal().select(|it| it.may_be_delivered() && it.device_token().is_some());
    assert_eq!(arrived.len(), count);
    assert!(world.simulator.journal().duplicates().is_empty());
    assert_eq!(world.simulator.counters().limit_violations, 0);
}
