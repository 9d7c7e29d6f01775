//! Upstreams behind a CONNECT proxy.

use std::sync::atomic::Ordering;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fanfare::config::Config;
use fanfare::proto::{self, Delivery, Outcome, Reason};
use fanfare_simulator::{Environment, Simulator};
use fanfare_upstream::Http;

use crate::harness::{APP, SOON, World, good, metric_sum, push, until};
use crate::mattermost::{app, good_push, world_with};
use crate::stub::Front;
use crate::tunnel::{Mode, Tunnel};

const CREDENTIALS: &str = "gateway:open-sesame";

/// APNs behind a proxy. A push whose connect failed once is told so at once.
async fn apns_behind(tunnel: &Tunnel, credentials: Option<&str>, change: impl FnOnce(&mut Config)) -> World {
    World::with(
        |builder| builder,
        |config| {
            config.proxy = Some(tunnel.proxies(credentials, &[]));
            config.upstream.connect_patience = 1;
            config.upstream.backoff_min = Duration::from_millis(10);
            config.upstream.backoff_max = Duration::from_millis(10);
            change(config);
        },
    )
    .await
}

fn accepted(results: &[proto::PushResult]) -> usize {
    results.iter().filter(|it| it.outcome() == Outcome::Accepted).count()
}

fn contains(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|it| it == needle)
}

#[tokio::test]
async fn apns_is_reached_through_a_tunnel_that_sees_a_name_and_ciphertext() {
    for credentials in [None, Some(CREDENTIALS)] {
        let tunnel = Tunnel::start(Mode::Tunnel).await;
        let world = apns_behind(&tunnel, credentials, |_| {}).await;
        let results = world.send_all((0..300).map(good)).await;
        assert_eq!(accepted(&results), 300);
        assert!(world.simulator.journal().duplicates().is_empty());

        let port = world.simulator.address(Environment::Production).port();
        let mut wanted = format!("CONNECT localhost:{port} HTTP/1.1\r\nhost: localhost:{port}\r\n");
        if credentials.is_some() {
            wanted += &format!("proxy-authorization: Basic {}\r\n", STANDARD.encode(CREDENTIALS));
        }
        let heads = tunnel.heads();
        assert_eq!(heads.len() as u64, world.simulator.counters().connections_opened);
        assert!(heads.iter().all(|head| *head == format!("{wanted}\r\n")), "{heads:?}");

        let passed = tunnel.sight.passed.lock().unwrap();
        // This is the head of a TLS record that holds a handshake. Source: RFC 8446, section 5.1.
        assert_eq!(passed[..2], [22, 3]);
        for secret in ["bearer", "PRI * HTTP/2", "/3/device", "Hello"] {
            assert!(!contains(&passed, secret.as_bytes()), "{secret}");
        }
    }
}

#[tokio::test]
async fn a_push_proxy_is_reached_through_a_tunnel_with_and_without_tls() {
    for tls in [false, true] {
        let tunnel = Tunnel::start(Mode::Tunnel).await;
        let world = world_with(tls, |it| it, |config| config.proxy = Some(tunnel.proxies(None, &[]))).await;
        for number in 0..20 {
            assert_eq!(world.send(good_push(number)).await.outcome(), Outcome::Accepted);
        }
        assert_eq!((tunnel.heads().len(), world.simulator.counters().connections_opened), (1, 1));
        let passed = tunnel.sight.passed.lock().unwrap();
        assert_eq!(contains(&passed, b"POST /api/v1/send_push"), !tls);
    }
}

