//! Draining: what is in flight comes to its verdict, and what is left is told the truth.

use std::time::Duration;

use fanfare::proto::{self, Delivery, Outcome, Reason};
use fanfare::simulator::ApnsScriptedOutcome;
use tonic_types::StatusExt;

use crate::harness::{SOON, World, good, http_get, metric, push};

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
    while metric(&world.gateway, "fanfare_pushes_in_flight ") < 2.0 {
        tokio::task::yield_now().await;
    }
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
async fn while_draining_calls_are_refused_and_readiness_says_why() {
    let world = World::start().await;
    world.simulator.script_outcome(&good(1), ApnsScriptedOutcome::Slow(Duration::from_secs(1)));
    let in_flight = call(&world, push(&good(1)));
    world.simulator.journal().wait_for_read(1, SOON).await.unwrap();
    let World { simulator, gateway, client } = world;
    let admin = gateway.admin_address();
    let ending = tokio::spawn(gateway.shut_down());
    let refused = loop {
        let request = proto::SendPushRequest { push: Some(Box::new(push(&good(2)))) };
        match client.clone().send_push(request).await {
            Ok(_) => tokio::task::yield_now().await,
            Err(status) => break status,
        }
    };
    assert_eq!(refused.code(), tonic::Code::Aborted);
    assert!(refused.get_error_details().retry_info().is_some(), "{refused:?}");
    assert_eq!(refused.metadata().get("grpc-retry-pushback-ms").unwrap(), "200");
    assert_eq!(refused.get_error_details().error_info().unwrap().reason, "DRAINING");
    let ready = http_get(admin, "/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 503") && ready.contains("draining: 1 pushes in flight"), "{ready}");
    assert_eq!(in_flight.await.unwrap().unwrap().outcome(), Outcome::Accepted);
    ending.await.unwrap();
    simulator.wait_until(SOON, |simulator| simulator.counters().connections_open == 0).await.unwrap();
}
