use std::time::Duration;

use fanfare_simulator::{Environment, FcmSettings, ServiceAccount, Simulator};
use tokio::time::Instant;

use super::*;
use crate::app::Network;
use crate::config::Trust;
use crate::credential::apns::ProviderToken;
use crate::credential::vapid::{ApplicationServer, Vapid};
use crate::dispatch::Routes;
use crate::provider::apns::{Apns, ApnsSettings};
use crate::provider::fcm::{Fcm, FcmSettings as FcmProject};
use crate::provider::mattermost::{Mattermost, MattermostSettings};
use crate::provider::webpush::{WebPush, WebPushSettings};
use crate::push::{ApnsEnvironment, AppId};

/// No test waits longer for what must happen.
const SOON: Duration = Duration::from_secs(20);

const APPS: [&str; 2] = ["shop", "news"];

/// Two environments of APNs, FCM with the token endpoint at its origin, and a push proxy.
const PEERS: usize = 4;

/// Two apps that name the same keys and upstreams, parsed anew each time as a file would be.
fn config(simulator: &Simulator, account: &ServiceAccount) -> Config {
    config_of(&APPS, simulator, account)
}

/// The same of apps of these names.
fn config_of(apps: &[&str], simulator: &Simulator, account: &ServiceAccount) -> Config {
    let (key, vapid) = (simulator.provider_key(), include_str!("../../../tests/data/vapid/pkcs8.pem"));
    let app = |name: &&str| {
        let topics = vec!["com.example.app".to_owned()];
        let (environment, certificate, unknown_push_types) = (ApnsEnvironment::Production, false, false);
        let apns = ApnsConfig {
            provider: Apns::try_new(ApnsSettings { environment, topics, certificate, unknown_push_types })
                .unwrap(),
            credential: ApnsCredential::token(&key.private_key_pem.clone().into(), &key.key_id, &key.team_id)
                .unwrap(),
        };
        let fcm = FcmConfig {
            provider: Fcm::try_new(&FcmProject { project_id: "demo-project".into() }).unwrap(),
            credential: Arc::new(Source::from_json(&account.key_json().into()).unwrap()),
            certificate: None,
            // One of the two names the quota of the project that both send for.
            pushes_per_minute: (*name == "news").then_some(1_200_000),
        };
        let mattermost = MattermostConfig {
            provider: Mattermost::try_new(MattermostSettings { server_id: "server".into() }).unwrap(),
            origin: simulator.mattermost().origin().parse().unwrap(),
            http: Http::Either,
            trust: None,
        };
        let server = ApplicationServer::parse(&vapid.to_owned().into(), "mailto:push@example.com").unwrap();
        let web_push = WebPushConfig {
            provider: WebPush::try_new(WebPushSettings::default()).unwrap(),
            application_server: Arc::new(server),
            private_addresses: false,
            http: Http::Either,
        };
        AppConfig {
            apns: Some(apns),
            fcm: Some(fcm),
            mattermost: Some(mattermost),
            web_push: Some(web_push),
            ..AppConfig::new(AppId::parse(name).unwrap())
        }
    };
    let trust = Trust::of_system_and(simulator.ca_pem()).unwrap();
    let mut config = Config::on_loopback(apps.iter().map(app).collect(), trust);
    config.apns_production = simulator.origin(Environment::Production).parse().unwrap();
    config.apns_sandbox = simulator.origin(Environment::Sandbox).parse().unwrap();
    config.fcm.origin = simulator.fcm().origin().parse().unwrap();
    config.upstream.max_peers = PEERS;
    config
}

/// What one app shows APNs, FCM and the push services of browsers.
type Shown = (CredentialHandle<ProviderToken>, CredentialHandle<GoogleToken>, CredentialHandle<Vapid>);

/// What every app shows.
fn credentials(routes: &Routes) -> Vec<Shown> {
    let of_app = |name: &&str| {
        let AppRoutes { apns, fcm, web_push, .. } = routes.app(&AppId::parse(name).unwrap()).unwrap();
        fn credential<P: Provider>(route: Option<&Arc<Route<P>>>) -> Credential {
            route.unwrap().credential.clone()
        }
        match (credential(apns.as_ref()), credential(fcm.as_ref()), credential(web_push.as_ref())) {
            (Credential::ProviderToken(apns), Credential::AccessToken(fcm), Credential::Vapid(vapid)) => {
                (apns, fcm, vapid)
            }
            other => panic!("{other:?}"),
        }
    };
    APPS.iter().map(of_app).collect()
}

