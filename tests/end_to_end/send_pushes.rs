//! SendPushes: many pushes in one call, for callers that cannot stream.

use std::time::Duration;

use fanfare::proto::{self, Delivery, Outcome, Reason, SendPushesRequest};
use fanfare_simulator::ApnsScriptedOutcome;
use tonic_types::StatusExt;

use crate::harness::{APP, SOON, World, alert, device, good, metric, push};

async fn call(world: &World, request: SendPushesRequest) -> Result<Vec<proto::PushResult>, tonic::Status> {
    Ok(world.client.clone().send_pushes(request).await?.into_inner().results)
}

fn pushes(tokens: impl IntoIterator<Item = String>) -> SendPushesRequest {
    let pushes = tokens.into_iter().map(|token| push(&token)).collect();
    SendPushesRequest { pushes, ..SendPushesRequest::default() }
}

#[tokio::test]
async fn verdicts_come_in_the_order_written() {
    let world = World::start().await;
    world.simulator.script_outcome(&good(0), ApnsScriptedOutcome::Slow(Duration::from_millis(200)));
    let addressee = |n: usize| proto::Addressee { id: format!("to-{n}"), target: Some(device(&good(n))) };
    let multicast = proto::Multicast {
        content: Some(alert("All", "of you")),
        addressees: (10..993).map(addressee).collect(),
        labels: [("campaign".to_owned(), "autumn".to_owned())].into(),
        ..proto::Multicast::default()
    };
    let mut named: Vec<_> = (0..10).map(|n| proto::Push { app: String::new(), ..push(&good(n)) }).collect();
    named[3] = push("malformed");
    named[4] = push(&format!("dead{:060x}", 4));
    named[5].labels = [("order".to_owned(), "17".to_owned()), ("empty".to_owned(), String::new())].into();
    let others =
        proto::Multicast { app: "nobody".into(), addressees: vec![addressee(1); 7], ..multicast.clone() };
    let request = SendPushesRequest {
        app: APP.to_owned(),
        pushes: named.clone(),
        multicasts: vec![multicast.clone(), others],
        ..SendPushesRequest::default()
    };
    let results = call(&world, request).await.unwrap();
    assert_eq!(results.iter().map(|it| it.index).collect::<Vec<_>>(), (0..1000).collect::<Vec<_>>());
    for (n, result) in results.iter().enumerate() {
        let expected = match n {
            3 => Outcome::InvalidToken,
            4 => Outcome::Unregistered,
            993.. => Outcome::InvalidPush,
            _ => Outcome::Accepted,
        };
        assert_eq!(result.outcome(), expected, "{result:?}");
        let labels = if n < 10 { &named[n].labels } else { &multicast.labels };
        assert_eq!(&result.labels, labels, "{result:?}");
    }
    assert_eq!((results[10].id.as_str(), results[999].id.as_str()), ("to-10", "to-1"));
    assert_eq!(world.simulator.journal().arrived(), 992);
}

#[tokio::test]
async fn what_fits_is_sent_and_the_rest_told_to_come_again() {
    let world = World::with(|builder| builder, |config| config.max_in_flight = 10).await;
    // As a bulk call it leaves the last fifth of the room to others.
    let results = call(&world, pushes((0..20).map(good))).await.unwrap();
    let count = |outcome| results.iter().filter(|result| result.outcome() == outcome).count();
    assert_eq!((count(Outcome::Accepted), count(Outcome::NotAttempted)), (8, 12));
    for turned_away in &results[8..] {
        assert_eq!((turned_away.reason(), turned_away.delivery()), (Reason::Overloaded, Delivery::No));
        assert!(turned_away.retryable && turned_away.retry_after.is_some() && !turned_away.id.is_empty());
    }
    let interactive = SendPushesRequest {
        service_class: proto::ServiceClass::Interactive.into(),
        ..pushes((20..40).map(good))
    };
    let results = call(&world, interactive).await.unwrap();
    assert_eq!(results.iter().filter(|result| result.outcome() == Outcome::Accepted).count(), 10);
    assert_eq!(world.simulator.journal().arrived(), 18);
}

#[tokio::test]
async fn a_call_of_which_nothing_fits_is_aborted_and_nothing_was_sent() {
    let world = World::with(|builder| builder, |config| config.max_in_flight = 1).await;
    world.simulator.script_outcome(&good(0), ApnsScriptedOutcome::Slow(Duration::from_millis(500)));
    let client = world.client.clone();
    let holding = tokio::spawn(async move {
        client.clone().send_push(proto::SendPushRequest { push: Some(Box::new(push(&good(0)))) }).await
    });
    world.simulator.journal().wait_for_read(1, SOON).await.unwrap();
    let status = call(&world, pushes((1..4).map(good))).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Aborted, "{status:?}");
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "OVERLOADED");
    assert!(details.retry_info().unwrap().retry_delay.is_some());
    let pushback = status.metadata().get("grpc-retry-pushback-ms").unwrap().to_str().unwrap();
    assert!((200..=300).contains(&pushback.parse().unwrap()), "{pushback}");
    assert_eq!(holding.await.unwrap().unwrap().into_inner().result.unwrap().outcome(), Outcome::Accepted);
    assert_eq!(world.simulator.journal().arrived(), 1);
    assert_eq!(metric(&world.gateway, "fanfare_pushes_refused_total{reason=\"OVERLOADED\"} "), 3.0);
}

#[tokio::test]
async fn every_verdict_comes_before_the_calls_deadline() {
    let world = World::start().await;
    world.send(push(&good(100))).await;
    world.simulator.script_outcome(&good(1), ApnsScriptedOutcome::Silent);
    let mut request = tonic::Request::new(pushes((0..3).map(good)));
    request.set_timeout(Duration::from_secs(1));
    let results = world.client.clone().send_pushes(request).await.unwrap().into_inner().results;
    let outcomes: Vec<_> = results.iter().map(proto::PushResult::outcome).collect();
    assert_eq!(outcomes, [Outcome::Accepted, Outcome::Unconfirmed, Outcome::Accepted]);
}
