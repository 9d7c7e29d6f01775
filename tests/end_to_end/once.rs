//! Pushes with an id that are not to be sent twice.

use std::time::Duration;

use fanfare::desk::OnceSettings;
use fanfare::proto::{self, Delivery, Outcome, Reason};
use fanfare_simulator::{ApnsScriptedOutcome, Fault, FaultRule, ScriptedAnswer, Trigger};
use futures_util::future::join_all;

use crate::batch_command::{address, batch, by_line, line, outcome};
use crate::harness::{APP, SOON, World, alert, device, good, metric, push, until, within};

/// A push to a device that is to be sent once.
fn once(id: &str, token: &str) -> proto::Push {
    let options = proto::Options { once: true, ..proto::Options::default() };
    proto::Push { id: id.to_owned(), options: Some(options), ..push(token) }
}

async fn with(settings: OnceSettings) -> World {
    World::with(|builder| builder, |config| config.grpc.once = settings).await
}

fn joined(world: &World) -> f64 {
    metric(&world.gateway, "fanfare_once_pushes_total{role=\"joined\"} ")
}

fn entries(world: &World) -> f64 {
    metric(&world.gateway, "fanfare_once_entries ")
}

#[tokio::test]
async fn a_thousand_calls_with_one_id_reach_the_push_service_once() {
    let world = World::start().await;
    world.simulator.script_outcome(&good(1), ApnsScriptedOutcome::Slow(Duration::from_millis(200)));
    let calls = (0..1000).map(|number| {
        let mut push = once("order-17", &good(1));
        push.labels = [("call".to_owned(), number.to_string())].into();
        world.send(push)
    });
    let results = join_all(calls).await;
    assert_eq!(results.iter().filter(|result| !result.of_first).count(), 1);
    for (number, result) in results.iter().enumerate() {
        assert_eq!(
            (result.outcome(), result.delivery()),
            (Outcome::Accepted, Delivery::Accepted),
            "{result:?}"
        );
        assert_eq!((result.id.as_str(), result.attempts, result.upstream_status), ("order-17", 1, 200));
        assert_eq!(result.upstream_id, results[0].upstream_id);
        assert_eq!(result.labels["call"], number.to_string(), "labels are its own");
    }
    assert_eq!(world.simulator.journal().arrived(), 1);
    assert_eq!(metric(&world.gateway, "fanfare_once_pushes_total{role=\"first\"} "), 1.0);
    assert_eq!(entries(&world), 1.0);
    // One that does not ask is sent, and leaves what is remembered as it is.
    let plain = proto::Push { id: "order-17".to_owned(), ..push(&good(2)) };
    assert!(!world.send(plain).await.of_first);
    assert!(world.send(once("order-17", &good(1))).await.of_first);
    assert_eq!(world.simulator.journal().arrived(), 2);
}

#[tokio::test]
async fn a_push_in_doubt_is_not_sent_again_and_one_that_was_not_sent_is() {
    let world = World::start().await;
    // A connection is proven by its first answer, and takes many pushes from then on.
    world.send(push(&good(9))).await;
    world.simulator.script_outcome(&good(1), ApnsScriptedOutcome::Silent);
    let first = world.send(within(once("doubt", &good(1)), Duration::from_secs(1))).await;
    assert_eq!((first.outcome(), first.of_first), (Outcome::Unconfirmed, false), "{first:?}");
    world.simulator.script_outcome(&good(1), ApnsScriptedOutcome::Good);
    let second = world.send(once("doubt", &good(1))).await;
    assert_eq!((second.outcome(), second.delivery()), (Outcome::Unconfirmed, Delivery::Maybe));
    assert!(second.of_first && second.attempts == 1 && second.retryable, "{second:?}");
    assert_eq!(world.simulator.journal().arrived(), 2);

    // What a push service refuses was not delivered either.
    world.simulator.script_outcome(&good(2), ApnsScriptedOutcome::refusal(400, "BadCollapseId"));
    let refused = world.send(once("again", &good(2))).await;
    assert_eq!((refused.delivery(), refused.of_first), (Delivery::No, false), "{refused:?}");
    world.simulator.script_outcome(&good(2), ApnsScriptedOutcome::Good);
    let again = world.send(once("again", &good(2))).await;
    assert_eq!((again.outcome(), again.of_first), (Outcome::Accepted, false));
}

