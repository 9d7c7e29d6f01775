//! Networks that forget connections which rest, as those of cloud providers do. After a rest no push is in doubt.

mod middlebox;

use std::future::Future;
use std::time::{Duration, Instant};

use fanfare::app::{Gateway, Network};
use fanfare::config::{Config, Trust};
use fanfare::proto::{self, Outcome};
use fanfare_simulator::{Environment, Simulator};
use fanfare_upstream::Http;
use futures_util::future::join_all;

pub(crate) use middlebox::{Forgets, Middlebox};

use crate::harness::{APP, TOPIC, World, config, connect, figure, good, is_full, push, within};
use crate::mattermost::{app, good_push};
use crate::stub::{Either, Front};

pub(crate) const WAYS: [Forgets; 3] = [Forgets::Nothing, Forgets::Silently, Forgets::WithReset];

/// How many pushes are sent at once after a rest.
const BURST: usize = 20;

/// A push may wait for so long, which is less than a connection that owes answers may be silent.
const WAIT: Duration = Duration::from_secs(5);

/// Half of what the network allows.
pub(crate) fn probe_early(config: &mut Config) {
    config.upstream.probe_after = middlebox::forgets_after() / 2;
}

/// Sends a push, and a burst after each of two rests. All are accepted at the first attempt, and no PING is sent while
/// nobody asks.
pub(crate) async fn bursts_after_rests(
    service: &str,
    world: &World,
    way: &Middlebox,
    push: impl Fn(usize) -> proto::Push,
) {
    accepted(&world.send(push(0)).await);
    for rest in 1..=2 {
        let pings = world.simulator.counters().pings_received;
        way.rest().await;
        assert_eq!(world.simulator.counters().pings_received, pings, "{service}: nobody asks in a rest");
        let pushes = (0..BURST).map(|number| world.send(within(push(rest * BURST + number), WAIT)));
        burst(service, way, pushes).await;
        let pinged = world.simulator.counters().pings_received - pings;
        let connections = world.simulator.counters().connections_opened;
        match way.forgets {
            // A connection that cannot be asked was closed.
            Forgets::Nothing => {
                assert!(pinged == 1 || connections > 1, "{service}: one PING before the burst")
            }
            Forgets::Silently | Forgets::WithReset => assert_eq!(pinged, 0, "{service}: the way is gone"),
        }
    }
    let twice = world.simulator.journal().duplicates();
    assert!(twice.is_empty(), "{service}: {twice:?}");
}

/// Sends pushes at once. All are accepted at the first attempt.
async fn burst(
    service: &str,
    way: &Middlebox,
    pushes: impl Iterator<Item = impl Future<Output = proto::PushResult>>,
) {
    let began = Instant::now();
    join_all(pushes).await.iter().for_each(accepted);
    let (took, forgets) = (began.elapsed(), way.forgets);
    figure(&format!("{service}, network forgets {forgets:?}: {BURST} of {BURST} ACCEPTED in {took:.3?}"));
}

fn accepted(result: &proto::PushResult) {
    assert_eq!((result.outcome(), result.attempts), (Outcome::Accepted, 1), "{result:?}");
}

/// A gateway whose way to the simulator leads through the middlebox.
async fn world(simulator: Simulator, mut config: Config) -> World {
    probe_early(&mut config);
    let gateway = Gateway::start(config, Network::default()).await.unwrap();
    let client = connect(&gateway).await;
    World { simulator, gateway, client }
}

#[tokio::test]
async fn apns_after_a_rest() {
    join_all(WAYS.map(|forgets| async move {
        let simulator = Simulator::builder().bundle_ids([TOPIC]).start().await.unwrap();
        let way = Middlebox::before(simulator.address(Environment::Production), forgets).await;
        let mut config = config(&simulator);
        config.apns_production = format!("https://localhost:{}", way.address.port()).parse().unwrap();
        let world = world(simulator, config).await;
        bursts_after_rests("APNs", &world, &way, |number| push(&good(number))).await;
        if forgets == Forgets::Nothing {
            assert_eq!(world.simulator.counters().connections_opened, 1, "it was asked, and used again");
        }
    }))
    .await;
}

/// A connection over HTTP/1.1 cannot be asked whether it lives, so that another takes its place.
#[tokio::test]
async fn a_push_proxy_after_a_rest() {
    join_all(WAYS.map(|forgets| async move {
        let unbounded = fanfare_simulator::MattermostSettings {
            throttle_per_second: u64::MAX,
            ..fanfare_simulator::MattermostSettings::default()
        };
        let simulator = Simulator::builder().mattermost(unbounded).start().await.unwrap();
        let way = Middlebox::before(simulator.mattermost().address(), forgets).await;
        let apps = vec![app(APP, &format!("http://{}", way.address), Http::Either, &[])];
        let world = world(simulator, Config::on_loopback(apps, Trust::of_system().unwrap())).await;
        bursts_after_rests("Mattermost over HTTP/1.1", &world, &way, good_push).await;
    }))
    .await;
}

#[tokio::test]
async fn a_push_proxy_behind_http2_after_a_rest() {
    join_all(WAYS.map(|forgets| async move {
        let server = Either::start(Some(&["h2"])).await;
        let port = server.origin.rsplit(':').next().unwrap().parse().unwrap();
        let way = Middlebox::before(([127, 0, 0, 1], port).into(), forgets).await;
        let origin = format!("https://localhost:{}", way.address.port());
        let front = Front::start(vec![app(APP, &origin, Http::Either, &[&server.pem])], probe_early).await;
        accepted(&front.send(good_push(0)).await);
        for rest in 1..=2 {
            way.rest().await;
            let pushes = (0..BURST).map(|number| front.send(within(good_push(rest * BURST + number), WAIT)));
            burst("Mattermost over HTTP/2", &way, pushes).await;
        }
        assert_eq!(server.versions.lock().unwrap().len(), 1 + 2 * BURST, "each came once");
    }))
    .await;
}

/// What a network costs that forgets sooner than connections are probed.
#[tokio::test]
async fn a_network_that_forgets_before_a_probe_leaves_pushes_in_doubt_and_none_is_sent_twice() {
    join_all(WAYS.map(|forgets| async move {
        let simulator = Simulator::builder().bundle_ids([TOPIC]).start().await.unwrap();
        let way = Middlebox::before(simulator.address(Environment::Production), forgets).await;
        let mut config = config(&simulator);
        config.apns_production = format!("https://localhost:{}", way.address.port()).parse().unwrap();
        if !is_full() {
            config.upstream.ping_after = Duration::from_secs(1);
            config.upstream.ping_timeout = Duration::from_secs(1);
        }
        let gateway = Gateway::start(config, Network::default()).await.unwrap();
        let client = connect(&gateway).await;
        let world = World { simulator, gateway, client };
        accepted(&world.send(push(&good(0))).await);
        way.rest().await;
        let began = Instant::now();
        let told = world.send_all((1..=BURST).map(good)).await;
        let in_doubt = told.iter().filter(|result| result.outcome() == Outcome::Unconfirmed).count();
        let took = began.elapsed();
        figure(&format!(
            "APNs, network forgets {forgets:?} before probe_after: {in_doubt} of {BURST} UNCONFIRMED, in {took:.1?}"
        ));
        match forgets {
            Forgets::Nothing => told.iter().for_each(accepted),
            Forgets::Silently | Forgets::WithReset => assert!(in_doubt > 0, "{told:?}"),
        }
        assert!(world.simulator.journal().duplicates().is_empty());
    }))
    .await;
}