#[tokio::test]
async fn a_refusal_is_said_to_be_that_of_the_proxy_and_its_end_is_noticed() {
    for (mode, says) in [
        (Mode::Refuse(407), "status 407 (it wants other credentials: proxy.credentials_file)"),
        (Mode::Refuse(403), "status 403"),
        // The answer to CONNECT is never that of the push service, because nothing was sent.
        (Mode::Refuse(502), "status 502"),
        (Mode::Refuse(504), "status 504"),
        (Mode::HangUp, "could not be asked"),
        (Mode::Garbage, "could not be asked"),
    ] {
        let tunnel = Tunnel::start(mode.clone()).await;
        let world = apns_behind(&tunnel, Some(CREDENTIALS), |_| {}).await;
        let result = world.send(push(&good(1))).await;
        assert_eq!((result.delivery(), result.attempts), (Delivery::No, 0), "{mode:?} {result:?}");
        assert_eq!(result.outcome(), Outcome::UpstreamUnavailable, "{mode:?} {result:?}");
        assert_eq!(result.reason(), Reason::UpstreamUnreachable, "{mode:?} {result:?}");
        let proxy = format!("the proxy http://{}", tunnel.address);
        assert!(result.detail.contains(says) && result.detail.contains(&proxy), "{mode:?} {result:?}");
        let page = world.gateway.metrics().page();
        for secret in ["sesame", &STANDARD.encode(CREDENTIALS)] {
            assert!(!result.detail.contains(secret) && !page.contains(secret), "{mode:?} {result:?}");
        }
        let failed = || metric_sum(&world, "fanfare_upstream_connect_failures_total{", "cause=\"proxy\"");
        assert!(failed() >= 1.0);
        assert_eq!(world.simulator.counters().connections_opened, 0);
        until(|| tunnel.sight.open.load(Ordering::SeqCst) == 0).await;

        tunnel.set(Mode::Tunnel);
        assert_eq!(world.send(push(&good(2))).await.outcome(), Outcome::Accepted, "{mode:?}");
    }
}

#[tokio::test]
async fn a_proxy_that_stalls_or_drops_what_it_opened_costs_a_connect_and_leaves_no_socket() {
    for mode in [Mode::Stall, Mode::StallTunnel, Mode::Drop] {
        let tunnel = Tunnel::start(mode.clone()).await;
        let brief = |config: &mut Config| config.upstream.connect_timeout = Duration::from_secs(1);
        let world = apns_behind(&tunnel, None, brief).await;
        let results = world.send_all((0..20).map(good)).await;
        for result in results {
            assert_eq!((result.delivery(), result.attempts), (Delivery::No, 0), "{mode:?} {result:?}");
            assert_eq!(result.reason(), Reason::UpstreamUnreachable, "{mode:?} {result:?}");
        }
        until(|| tunnel.sight.open.load(Ordering::SeqCst) == 0).await;
        assert_eq!(world.simulator.counters().requests_arrived, 0);
        tunnel.set(Mode::Tunnel);
        assert_eq!(world.send(push(&good(20))).await.outcome(), Outcome::Accepted, "{mode:?}");
    }
}

/// Checks what callers were told against what the simulator saw.
fn assert_true(simulator: &Simulator, pushes: usize, results: &[proto::PushResult]) {
    assert_eq!(results.len(), pushes);
    assert!(simulator.journal().duplicates().is_empty());
    for (number, result) in results.iter().enumerate() {
        let read =
            simulator.journal().by_device_token(&good(number)).iter().filter(|it| it.read.is_some()).count();
        match result.delivery() {
            Delivery::Accepted => assert_eq!(read, 1, "{result:?}"),
            Delivery::Maybe => assert_eq!((result.outcome(), result.attempts), (Outcome::Unconfirmed, 1)),
            Delivery::No | Delivery::Unspecified => assert_eq!(read, 0, "{result:?}"),
        }
    }
}

/// Forty callers send ten pushes each, while the proxy ends all tunnels three times.
async fn dies_in_mid_flight(world: &World, tunnel: &Tunnel, push: impl Fn(usize) -> proto::Push) {
    const CALLERS: usize = 40;
    const EACH: usize = 10;
    world.simulator.set_answer_latency(Duration::from_millis(20));
    let caller = async |caller: usize| {
        let mut results = Vec::new();
        for number in 0..EACH {
            results.push(world.send(push(EACH * caller + number)).await);
        }
        results
    };
    let dying = async {
        for arrived in [100, 200, 300] {
            world.simulator.journal().wait_for_arrived(arrived, SOON).await.unwrap();
            tunnel.cut();
        }
    };
    let (results, ()) = tokio::join!(futures_util::future::join_all((0..CALLERS).map(caller)), dying);
    let results = results.concat();
    assert_true(&world.simulator, CALLERS * EACH, &results);
    let doubtful = results.iter().filter(|it| it.outcome() == Outcome::Unconfirmed).count();
    assert!((1..=3 * CALLERS).contains(&doubtful), "{doubtful}");
    assert_eq!(accepted(&results) + doubtful, CALLERS * EACH);
    for gauge in ["fanfare_upstream_streams_used{", "fanfare_upstream_waiting{", "fanfare_upstream_orphans{"]
    {
        until(|| metric_sum(world, gauge, "") == 0.0).await;
    }
}