#[tokio::test]
async fn a_push_that_was_not_attempted_is_sent_when_it_comes_again() {
    let world = World::start().await;
    let mut expired = once("late", &good(1));
    let expire_at = Some(prost_types::Timestamp { seconds: 1_000_000_000, nanos: 0 });
    expired.options.as_mut().unwrap().expire_at = expire_at;
    let first = world.send(expired.clone()).await;
    assert_eq!((first.outcome(), first.delivery()), (Outcome::NotAttempted, Delivery::No));
    let second = world.send(once("late", &good(1))).await;
    assert_eq!((second.outcome(), second.of_first), (Outcome::Accepted, false));
    // Now another expiry is another push.
    assert_eq!(world.send(expired).await.reason(), Reason::IdReused);
}

#[tokio::test]
async fn another_push_under_the_same_id_is_refused() {
    let world = World::start().await;
    let with_options = |change: &dyn Fn(&mut proto::Options)| {
        let mut push = once("order-17", &good(1));
        change(push.options.as_mut().unwrap());
        push
    };
    let first = with_options(&|options| options.ttl = Some(Duration::from_secs(60).try_into().unwrap()));
    assert_eq!(world.send(first.clone()).await.outcome(), Outcome::Accepted);
    let mut others = vec![
        proto::Push { target: Some(device(&good(2))), ..first.clone() },
        proto::Push { content: Some(alert("Hello", "Moon")), ..first.clone() },
        with_options(&|options| options.collapse_key = "news".to_owned()),
        with_options(&|options| options.priority = proto::Priority::Normal.into()),
        with_options(&|options| options.ttl = Some(Duration::from_secs(61).try_into().unwrap())),
        with_options(&|_| {}),
    ];
    others.push(first.clone());
    others.last_mut().unwrap().content.as_mut().unwrap().data = [("k".to_owned(), "v".to_owned())].into();
    for other in others {
        let refused = world.send(other.clone()).await;
        assert_eq!(
            (refused.outcome(), refused.reason()),
            (Outcome::InvalidPush, Reason::IdReused),
            "{other:?}"
        );
        assert_eq!(
            (refused.field.as_str(), refused.delivery(), refused.of_first),
            ("id", Delivery::No, false)
        );
        assert_eq!(refused.provider(), proto::Provider::Apns);
    }
    // How long the gateway works on it, and how often, is not part of what is sent.
    let mut same = within(first, SOON);
    same.options.as_mut().unwrap().repeatable = true;
    assert!(world.send(same).await.of_first);
    assert_eq!(world.simulator.journal().arrived(), 1);
    assert_eq!(metric(&world.gateway, "fanfare_once_pushes_total{role=\"reused\"} "), 7.0);
}

#[tokio::test]
async fn the_oldest_verdict_makes_room_and_what_is_in_flight_does_not() {
    let world = with(OnceSettings { max: 2, ..OnceSettings::default() }).await;
    for (id, number) in [("a", 1), ("b", 2), ("c", 3)] {
        assert_eq!(world.send(once(id, &good(number))).await.outcome(), Outcome::Accepted);
    }
    assert!(world.send(once("c", &good(3))).await.of_first);
    assert!(!world.send(once("a", &good(1))).await.of_first, "the oldest made room");
    assert_eq!(entries(&world), 2.0);

    world.simulator.script_outcome(&good(4), ApnsScriptedOutcome::Silent);
    let mut silent = Vec::new();
    for id in ["d", "e"] {
        let (mut client, push) = (world.client.clone(), once(id, &good(4)));
        let request = proto::SendPushRequest { push: Some(Box::new(push)) };
        silent.push(tokio::spawn(async move { client.send_push(request).await }));
    }
    world.simulator.journal().wait_for_arrived(6, SOON).await.unwrap();
    let refused = world.send(once("f", &good(1))).await;
    assert_eq!((refused.outcome(), refused.reason()), (Outcome::NotAttempted, Reason::Overloaded));
    assert!(refused.retryable && refused.retry_after.is_some());
    assert_eq!(world.send(push(&good(1))).await.outcome(), Outcome::Accepted);
    for call in silent {
        call.abort();
    }
}

#[tokio::test]
async fn a_verdict_is_forgotten_when_its_window_has_passed() {
    let world = with(OnceSettings { window: Duration::from_millis(1), ..OnceSettings::default() }).await;
    assert!(!world.send(once("a", &good(1))).await.of_first);
    let sent_again = async { while world.send(once("a", &good(1))).await.of_first {} };
    tokio::time::timeout(SOON, sent_again).await.expect("a millisecond passes");
    assert!(world.simulator.journal().arrived() >= 2);
    assert_eq!(entries(&world), 1.0);
}

