//! A receiver that fails, is slow, or refuses. Pushes are never touched.

use std::collections::BTreeSet;
use std::time::Duration;

use fanfare::feed::FeedSettings;
use fanfare::proto::Outcome;

use super::receiver::{Answer, Receiver};
use super::{count, feed, queued, status, targets, world};
use crate::harness::{good, push, until};

#[tokio::test]
async fn what_a_receiver_does_not_take_is_sent_again_under_the_same_id_and_no_redirect_is_followed() {
    let answers = [Answer::Status(500), Answer::Later(1), Answer::Status(307)];
    let receiver = Receiver::start(answers).await;
    let world = world(feed(&receiver)).await;
    world.send(push(&good(1))).await;
    until(|| count(&world, "delivered") == 1.0).await;
    let received = receiver.received();
    assert_eq!(received.iter().map(|it| it.status).collect::<Vec<_>>(), [500, 503, 307, 204]);
    let ids: BTreeSet<_> = received.iter().map(|it| &it.id).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert!(received.iter().all(|it| it.events == received[0].events && it.path == "/fanfare?of=shop"));
    world.send(push(&good(2))).await;
    until(|| count(&world, "delivered") == 2.0).await;
    assert_ne!(receiver.received().last().unwrap().id, received[0].id, "another batch has another id");
}

#[tokio::test]
async fn nothing_is_lost_while_a_receiver_is_down() {
    let mut receiver = Receiver::start([]).await;
    let world = world(FeedSettings { batch_max: 7, ..feed(&receiver) }).await;
    assert_eq!(status(&world).await["health"], "unused");
    world.send(push(&good(0))).await;
    until(|| count(&world, "delivered") == 1.0).await;
    assert_eq!(status(&world).await["health"], "well");
    receiver.stop().await;
    let results = world.send_all((1..50).map(good)).await;
    assert!(results.iter().all(|result| result.outcome() == Outcome::Accepted));
    assert_eq!(queued(&world), 49.0);
    let failing = loop {
        let said = status(&world).await;
        if said["health"] == "failing" {
            break said;
        }
        tokio::time::sleep(crate::harness::LOOK).await;
    };
    let sentence = failing["sentence"].as_str().unwrap();
    assert!(sentence.starts_with("Its receiver takes no events since "), "{failing}");
    assert!(
        failing["remedy"].as_str().unwrap().contains("feed.url") && failing["since"].is_string(),
        "{failing}"
    );
    receiver.restart().await;
    until(|| count(&world, "delivered") == 50.0).await;
    let told: BTreeSet<_> = targets(&receiver.taken()).into_iter().collect();
    assert_eq!(told, (0..50).map(good).collect());
    assert_eq!((queued(&world), status(&world).await["health"].as_str()), (0.0, Some("well")));
    assert!(receiver.received().iter().all(|it| it.events.len() <= 7));
}

#[tokio::test]
async fn a_full_queue_drops_the_newest_and_touches_no_push() {
    let receiver = Receiver::start([]).await;
    receiver.answer(Answer::Never);
    let world = world(FeedSettings { max_queue: 5, batch_max: 2, ..feed(&receiver) }).await;
    for number in 0..20 {
        assert_eq!(world.send(push(&good(number))).await.outcome(), Outcome::Accepted);
    }
    assert_eq!((queued(&world), count(&world, "queue_full")), (5.0, 15.0));
    assert_eq!(count(&world, "delivered"), 0.0);
}

#[tokio::test]
async fn a_batch_that_is_refused_is_dropped_and_the_next_one_is_not() {
    let receiver = Receiver::start([Answer::Status(401)]).await;
    let world = world(feed(&receiver)).await;
    world.send(push(&good(1))).await;
    until(|| count(&world, "refused") == 1.0).await;
    let failing = status(&world).await;
    assert_eq!((&failing["health"], &failing["dropped"]), (&"failing".into(), &1.into()), "{failing}");
    assert!(failing["sentence"].as_str().unwrap().ends_with("it answers 401."), "{failing}");
    assert!(failing["remedy"].as_str().unwrap().contains("feed.secret_file"), "{failing}");
    world.send(push(&good(2))).await;
    until(|| count(&world, "delivered") == 1.0).await;
    assert_eq!(targets(&receiver.taken()), [good(2)]);
    assert_eq!(status(&world).await["health"], "well");
}

#[tokio::test]
async fn an_event_is_given_up_at_the_end_of_its_time() {
    let receiver = Receiver::start([]).await;
    receiver.answer(Answer::Status(500));
    let world = world(FeedSettings { max_age: Duration::from_millis(1), ..feed(&receiver) }).await;
    world.send(push(&good(1))).await;
    until(|| count(&world, "expired") == 1.0).await;
    assert_eq!((queued(&world), count(&world, "delivered")), (0.0, 0.0));
}

#[tokio::test]
async fn an_answer_that_is_too_slow_or_too_large_is_judged_by_what_came_of_it() {
    // The pool reads 64 KiB of an answer: the status says that it was taken.
    let receiver = Receiver::start([Answer::Never, Answer::Large(1 << 20)]).await;
    let world = world(FeedSettings { timeout: Duration::from_millis(300), ..feed(&receiver) }).await;
    world.send(push(&good(1))).await;
    until(|| count(&world, "delivered") == 1.0).await;
    let received = receiver.received();
    assert_eq!(received.iter().map(|it| it.status).collect::<Vec<_>>(), [0, 200]);
}
