//! Everything that a configuration says changes while pushes go out: none is lost, sent twice or refused.

mod guard;
mod load;
mod metrics;
mod vapid;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use fanfare::app::{Gateway, Network};
use fanfare::caller::{CallerSettings, Permissions};
use fanfare::config::{ApnsCredential, AppConfig, Config, FcmConfig, Trust};
use fanfare::credential::google::Source;
use fanfare::proto::{Outcome, Reason};
use fanfare::provider::fcm::{Fcm, FcmSettings as Project};
use fanfare::push::AppId;
use fanfare_simulator::{
    ClientCertificate, Environment, FcmSettings, KeyScope, ProviderKey, ProviderKeySpec, ServiceAccount,
    Simulator,
};
use fanfare_upstream::Http;
use fanfare_upstream::tls::ClientIdentity;

use crate::harness::{TOPIC, World, app, connect, metric, until};
use load::{Load, push_of};

const PROJECT: &str = "demo-project";
/// The apps: by a key that stays, by one that is replaced, by a certificate, and by FCM.
const KEPT: &str = "kept";
const ROTATED: &str = "rotated";
const BY_CERTIFICATE: &str = "certified";
const DROID: &str = "droid";
const APPS: [&str; 4] = [KEPT, ROTATED, BY_CERTIFICATE, DROID];

/// Three apps have two environments of APNs each, and FCM gives its tokens at its own origin.
const PEERS: f64 = 7.0;

fn peers(world: &World) -> f64 {
    metric(&world.gateway, r#"fanfare_upstream_peers{kind="configured"} "#)
}

/// What a configuration file would say.
struct File {
    kept: ProviderKey,
    rotated: ProviderKey,
    certificate: ClientCertificate,
    account: ServiceAccount,
    roots: String,
    more_apps: Vec<&'static str>,
    weight: u8,
    change: fn(&mut Config),
}

impl File {
    fn new(simulator: &Simulator) -> Self {
        Self {
            kept: simulator.provider_key().clone(),
            rotated: new_key(simulator),
            certificate: simulator.client_certificate(&[TOPIC]).unwrap(),
            account: simulator.fcm().add_service_account(&[PROJECT]).unwrap(),
            roots: simulator.ca_pem().to_owned(),
            more_apps: Vec::new(),
            weight: 1,
            change: |_| {},
        }
    }

    /// Parses everything anew.
    fn read(&self, simulator: &Simulator) -> Config {
        let trust = Trust::of_system_and(&self.roots).unwrap();
        let token = |key: &ProviderKey| {
            ApnsCredential::token(&key.private_key_pem.clone().into(), &key.key_id, &key.team_id).unwrap()
        };
        let (certificate, key) = (&self.certificate.certificate_pem, &self.certificate.private_key_pem);
        let identity = ClientIdentity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        let certificate = ApnsCredential::Certificate(trust.with_identity(identity, Http::Two).unwrap());
        let fcm = FcmConfig {
            provider: Fcm::try_new(&Project { project_id: PROJECT.to_owned() }).unwrap(),
            credential: Arc::new(Source::from_json(&self.account.key_json().into()).unwrap()),
            certificate: None,
            pushes_per_minute: None,
        };
        let mut apps = vec![
            app(KEPT, token(&self.kept)),
            app(ROTATED, token(&self.rotated)),
            app(BY_CERTIFICATE, certificate),
            AppConfig { fcm: Some(fcm), ..AppConfig::new(AppId::parse(DROID).unwrap()) },
        ];
        apps.extend(self.more_apps.iter().map(|name| app(name, token(&self.kept))));
        let mut config = Config::on_loopback(apps, trust.clone());
        config.apns_trust = trust.clone();
        config.fcm.trust = trust;
        config.apns_production = simulator.origin(Environment::Production).parse().unwrap();
        config.apns_sandbox = simulator.origin(Environment::Sandbox).parse().unwrap();
        config.fcm.origin = simulator.fcm().origin().parse().unwrap();
        config.callers.push(anonymous(self.weight));
        (self.change)(&mut config);
        config
    }
}

/// Whoever shows nothing may do everything.
fn anonymous(weight: u8) -> CallerSettings {
    CallerSettings {
        name: "anonymous".to_owned(),
        permissions: Permissions { weight, ..Permissions::everything() },
        keys: Vec::new(),
        certificate: None,
        token: None,
        anonymous: true,
    }
}

fn new_key(simulator: &Simulator) -> ProviderKey {
    let spec = ProviderKeySpec {
        team_id: simulator.provider_key().team_id.clone(),
        environment: None,
        scope: KeyScope::Team,
    };
    simulator.add_provider_key(spec).unwrap()
}

async fn world(config: impl FnOnce(&Simulator) -> Config) -> World {
    let builder = Simulator::builder().bundle_ids([TOPIC]).fcm(FcmSettings::default());
    let simulator = builder.journal_capacity(1 << 20).keep_headers(1 << 20).start().await.unwrap();
    let gateway = Gateway::start(config(&simulator), Network::default()).await.unwrap();
    let client = connect(&gateway).await;
    World { simulator, gateway, client }
}

/// Changes the file in one way after the other. Returns the keys that each reload says to have changed.
async fn reload_everything(world: &World, file: &mut File, load: &Load) -> Vec<Vec<&'static str>> {
    let simulator = &world.simulator;
    let steps: [fn(&mut File, &Simulator); 10] = [
        |_, _| {},
        |file, simulator| file.rotated = new_key(simulator),
        |file, simulator| file.certificate = simulator.client_certificate(&[TOPIC]).unwrap(),
        |file, simulator| file.account = simulator.fcm().add_service_account(&[PROJECT]).unwrap(),
        |file, _| file.more_apps = vec!["new"],
        |file, _| file.more_apps.clear(),
        |file, _| {
            let other = rcgen::generate_simple_self_signed(["other.test".to_owned()]).unwrap();
            file.roots.push_str(&other.cert.pem());
        },
        |file, _| file.weight = 2,
        |file, _| {
            file.change = |config| {
                (config.max_in_flight, config.dispatch.max_attempts) = (1000, 2);
                config.upstream.max_streams = 10;
            }
        },
        |file, _| file.change = |config| config.fcm.pushes_per_minute = 60_000,
    ];
    let mut changed = Vec::new();
    for step in steps {
        step(file, simulator);
        load.more().await;
        let reloaded = world.gateway.reload(file.read(simulator)).unwrap();
        assert!(reloaded.needs_restart.is_empty(), "{reloaded:?}");
        changed.push(reloaded.changed);
        load.more().await;
    }
    changed
}

