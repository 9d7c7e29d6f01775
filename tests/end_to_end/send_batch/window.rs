//! A batch's window: what fills it, and what gives room in it back.

use std::time::Duration;

use fanfare::proto::{self, Outcome};
use fanfare_simulator::{Fault, FaultRule, ScriptedAnswer, Trigger};

use super::{BatchCaller, message, options, run};
use crate::harness::{APP, SOON, World, good, metric, push, until};
use crate::status::status;

#[tokio::test]
async fn a_batch_fills_its_window_whatever_the_answers_take() {
    let world = World::start().await;
    world.send(push(&good(100_000))).await;
    world.simulator.set_answer_latency(Duration::from_secs(3600));
    let pushes = (0..640).map(|number| push(&good(number))).collect();
    let request = proto::SendBatchRequest { pushes, ..proto::SendBatchRequest::default() };
    let mut client = world.client.clone();
    let stream = client.send_batch(tokio_stream::iter([request])).await.unwrap();
    world.simulator.journal().wait_for_arrived(641, SOON).await.unwrap();
    // No answer made room, because only the first push was answered.
    assert_eq!(world.simulator.counters().requests_answered, 1);
    let gauge = |name: &str| metric(&world.gateway, &format!("fanfare_batch_{name} "));
    assert_eq!(["streams", "seats_used", "seats_allowed"].map(gauge), [1.0, 640.0, 4096.0]);
    let told = status(&world).await;
    let batches = serde_json::json!({"streams": 1, "seats_used": 640, "seats_allowed": 4096});
    assert_eq!(told["batches"], batches);
    drop(stream);
    until(|| gauge("seats_allowed") == 0.0).await;
}

#[tokio::test]
async fn problems_only_needs_no_reading_until_half_close() {
    let world = World::start().await;
    let mut caller = BatchCaller::open(&world).await;
    caller
        .write(options(proto::BatchOptions {
            app: APP.to_owned(),
            results: proto::ResultSelection::ProblemsOnly.into(),
            ..proto::BatchOptions::default()
        }))
        .await;
    // There are more accepted items than the window has seats. They are only counted, so they give their seats back unread.
    for chunk in (0..10_000).collect::<Vec<_>>().chunks(500) {
        let to = |n: &usize| if n % 1000 == 7 { format!("dead{n:060x}") } else { good(*n) };
        let pushes = chunk.iter().map(|n| proto::Push { app: String::new(), ..push(&to(n)) });
        caller.write(message(pushes.collect())).await;
    }
    caller.half_close();
    let ended = caller.read().await;
    assert!(ended.status.is_none(), "{:?}", ended.status);
    assert_eq!(
        ended.results.keys().copied().collect::<Vec<_>>(),
        (0..10).map(|n| n * 1000 + 7).collect::<Vec<_>>()
    );
    assert_eq!((ended.settled(Outcome::Accepted), ended.settled(Outcome::Unregistered)), (9_990, 10));
}

#[tokio::test]
async fn an_item_that_waits_long_leaves_the_window_to_others() {
    let world = World::with(|builder| builder, |config| config.grpc.batch.window = 4).await;
    let throttled = ScriptedAnswer {
        headers: vec![("retry-after".into(), "2".into())],
        ..ScriptedAnswer::refusal(429, "TooManyRequests")
    };
    for n in 0..4 {
        let rule = FaultRule::once(Trigger::DeviceToken(good(n)), Fault::Answer(throttled.clone()));
        world.simulator.add_fault(rule);
    }
    // The items that wait fill the window, unless they leave it.
    let ended = run(&world, vec![message((0..100).map(|n| push(&good(n))).collect())]).await;
    assert!(ended.results.values().all(|result| result.outcome() == Outcome::Accepted));
    let last = world
        .simulator
        .journal()
        .entries()
        .iter()
        .rev()
        .take(4)
        .filter_map(|entry| entry.device_token().map(str::to_owned))
        .collect::<Vec<_>>();
    assert!(last.iter().all(|token| (0..4).any(|n| *token == good(n))), "{last:?}");
}

#[tokio::test]
async fn a_full_waiting_set_answers_at_once_with_the_advice() {
    let change = |config: &mut fanfare::config::Config| config.grpc.batch.max_waiting = 1;
    let world = World::with(|builder| builder, change).await;
    let throttled = ScriptedAnswer {
        headers: vec![("retry-after".into(), "2".into())],
        ..ScriptedAnswer::refusal(429, "TooManyRequests")
    };
    for n in 0..3 {
        let rule = FaultRule::once(Trigger::DeviceToken(good(n)), Fault::Answer(throttled.clone()));
        world.simulator.add_fault(rule);
    }
    let ended = run(&world, vec![message((0..3).map(|n| push(&good(n))).collect())]).await;
    let outcomes: Vec<_> = ended.results.values().map(|result| result.outcome()).collect();
    assert_eq!(outcomes.iter().filter(|it| **it == Outcome::Accepted).count(), 1, "{outcomes:?}");
    for told in ended.results.values().filter(|it| it.outcome() == Outcome::RateLimited) {
        assert_eq!(told.retry_after.unwrap().seconds, 2);
    }
}
