//! How connections open, replace each other and end, and what becomes of requests whose callers left.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fanfare::app::{Gateway, Network};
use fanfare::proto::{self, Outcome};
use fanfare_simulator::{AfterGoAway, Environment, Fault, FaultRule, GoAway, LastId, Simulator, Trigger};
use fanfare_upstream::{BoxFuture, Resolve, TcpDialer};
use tokio::net::TcpListener;

use crate::harness::{SOON, TOPIC, World, config, connect, good, metric, metric_sum, push, until, within};

fn closed(world: &World, cause: &str) -> f64 {
    let cause = format!("cause=\"{cause}\"");
    metric_sum(world, "fanfare_upstream_connections_closed_total{", &cause)
}

fn opened(world: &World, cause: &str) -> f64 {
    let cause = format!("cause=\"{cause}\"");
    metric_sum(world, "fanfare_upstream_connections_opened_total{", &cause)
}

#[tokio::test]
async fn an_old_connection_is_replaced_and_nobody_waits_for_it() {
    let world =
        World::with(|builder| builder, |config| config.upstream.max_age = Duration::from_millis(500)).await;
    world.simulator.set_answer_latency(Duration::from_millis(20));
    let mut number = 0;
    while closed(&world, "age") < 2.0 {
        let results = world.send_all((number..number + 20).map(good)).await;
        assert!(results.iter().all(|it| (it.outcome(), it.attempts) == (Outcome::Accepted, 1)));
        number += 20;
    }
    assert!(world.simulator.journal().duplicates().is_empty());
    // Pushes waited only for the first connection.
    assert_eq!((opened(&world, "needed"), opened(&world, "full")), (1.0, 0.0));
    assert!(opened(&world, "successor") >= 2.0);
}

#[tokio::test]
async fn where_no_other_may_open_the_old_one_makes_room_first() {
    let world = World::with(
        |builder| builder,
        |config| {
            config.upstream.max_age = Duration::from_millis(300);
            config.upstream.max_connections_per_peer = 1;
        },
    )
    .await;
    let mut number = 0;
    while closed(&world, "age") < 2.0 {
        let results = world.send_all((number..number + 20).map(good)).await;
        assert!(results.iter().all(|it| (it.outcome(), it.attempts) == (Outcome::Accepted, 1)));
        number += 20;
    }
}

#[tokio::test]
async fn a_successor_opens_while_a_connection_drains_though_nobody_waits() {
    let world = World::start().await;
    world.send(push(&good(0))).await;
    world.simulator.set_answer_latency(Duration::from_millis(300));
    let goaway =
        GoAway { last: LastId::This, code: 0, reason: Some("Shutdown".into()), then: AfterGoAway::Drain };
    world.simulator.add_fault(FaultRule::once(Trigger::DeviceToken(good(1)), Fault::GoAway(goaway)));
    assert_eq!(world.send(push(&good(1))).await.outcome(), Outcome::Accepted);
    until(|| opened(&world, "successor") == 1.0 && closed(&world, "goaway") == 1.0).await;
    let said = metric_sum(&world, "fanfare_upstream_goaways_total{", "code=\"0\",reason=\"Shutdown\"");
    assert_eq!(said, 1.0);
    assert_eq!(world.simulator.counters().requests_arrived, 2);
}

#[tokio::test]
async fn an_idle_connection_gives_way_to_a_peer_that_may_open_no_other() {
    let world = World::with(|builder| builder, |config| config.upstream.max_connections = 1).await;
    let sandbox = |number| {
        let mut push = push(&good(number));
        let device = push.target.as_mut().unwrap().apns.as_mut().unwrap();
        device.environment = proto::ApnsEnvironment::Sandbox as i32;
        push
    };
    for number in 0..3 {
        assert_eq!(world.send(push(&good(number))).await.outcome(), Outcome::Accepted);
        assert_eq!(world.send(sandbox(100 + number)).await.outcome(), Outcome::Accepted);
    }
    assert_eq!(closed(&world, "gave_way"), 5.0);
    let waited = metric_sum(&world, "fanfare_upstream_connect_failures_total{", "cause=\"max_connections\"");
    assert_eq!(waited, 5.0);
}

#[tokio::test]
async fn requests_whose_callers_left_keep_their_room_until_they_are_answered() {
    let world = World::with(|builder| builder, |config| config.max_in_flight = 10).await;
    world.send(push(&good(0))).await;
    world.simulator.set_answer_latency(Duration::from_millis(1500));
    let callers: Vec<_> = (1..=10)
        .map(|number| {
            let mut client = world.client.clone();
            let request = proto::SendPushRequest { push: Some(Box::new(push(&good(number)))) };
            tokio::spawn(async move { client.send_push(request).await })
        })
        .collect();
    world.simulator.journal().wait_for_read(11, SOON).await.unwrap();
    callers.iter().for_each(tokio::task::JoinHandle::abort);
    until(|| metric_sum(&world, "fanfare_upstream_orphans{", "") == 10.0).await;
    let refused = world.call(push(&good(11))).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Aborted);
    until(|| metric(&world.gateway, "fanfare_pushes_in_flight ") == 0.0).await;
    assert_eq!(world.send(push(&good(12))).await.outcome(), Outcome::Accepted);
    assert_eq!(world.simulator.counters().resets_received, 0);
    // No orphan is left that a shutdown might wait for.
    assert_eq!(metric_sum(&world, "fanfare_upstream_orphans{", ""), 0.0);
}

#[tokio::test]
async fn another_connection_goes_on_with_the_tls_session() {
    let world = World::start().await;
    for number in 0..4 {
        world.send(push(&good(number))).await;
        let connection = world.simulator.connections().last().unwrap().id;
        let goaway = GoAway { last: LastId::This, code: 0, reason: None, then: AfterGoAway::Drain };
        world.simulator.on_connection(connection, &Fault::GoAway(goaway)).unwrap();
        until(|| closed(&world, "goaway") == f64::from(number as u32 + 1)).await;
    }
    let counters = world.simulator.counters();
    assert_eq!((counters.tls_handshakes_done, counters.tls_sessions_resumed), (4, 3));
}

/// A name with two addresses.
struct TwoAddresses(SocketAddr);

impl Resolve for TwoAddresses {
    fn resolve<'a>(&'a self, _: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        let well = SocketAddr::new([127, 0, 0, 1].into(), port);
        Box::pin(async move { Ok(vec![self.0, well]) })
    }
}

#[tokio::test]
async fn an_address_that_accepts_and_says_nothing_costs_a_moment() {
    let simulator = Simulator::builder().bundle_ids([TOPIC]).start().await.unwrap();
    let port = simulator.address(Environment::Production).port();
    let sick = TcpListener::bind(("127.0.0.2", port)).await.unwrap();
    let address = sick.local_addr().unwrap();
    let silent = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((socket, _)) = sick.accept().await {
            held.push(socket);
        }
    });
    let mut it = config(&simulator);
    it.upstream.connect_timeout = Duration::from_secs(60);
    // Each push has its own connection, and about every other connect begins at the sick address.
    it.upstream.idle_timeout = Duration::from_millis(1);
    let network = Network { resolver: Arc::new(TwoAddresses(address)), dialer: Arc::new(TcpDialer) };
    let gateway = Gateway::start(it, network).await.unwrap();
    let client = connect(&gateway).await;
    let world = World { simulator, gateway, client };
    for number in 0..8 {
        let result = world.send(within(push(&good(number)), SOON / 2)).await;
        assert_eq!(result.outcome(), Outcome::Accepted);
        until(|| closed(&world, "idle") == f64::from(number as u32 + 1)).await;
    }
    silent.abort();
}
