//! Faults of single streams, and limits of streams.

use std::time::Duration;

use fanfare_simulator::{Fault, Phase};

use crate::script::{Blow, Step};
use crate::settings::unbroken;
use crate::traffic::Traffic;
use crate::worlds::{Shape, World};

const REFUSED_STREAM: u32 = 7;

async fn warm(shape: Shape) -> World {
    let mut world = World::start(shape, unbroken).await;
    world.warm_up().await;
    world
}

#[tokio::test]
async fn a_quiet_upstream_accepts_everything_on_few_connections() {
    let mut world = warm(Shape::default()).await;
    let totals = world.run(Traffic::of(1000), Vec::new()).await.unwrap();
    assert_eq!((totals.accepted, totals.requests), (1000, 1000), "{totals:?}");
    assert_eq!(world.opened(), 1);
    world.end().await;
}

#[tokio::test]
async fn refused_streams_once_and_in_bursts_are_sent_again() {
    let mut world = warm(Shape::default()).await;
    let refused = || Fault::ResetStream { code: REFUSED_STREAM, at: Phase::BeforeBody };
    let read_and_refused = Fault::ResetStream { code: REFUSED_STREAM, at: Phase::AfterBody };
    let steps = vec![
        Step::next(100, 1, refused()),
        Step::next(150, 50, refused()),
        Step::next(250, 50, Fault::RefuseThenClosed),
        Step::share(400, 0.5, 100, read_and_refused),
    ];
    let totals = world.run(Traffic::of(1000), steps).await.unwrap();
    assert_eq!(totals.accepted, 1000, "{totals:?}");
    assert_eq!(world.metric("fanfare_upstream_resent_total{", "refused_stream"), 201.0);
    assert_eq!(world.opened(), 1);
    world.end().await;
}

#[tokio::test]
async fn any_other_reset_leaves_its_push_in_doubt_and_no_other() {
    let mut world = warm(Shape::default()).await;
    // The codes are NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, STREAM_CLOSED, CANCEL, ENHANCE_YOUR_CALM, HTTP_1_1_REQUIRED, and
    // one that nobody has defined. Source: RFC 9113, 7.
    let codes = [0, 1, 2, 5, 8, 11, 13, 99];
    let step = |(at, code): (usize, &u32)| {
        let phase = if at % 2 == 0 { Phase::BeforeBody } else { Phase::AfterBody };
        Step::next(50 * (at as u64 + 1), 10, Fault::ResetStream { code: *code, at: phase })
    };
    let steps = codes.iter().enumerate().map(step).collect();
    let totals = world.run(Traffic::of(1000), steps).await.unwrap();
    assert_eq!((totals.unconfirmed, totals.unanswered, totals.accepted), (80, 80, 920), "{totals:?}");
    assert_eq!(world.opened(), 1);
    world.end().await;
}

#[tokio::test]
async fn an_acceptance_that_is_reset_after_its_head_is_one_and_is_not_sent_again() {
    let mut world = warm(Shape::default()).await;
    let reset = Fault::ResetStream { code: 1, at: Phase::AfterAnswerHeaders };
    let traffic = Traffic { repeatable_every: 2, ..Traffic::of(400) };
    let totals = world.run(traffic, vec![Step::next(50, 20, reset)]).await.unwrap();
    assert_eq!((totals.accepted, totals.requests), (400, 400), "{totals:?}");
    assert_eq!(world.opened(), 1);
    world.end().await;
}

#[tokio::test]
async fn what_is_repeatable_is_sent_again_after_a_reset_and_nothing_else() {
    let mut world = warm(Shape::default()).await;
    let reset = Fault::ResetStream { code: 2, at: Phase::AfterBody };
    let traffic = Traffic { repeatable_every: 2, ..Traffic::of(1000) };
    let totals = world.run(traffic, vec![Step::next(100, 60, reset)]).await.unwrap();
    assert_eq!(totals.accepted + totals.unconfirmed, 1000, "{totals:?}");
    assert_eq!(totals.repeated + totals.unconfirmed, 60, "{totals:?}");
    assert!(totals.repeated > 0 && totals.unconfirmed > 0, "{totals:?}");
    world.end().await;
}

/// The limit falls while 500 pushes are in flight.
async fn limit_falls(to: u32) -> World {
    let mut world = warm(Shape { latency: Duration::from_millis(500), ..Shape::default() }).await;
    let steps = vec![
        Step::at(510, Blow::StrikeAll(Fault::SetMaxStreams(to))),
        Step::later(1000, Blow::StrikeAll(Fault::SetMaxStreams(1000))),
    ];
    let traffic = Traffic { callers: 500, batches: 2, ..Traffic::of(1000) };
    let totals = world.run(traffic, steps).await.unwrap();
    assert_eq!((totals.accepted, totals.requests), (1000, 1000), "{totals:?}");
    // A limit that falls asks for less, so it opens no connection.
    assert_eq!(world.opened(), 1);
    world
}

#[tokio::test]
async fn a_limit_of_one_with_500_in_flight_is_kept_and_loses_nothing() {
    limit_falls(1).await.end().await;
}

#[tokio::test]
async fn a_limit_of_none_with_500_in_flight_is_kept_and_loses_nothing() {
    limit_falls(0).await.end().await;
}

#[tokio::test]
async fn a_limit_of_2000_is_used_up_to_our_own() {
    let shape = Shape { streams: 100, latency: Duration::from_secs(5), ..Shape::default() };
    let mut world = World::start(shape, |config| config.upstream.max_streams = 400).await;
    world.warm_up().await;
    let steps = vec![Step::at(0, Blow::StrikeAll(Fault::SetMaxStreams(2000)))];
    let traffic = Traffic { callers: 450, batches: 0, ..Traffic::of(450) };
    let totals = world.run(traffic, steps).await.unwrap();
    assert_eq!((totals.accepted, totals.requests), (450, 450), "{totals:?}");
    let peak = world.simulator.open_connections().iter().map(|it| it.peak_streams).max();
    assert_eq!(peak, Some(400));
    assert!(world.opened() <= 2, "{}", world.opened());
    world.end().await;
}