#[tokio::test]
async fn where_the_caller_of_a_push_that_was_sent_leaves_it_stays_in_doubt() {
    let world = World::start().await;
    world.simulator.script_outcome(&good(1), ApnsScriptedOutcome::Silent);
    let (mut client, sent) = (world.client.clone(), once("left", &good(1)));
    let call =
        tokio::spawn(
            async move { client.send_push(proto::SendPushRequest { push: Some(Box::new(sent)) }).await },
        );
    world.simulator.journal().wait_for_read(1, SOON).await.unwrap();
    let waits = world.send(once("left", &good(1)));
    let leaves = async {
        until(|| joined(&world) == 1.0).await;
        call.abort();
    };
    let (waited, ()) = tokio::join!(waits, leaves);
    for result in [waited, world.send(once("left", &good(1))).await] {
        assert_eq!(
            (result.outcome(), result.delivery()),
            (Outcome::Unconfirmed, Delivery::Maybe),
            "{result:?}"
        );
        assert!(result.of_first && result.attempts == 1, "{result:?}");
        assert_eq!(result.provider(), proto::Provider::Apns);
    }
    assert_eq!(world.simulator.journal().arrived(), 1);
}

/// Those that joined hold the other seats of the window while the first waits to be tried again.
#[tokio::test]
async fn items_of_a_batch_join_each_other_and_none_waits_for_a_seat_of_another() {
    let world = World::with(|builder| builder, |config| config.grpc.batch.window = 2).await;
    let busy = ScriptedAnswer {
        headers: vec![("retry-after".into(), "2".into())],
        ..ScriptedAnswer::refusal(429, "TooManyRequests")
    };
    world.simulator.add_fault(FaultRule::once(Trigger::DeviceToken(good(1)), Fault::Answer(busy)));
    let addressee = proto::Addressee { id: "same".to_owned(), target: Some(device(&good(1))) };
    let once_only = once("same", &good(1));
    let message = proto::SendBatchRequest {
        pushes: vec![once_only.clone(); 6],
        multicasts: vec![proto::Multicast {
            app: APP.to_owned(),
            content: once_only.content.clone(),
            options: once_only.options.clone(),
            addressees: vec![addressee; 3],
            ..proto::Multicast::default()
        }],
        ..proto::SendBatchRequest::default()
    };
    let stream = world.client.clone().send_batch(tokio_stream::iter([message])).await.unwrap();
    let mut stream = stream.into_inner();
    let mut results = Vec::new();
    let read = async {
        while let Some(message) = stream.message().await.unwrap() {
            results.extend(message.results);
        }
    };
    tokio::time::timeout(SOON, read).await.expect("no item waits for another's seat");
    assert_eq!(results.len(), 9);
    for result in &results {
        assert_eq!((result.outcome(), result.attempts), (Outcome::Accepted, 2), "{result:?}");
    }
    assert_eq!(results.iter().filter(|result| !result.of_first).count(), 1);
    assert_eq!(world.simulator.journal().arrived(), 2);
}

#[tokio::test]
async fn a_call_of_many_sends_each_id_once() {
    let world = World::start().await;
    let pushes = (0..100).map(|number| once(&format!("id-{}", number % 10), &good(number % 10))).collect();
    let request = proto::SendPushesRequest { pushes, ..proto::SendPushesRequest::default() };
    let results = world.client.clone().send_pushes(request).await.unwrap().into_inner().results;
    assert!(results.iter().all(|result| result.outcome() == Outcome::Accepted));
    assert_eq!(results.iter().filter(|result| !result.of_first).count(), 10);
    assert_eq!(world.simulator.journal().arrived(), 10);
}

#[tokio::test]
async fn the_commands_say_once_and_show_whose_verdict_it_is() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pushes.ndjson");
    std::fs::write(&file, line(&good(1), "x") + &line(&good(2), "x")).unwrap();
    let (file, to) = (file.to_str().unwrap(), address(&world));
    for of_first in [false, true] {
        let ran = batch([file, "--to", &to, "--results", "-", "--once"]).await;
        let lines = by_line(&ran.stdout);
        assert_eq!(lines.len(), 2, "{}", ran.stderr);
        for result in lines.values() {
            assert_eq!(outcome(result), "ACCEPTED");
            assert_eq!(result.get("ofFirst").is_some(), of_first, "{result}");
        }
    }
    assert_eq!(world.simulator.journal().arrived(), 2);
}
