//! A feed when the gateway drains, and when the configuration changes.

use std::time::Duration;

use fanfare::feed::FeedSettings;

use super::receiver::{Answer, Receiver};
use super::{count, feed, queued, targets, world};
use crate::harness::{config, good, push, until};

#[tokio::test]
async fn a_drain_sends_what_is_queued_without_the_wait_for_more() {
    let receiver = Receiver::start([Answer::Status(500)]).await;
    let world = world(FeedSettings { batch_delay: Duration::from_secs(3600), ..feed(&receiver) }).await;
    world.send_all((0..3).map(good)).await;
    assert_eq!((queued(&world), receiver.received().len()), (3.0, 0));
    world.gateway.shut_down().await;
    let mut told = targets(&receiver.taken());
    told.sort_unstable();
    assert_eq!(told, [0, 1, 2].map(good));
}

#[tokio::test]
async fn what_a_drain_cannot_send_is_left_at_its_end() {
    let receiver = Receiver::start([]).await;
    receiver.answer(Answer::Never);
    let feed = feed(&receiver);
    let world = crate::harness::World::with(
        |builder| builder,
        |config| (config.feeds, config.drain_timeout) = (vec![feed], Duration::from_millis(300)),
    )
    .await;
    let log = super::log::Log::begin();
    world.send_all((0..3).map(good)).await;
    world.gateway.shut_down().await;
    assert!(receiver.taken().is_empty());
    let lines = log.lines_with("a feed ends with events that its receiver did not take");
    assert!(lines.len() == 1 && lines[0].contains("lost=3") && lines[0].contains("WARN"), "{lines:#?}");
}

#[tokio::test]
async fn a_reload_keeps_what_is_queued_and_sends_it_where_the_configuration_says_now() {
    let (mut former, newer) = (Receiver::start([]).await, Receiver::start([]).await);
    former.stop().await;
    let world = world(feed(&former)).await;
    world.send_all((0..5).map(good)).await;
    assert_eq!(queued(&world), 5.0);
    let reload = |feeds: Vec<FeedSettings>| {
        let mut config = config(&world.simulator);
        config.feeds = feeds;
        world.gateway.reload(config).unwrap().changed
    };
    assert!(!reload(vec![feed(&former)]).contains(&"feed"));
    assert_eq!(queued(&world), 5.0);
    assert!(reload(vec![feed(&newer)]).contains(&"feed"));
    until(|| count(&world, "delivered") == 5.0).await;
    world.send(push(&good(5))).await;
    until(|| count(&world, "delivered") == 6.0).await;
    let mut told = targets(&newer.taken());
    told.sort_unstable();
    assert_eq!(told, [0, 1, 2, 3, 4, 5].map(good));
    // A feed that is taken out is told nothing, and its metrics go with it.
    reload(Vec::new());
    world.send(push(&good(6))).await;
    assert!(!world.gateway.metrics().page().contains("feed=\"crm\""));
    reload(vec![feed(&newer)]);
    world.send(push(&good(7))).await;
    until(|| count(&world, "delivered") == 1.0).await;
    assert_eq!(newer.taken().len(), 7);
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_asked_again_once_the_configuration_was_read_again() {
    let receiver = Receiver::start([Answer::Status(410)]).await;
    let world = world(feed(&receiver)).await;
    for number in 0..3 {
        world.send(push(&good(number))).await;
        until(|| count(&world, "refused") == (number + 1) as f64).await;
    }
    assert_eq!(receiver.received().len(), 1, "it wants nothing any more");
    let mut config = config(&world.simulator);
    config.feeds = vec![feed(&receiver)];
    world.gateway.reload(config).unwrap();
    world.send(push(&good(3))).await;
    until(|| count(&world, "delivered") == 1.0).await;
    assert_eq!(targets(&receiver.taken()), [good(3)]);
}
