//! Answers that never come, never end, are far too large, or refuse the credential.

use std::time::Duration;

use fanfare::config::Config;
use fanfare_simulator::{Fault, FaultRule, ScriptedAnswer, Trigger};

use crate::accounts::Totals;
use crate::script::{Blow, Step};
use crate::settings::unbroken;
use crate::traffic::Traffic;
use crate::worlds::{Shape, World};

async fn warm(shape: Shape, change: impl FnOnce(&mut Config)) -> World {
    let mut world = World::start(shape, change).await;
    world.warm_up().await;
    world
}

/// Of 400 pushes 20 meet the fault, and only these are in doubt.
async fn twenty_in_doubt(fault: Fault) -> Totals {
    let impatient = |config: &mut Config| config.upstream.answer_timeout = Duration::from_secs(5);
    let mut world = warm(Shape::default(), impatient).await;
    let totals = world.run(Traffic::of(400), vec![Step::next(100, 20, fault)]).await.unwrap();
    assert_eq!((totals.unconfirmed, totals.accepted), (20, 380), "{totals:?}");
    // Streams are given up, but connections are not.
    assert_eq!(world.opened(), 1);
    world.end().await;
    totals
}

#[tokio::test]
async fn an_answer_that_never_comes_is_in_doubt_and_holds_up_no_other() {
    assert_eq!(twenty_in_doubt(Fault::Silence).await.unanswered, 20);
}

#[tokio::test]
async fn headers_of_an_acceptance_without_a_body_are_an_acceptance_and_hold_up_no_other() {
    let impatient = |config: &mut Config| config.upstream.answer_timeout = Duration::from_secs(5);
    let mut world = warm(Shape::default(), impatient).await;
    let step = Step::next(100, 20, Fault::HeadersWithoutBody);
    let totals = world.run(Traffic { repeatable_every: 2, ..Traffic::of(400) }, vec![step]).await.unwrap();
    assert_eq!((totals.accepted, totals.requests), (400, 400), "{totals:?}");
    assert_eq!(world.opened(), 1);
    world.end().await;
}

#[tokio::test]
async fn a_body_without_end_is_in_doubt_and_holds_up_no_other() {
    assert_eq!(twenty_in_doubt(Fault::BodyWithoutEnd).await.lost_answers, 20);
}

#[tokio::test]
async fn a_byte_a_second_is_in_doubt_and_holds_up_no_other() {
    let trickle = Fault::Trickle { every: Duration::from_secs(1) };
    assert_eq!(twenty_in_doubt(trickle).await.lost_answers, 20);
}

#[tokio::test]
async fn a_body_of_ten_mebibytes_is_not_read_and_holds_up_no_other() {
    let mut world = warm(Shape::default(), |_| {}).await;
    let huge = Fault::HugeBody(10 * 1024 * 1024);
    let totals = world.run(Traffic::of(400), vec![Step::next(100, 20, huge)]).await.unwrap();
    assert_eq!((totals.lost_answers, totals.accepted), (20, 380), "{totals:?}");
    assert_eq!(world.opened(), 1);
    world.end().await;
}

#[tokio::test]
async fn a_reset_that_enhances_calm_leaves_the_connection_open() {
    let mut world = warm(Shape::default(), unbroken).await;
    let calm = Fault::ResetStream { code: 11, at: fanfare_simulator::Phase::AfterBody };
    let totals = world.run(Traffic::of(400), vec![Step::next(100, 20, calm)]).await.unwrap();
    assert_eq!((totals.unanswered, totals.accepted), (20, 380), "{totals:?}");
    assert_eq!(world.opened(), 1);
    world.end().await;
}

#[tokio::test]
async fn an_expired_token_on_one_connection_of_three_is_mended_and_every_push_accepted() {
    let shape = Shape { streams: 40, latency: Duration::from_millis(200), ..Shape::default() };
    let mut world = warm(shape, |_| {}).await;
    // Pushes that wait have connections opened, and 200 callers fill three and more.
    let traffic = Traffic { callers: 200, batches: 0, ..Traffic::of(1200) };
    let expired = Fault::Answer(ScriptedAnswer::refusal(403, "ExpiredProviderToken"));
    let rule = FaultRule { when: Trigger::Connection(2), fault: expired, times: 100 };
    let totals = world.run(traffic, vec![Step::at(600, Blow::Rule(rule))]).await.unwrap();
    assert!(world.opened() >= 3, "{}", world.opened());
    assert!(totals.requests > 1200, "the fault never struck: {totals:?}");
    assert_eq!(totals.accepted, 1200, "{totals:?}");
    world.end().await;
}