#[tokio::test]
async fn a_proxy_that_dies_in_mid_flight_leaves_in_doubt_what_was_under_way_alone() {
    let tunnel = Tunnel::start(Mode::Tunnel).await;
    let world = apns_behind(&tunnel, None, |config| config.upstream.connect_patience = 10).await;
    dies_in_mid_flight(&world, &tunnel, |number| push(&good(number))).await;

    for tls in [false, true] {
        let tunnel = Tunnel::start(Mode::Tunnel).await;
        let world = world_with(tls, |it| it, |config| config.proxy = Some(tunnel.proxies(None, &[]))).await;
        dies_in_mid_flight(&world, &tunnel, good_push).await;
    }
}

#[tokio::test]
async fn hosts_in_no_proxy_and_apps_with_a_proxy_of_their_own_go_their_own_way() {
    let (all, own) = (Tunnel::start(Mode::Tunnel).await, Tunnel::start(Mode::Tunnel).await);
    let simulator = Simulator::builder().start().await.unwrap();
    let (by_address, by_name) = (simulator.mattermost().origin(), simulator.mattermost().tls_origin());
    let ca = [simulator.ca_pem()];
    let mut apps = vec![
        app("through", &by_address, Http::Either, &ca),
        app("excepted", &by_name, Http::Either, &ca),
        app("own", &by_address, Http::Either, &ca),
        app("own-excepted", &by_name, Http::Either, &ca),
    ];
    apps[2].proxy = Some(own.proxies(None, &["localhost"]));
    apps[3].proxy = Some(own.proxies(None, &["localhost"]));
    let front = Front::start(apps, |config| config.proxy = Some(all.proxies(None, &["localhost"]))).await;
    for (name, through_all, through_own) in
        [("through", 1, 0), ("excepted", 1, 0), ("own", 1, 1), ("own-excepted", 1, 1)]
    {
        let result = front.send(proto::Push { app: name.to_owned(), ..good_push(1) }).await;
        assert_eq!(result.outcome(), Outcome::Accepted, "{name} {result:?}");
        assert_eq!((all.heads().len(), own.heads().len()), (through_all, through_own), "{name}");
    }
}

#[tokio::test]
async fn apps_with_other_credentials_at_the_same_proxy_use_their_own() {
    let tunnel = Tunnel::start(Mode::Tunnel).await;
    let simulator = Simulator::builder().start().await.unwrap();
    let origin = simulator.mattermost().origin();
    let mut apps = vec![app(APP, &origin, Http::Either, &[]), app("other", &origin, Http::Either, &[])];
    apps[0].proxy = Some(tunnel.proxies(Some("one:1"), &[]));
    apps[1].proxy = Some(tunnel.proxies(Some("two:2"), &[]));
    let front = Front::start(apps, |_| {}).await;
    for (name, credentials) in [(APP, "one:1"), ("other", "two:2")] {
        let result = front.send(proto::Push { app: name.to_owned(), ..good_push(1) }).await;
        assert_eq!(result.outcome(), Outcome::Accepted, "{name} {result:?}");
        let head = tunnel.heads().pop().unwrap();
        assert!(head.contains(&format!("Basic {}", STANDARD.encode(credentials))), "{name} {head}");
    }
}

#[tokio::test]
async fn a_shutdown_ends_tunnels_too() {
    let tunnel = Tunnel::start(Mode::Tunnel).await;
    let World { simulator: _running, gateway, client } = {
        let world = apns_behind(&tunnel, None, |_| {}).await;
        assert_eq!(accepted(&world.send_all((0..20).map(good)).await), 20);
        world
    };
    assert!(tunnel.sight.open.load(Ordering::SeqCst) > 0);
    drop(client);
    gateway.shut_down().await;
    until(|| tunnel.sight.open.load(Ordering::SeqCst) == 0).await;
}
