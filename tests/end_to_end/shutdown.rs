//! Draining: pushes in flight come to their verdict, and the others get the verdict that is true of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fanfare::app::{Gateway, Network};
use fanfare::config::FcmConfig;
use fanfare::credential::google::Source;
use fanfare::proto::{self, Delivery, Outcome, Reason};
use fanfare::provider::fcm::{Fcm, FcmSettings};
use fanfare_simulator::{ApnsScriptedOutcome, Simulator};
use tokio::runtime::{Builder, Runtime};

use crate::harness::{SOON, TOPIC, World, config, connect, good, http_get, metric, push, until};

fn call(
    world: &World,
    push: proto::Push,
) -> tokio::task::JoinHandle<Result<proto::PushResult, tonic::Status>> {
    let mut client = world.client.clone();
    tokio::spawn(async move {
        let answer = client.send_push(proto::SendPushRequest { push: Some(Box::new(push)) }).await?;
        Ok(answer.into_inner().result.unwrap())
    })
}

#[tokio::test]
async fn a_push_in_flight_is_answered_before_the_end() {
    let world = World::start().await;
    world.send(push(&good(0))).await;
    world.simulator.set_answer_latency(Duration::from_millis(300));
    let in_flight = call(&world, push(&good(1)));
    world.simulator.journal().wait_for_read(2, SOON).await.unwrap();
    world.gateway.shut_down().await;
    let result = in_flight.await.unwrap().unwrap();
    assert_eq!(result.outcome(), Outcome::Accepted, "{result:?}");
}

#[tokio::test]
async fn at_the_drain_timeout_the_written_is_unconfirmed_and_the_waiting_not_attempted() {
    let world = World::with(
        |builder| builder.max_concurrent_streams(1),
        |config| config.drain_timeout = Duration::from_millis(200),
    )
    .await;
    world.simulator.script_outcome(&good(1), ApnsScriptedOutcome::Silent);
    let written = call(&world, push(&good(1)));
    world.simulator.journal().wait_for_read(1, SOON).await.unwrap();
    let waiting = call(&world, push(&good(2)));
    until(|| metric(&world.gateway, "fanfare_pushes_in_flight ") == 2.0).await;
    world.gateway.shut_down().await;
    let written = written.await.unwrap().unwrap();
    assert_eq!(
        (written.outcome(), written.delivery()),
        (Outcome::Unconfirmed, Delivery::Maybe),
        "{written:?}"
    );
    assert_eq!(
        written.reason(),
        Reason::ConnectionLost,
        "told at the drain timeout, not at the answer timeout"
    );
    let waiting = waiting.await.unwrap().unwrap();
    assert_eq!(
        (waiting.outcome(), waiting.reason()),
        (Outcome::NotAttempted, Reason::Draining),
        "{waiting:?}"
    );
    assert_eq!((waiting.delivery(), waiting.retryable), (Delivery::No, true));
    assert_eq!(world.simulator.journal().arrived(), 1);
}

#[tokio::test]
async fn while_draining_nobody_connects_and_readiness_says_why() {
    let world = World::start().await;
    // Until a push was answered, others wait for that answer.
    world.send(push(&good(0))).await;
    world.simulator.script_outcome(&good(1), ApnsScriptedOutcome::Slow(Duration::from_secs(1)));
    let in_flight = call(&world, push(&good(1)));
    world.simulator.journal().wait_for_read(2, SOON).await.unwrap();
    let World { simulator, gateway, client } = world;
    let admin = gateway.admin_address();
    let ending = tokio::spawn(gateway.shut_down());
    // The client is told to go, and finds nobody where it connects again. Of a call that it has not sent when its connection
    // goes away it says CANCELLED.
    loop {
        let request = proto::SendPushRequest { push: Some(Box::new(push(&good(2)))) };
        match client.clone().send_push(request).await.map_err(|status| status.code()) {
            Err(tonic::Code::Unavailable) => break,
            Ok(_) | Err(tonic::Code::Cancelled) => tokio::task::yield_now().await,
            Err(code) => panic!("{code:?}"),
        }
    }
    let ready = http_get(admin, "/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 503") && ready.contains("draining: 1 pushes in flight"), "{ready}");
    assert_eq!(in_flight.await.unwrap().unwrap().outcome(), Outcome::Accepted);
    ending.await.unwrap();
    simulator.wait_until(SOON, |simulator| simulator.counters().connections_open == 0).await.unwrap();
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Waits until a runtime has no task. Nobody but the tasks themselves brings that about.
async fn wait_until_empty(runtime: &Runtime) {
    let end = Instant::now() + SOON;
    while runtime.metrics().num_alive_tasks() > 0 {
        assert!(Instant::now() < end, "{} tasks are left", runtime.metrics().num_alive_tasks());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// The gateway has a runtime of its own here, so that every task in it is one of the gateway's.
#[test]
fn no_task_is_left_when_the_gateway_has_ended() {
    let (outside, own) = (runtime(), runtime());
    let simulator = Simulator::builder().bundle_ids([TOPIC]).fcm(fanfare_simulator::FcmSettings::default());
    let simulator = outside.block_on(simulator.start()).unwrap();
    let account = simulator.fcm().add_service_account(&["demo-project"]).unwrap();
    for is_silent in [false, true] {
        let mut config = config(&simulator);
        config.fcm.origin = simulator.fcm().origin().parse().unwrap();
        config.apps[0].fcm = Some(FcmConfig {
            provider: Fcm::try_new(&FcmSettings { project_id: "demo-project".to_owned() }).unwrap(),
            credential: Arc::new(Source::from_json(&account.key_json().into()).unwrap()),
            certificate: None,
            pushes_per_minute: None,
        });
        config.drain_timeout = Duration::from_millis(if is_silent { 100 } else { 20_000 });
        let gateway = own.block_on(Gateway::start(config, Network::default())).unwrap();
        let client = outside.block_on(connect(&gateway));
        let send = |push: proto::Push| {
            let mut client = client.clone();
            async move { client.send_push(proto::SendPushRequest { push: Some(Box::new(push)) }).await }
        };
        let target = proto::FcmTarget { registration_token: "ok:1".to_owned(), ..Default::default() };
        let target = Some(proto::Target { fcm: Some(Box::new(target)), ..proto::Target::default() });
        for push in [push(&good(1)), proto::Push { target, ..push(&good(1)) }] {
            let result = outside.block_on(send(push)).unwrap().into_inner().result.unwrap();
            assert_eq!(result.outcome(), Outcome::Accepted, "{result:?}");
        }
        if is_silent {
            simulator.script_outcome(&good(2), ApnsScriptedOutcome::Silent);
            outside.spawn(send(push(&good(2))));
            let is_read = |it: &Simulator| !it.journal().by_device_token(&good(2)).is_empty();
            outside.block_on(simulator.wait_until(SOON, is_read)).unwrap();
        }
        assert!(own.metrics().num_alive_tasks() > 0);
        own.block_on(gateway.shut_down());
        outside.block_on(wait_until_empty(&own));
    }
}