#[tokio::test]
async fn a_configuration_that_is_read_again_keeps_peers_and_credentials() {
    let simulator = Simulator::builder().fcm(FcmSettings::default()).start().await.unwrap();
    let account = simulator.fcm().add_service_account(&["demo-project"]).unwrap();
    let first = config(&simulator, &account);
    let lasting = &Lasting::new(&first, Network::default());
    let Lasting { upstream, admission, .. } = lasting;
    let (routes, _) = build(&first, lasting, &NamedFeeds::default()).unwrap().used();
    let known = credentials(&routes);
    known[0].1.ready(Instant::now() + SOON, None).await.unwrap();
    let opened = simulator.counters().connections_opened;

    // The pool has room for no other peer, and the routes of the first configuration hold all of them.
    let second = config(&simulator, &account);
    let (routes_again, _) = build(&second, lasting, &NamedFeeds::default()).unwrap().used();
    let again = credentials(&routes_again);
    for (apns, fcm, vapid) in known.iter().chain(&again) {
        assert!(std::ptr::eq::<ProviderToken>(&**apns, &*known[0].0));
        assert!(std::ptr::eq::<GoogleToken>(&**fcm, &*known[0].1));
        assert!(std::ptr::eq::<Vapid>(&**vapid, &*known[0].2));
    }
    for app in APPS.map(|name| AppId::parse(name).unwrap()) {
        let party = |routes: &Routes| routes.app(&app).unwrap().mattermost.as_ref().unwrap().party();
        assert_eq!(party(&routes), party(&routes_again), "an app is the same one to those it shares with");
        assert_eq!(routes.app(&app).unwrap().fcm.as_ref().unwrap().party(), party(&routes));
        let guard =
            |routes: &Routes| std::ptr::from_ref(routes.app(&app).unwrap().apns.as_ref().unwrap().guard());
        assert_eq!(guard(&routes), guard(&routes_again), "what is known of its targets stays known");
    }
    let shared = [&routes, &routes_again].map(|routes| {
        APPS.map(|name| routes.app(&AppId::parse(name).unwrap()).unwrap().fcm.as_ref().unwrap().shared())
    });
    for (pacer, breaker) in shared.as_flattened() {
        let (of_first, its_breaker) = shared[0][0];
        assert!(std::ptr::eq(pacer.unwrap(), of_first.unwrap()), "a project has one pacer");
        assert!(std::ptr::eq(breaker.unwrap(), its_breaker.unwrap()), "a project has one breaker");
    }
    assert_ne!(
        admission.app(&AppId::parse("shop").unwrap()).party(1),
        admission.app(&AppId::parse("news").unwrap()).party(1)
    );
    drop((routes, known, first));
    again[0].1.ready(Instant::now() + SOON, None).await.unwrap();
    assert_eq!(again[0].1.stamp().unwrap().generation(), 1);
    let counters = simulator.counters();
    assert_eq!((counters.connections_opened, counters.access_tokens_issued), (opened, 1));

    // Another peer would not have fitted.
    let mut third = config(&simulator, &account);
    third.apns_sandbox = "https://localhost:1".parse().unwrap();
    assert!(build(&third, lasting, &NamedFeeds::default()).is_err());
    // It fits where all are named anew, since it takes the place of the former, which is in use until then.
    upstream.name_anew(&third.upstream);
    let (renamed, _) = build(&third, lasting, &NamedFeeds::default()).unwrap().used();
    upstream.keep_named(|_| false);
    drop(routes_again);
    assert!(build(&second, lasting, &NamedFeeds::default()).is_err(), "the place is another's now");
    drop(renamed);
    tokio::time::timeout(SOON, lasting.credentials.shut_down()).await.unwrap();
}

/// The number of series of each kind as docs/metrics.md says it: the second cell of the rows that begin like this.
fn documented_series(row: &str) -> usize {
    let reference = include_str!("../../../docs/metrics.md");
    let cells = reference.lines().find_map(|line| line.strip_prefix(&format!("| **{row}** | "))).unwrap();
    cells.trim_end_matches([' ', '|']).parse().unwrap()
}

#[tokio::test]
async fn fifty_apps_have_as_many_series_as_the_reference_says_whatever_is_answered() {
    let simulator = Simulator::builder().fcm(FcmSettings::default()).start().await.unwrap();
    let account = simulator.fcm().add_service_account(&["demo-project"]).unwrap();
    let names: Vec<String> = (0..50).map(|number| format!("app-{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let config = config_of(&names, &simulator, &account);
    let lasting = &Lasting::new(&config, Network::default());
    let series = || {
        let page = lasting.metrics.page();
        page.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>()
    };
    let before = series().len();
    let (routes, _) = build(&config, lasting, &NamedFeeds::default()).unwrap().used();
    let all = series();
    let providers = ["apns", "fcm", "web_push", "mattermost"];
    let documented = providers.map(|provider| documented_series(&format!("app on {provider}")));
    for app in &names {
        let of = |provider| format!("app=\"{app}\",provider=\"{provider}\"");
        let series = providers.map(|provider| all.iter().filter(|line| line.contains(&of(provider))).count());
        assert_eq!(series, documented, "of {providers:?}");
    }
    let of_apps = documented.iter().sum::<usize>() * names.len();
    assert_eq!(all.iter().filter(|line| line.contains("app=")).count(), of_apps, "an app has other series");
    // Peers, keys, the project and the gateway itself: none of them is one for each app here.
    assert!(before < 200 && all.len() - of_apps < 400, "{before} {}", all.len() - of_apps);
    for app in &names {
        let route = routes.app(&AppId::parse(app).unwrap()).unwrap().fcm.as_ref().unwrap();
        (0..1000).for_each(|number| route.metrics().answered(number, &format!("REASON_{number}")));
    }
    assert_eq!(series().len(), all.len(), "an answer made a series");
}