#[tokio::test]
async fn everything_changes_under_load_and_each_push_is_accepted_once() {
    let mut file = None;
    let world = world(|simulator| file.insert(File::new(simulator)).read(simulator)).await;
    let mut file = file.unwrap();
    let load = Load::default();
    let reloads = async {
        let changed = reload_everything(&world, &mut file, &load).await;
        load.stop.store(true, Ordering::Relaxed);
        changed
    };
    let rows = futures_util::future::join_all((0..APPS.len()).map(|of| load.push(&world, of)));
    let (changed, _, of_batch) = tokio::join!(reloads, rows, load.batch(&world));
    assert_eq!(changed[..6], [vec![], vec!["apps"], vec!["apps"], vec!["apps"], vec!["apps"], vec!["apps"]]);
    // An app shows its certificate to whom the roots verify, so the app has changed too.
    let roots = ["upstream.ca_files", "apns.ca_files", "fcm.ca_files", "web_push.ca_files", "apps"];
    assert_eq!(changed[6], roots);
    assert_eq!(changed[7], ["callers"]);
    assert_eq!(changed[8], ["upstream.max_streams", "limits.max_in_flight", "limits.max_attempts"]);

    // By the simulator's books each push came once, and none that its caller knows nothing of.
    let journal = world.simulator.journal();
    assert!(journal.duplicates().is_empty(), "{:?}", journal.duplicates());
    let settled: usize = load.settled.iter().map(|it| it.load(Ordering::Relaxed)).sum();
    let arrived = journal.select(|entry| entry.device_token().is_some());
    assert_eq!(arrived.len(), settled + of_batch);
    // The key that stayed has one token, and so has each account.
    let tokens: BTreeSet<_> = arrived.iter().filter_map(|entry| entry.header("authorization")).collect();
    assert_eq!(tokens.len(), 1 + 2 + 2, "the kept key, two that were rotated, and two accounts");
    assert_eq!(world.simulator.counters().access_tokens_issued, 2);
    // Peers that no app names any more are gone, with their connections.
    until(|| world.simulator.open_connections().len() <= 8).await;
    assert_eq!(peers(&world), PEERS);
    world.gateway.shut_down().await;
}

#[tokio::test]
async fn an_app_is_known_as_long_as_the_configuration_names_it() {
    let mut file = None;
    let world = world(|simulator| file.insert(File::new(simulator)).read(simulator)).await;
    let mut file = file.unwrap();
    let sent = async |number| {
        let result = world.send(push_of("new", number)).await;
        (result.outcome(), result.reason())
    };
    let unknown = (Outcome::InvalidPush, Reason::AppUnknown);
    assert_eq!(sent(1).await, unknown);
    file.more_apps.push("new");
    world.gateway.reload(file.read(&world.simulator)).unwrap();
    assert_eq!(sent(2).await.0, Outcome::Accepted);
    let has_metrics = |app: &str| world.gateway.metrics().page().contains(&format!("app=\"{app}\""));
    assert!(has_metrics("new") && has_metrics(KEPT));
    file.more_apps.clear();
    world.gateway.reload(file.read(&world.simulator)).unwrap();
    assert!(!has_metrics("new") && has_metrics(KEPT), "metrics of an app that is gone go");
    assert_eq!(sent(3).await, unknown);
    world.gateway.shut_down().await;
}

#[tokio::test]
async fn roots_that_do_not_verify_the_push_service_stop_pushes_until_they_do() {
    let mut file = None;
    let world = world(|simulator| file.insert(File::new(simulator)).read(simulator)).await;
    let mut file = file.unwrap();
    file.change = |config| config.upstream.connect_patience = 1;
    let sent = async |number| world.send(push_of(KEPT, number)).await.outcome();
    assert_eq!(sent(1).await, Outcome::Accepted);
    let right = std::mem::replace(
        &mut file.roots,
        rcgen::generate_simple_self_signed(["other.test".to_owned()]).unwrap().cert.pem(),
    );
    world.gateway.reload(file.read(&world.simulator)).unwrap();
    assert_eq!(sent(2).await, Outcome::UpstreamUnavailable, "no connection of other roots is used");
    file.roots = right;
    world.gateway.reload(file.read(&world.simulator)).unwrap();
    assert_eq!(sent(3).await, Outcome::Accepted);
    world.gateway.shut_down().await;
}

#[tokio::test]
async fn a_configuration_that_cannot_be_used_changes_nothing() {
    let mut file = None;
    let world = world(|simulator| {
        let mut config = file.insert(File::new(simulator)).read(simulator);
        config.upstream.max_peers = 8;
        config
    })
    .await;
    let mut file = file.unwrap();
    assert_eq!(world.send(push_of(KEPT, 1)).await.outcome(), Outcome::Accepted);
    let opened = world.simulator.counters().connections_opened;

    // Each app with a proxy of its own has peers of its own, and so many are too many.
    file.more_apps = vec!["one", "two"];
    file.change = |config| {
        config.max_in_flight = 1;
        config.upstream.max_streams = 7;
        for (app, port) in config.apps.iter_mut().zip(1..) {
            let proxy =
                fanfare_upstream::Proxy::new(format!("http://localhost:{port}").parse().unwrap(), None);
            app.proxy = Some(fanfare_upstream::Proxies::new(proxy, &[]));
        }
    };
    let error = world.gateway.reload(file.read(&world.simulator)).unwrap_err();
    assert!(error.to_string().contains("upstream.max_peers"), "{error}");
    for number in 2..10 {
        assert_eq!(world.send(push_of(KEPT, number)).await.outcome(), Outcome::Accepted);
    }
    assert_eq!(world.send(push_of("one", 10)).await.reason(), Reason::AppUnknown);
    assert_eq!(peers(&world), PEERS);
    assert_eq!(world.simulator.counters().connections_opened, opened, "the connection is the one of before");
    world.gateway.shut_down().await;
}

#[tokio::test]
async fn what_needs_a_restart_is_named() {
    let world = world(|simulator| File::new(simulator).read(simulator)).await;
    let mut config = File::new(&world.simulator).read(&world.simulator);
    config.grpc.listener.listen.set_port(1);
    config.upstream.max_peers = 9;
    config.drain_timeout *= 2;
    let reloaded = world.gateway.reload(config).unwrap();
    assert_eq!(reloaded.needs_restart, ["grpc.listen", "upstream.max_peers"]);
    assert_eq!(reloaded.changed, ["limits.drain_timeout", "apps"]);
    world.gateway.shut_down().await;
}
