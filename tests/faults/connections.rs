//! Faults of whole connections: GOAWAY in each of its forms, resets at each point of an exchange, silence.

use std::time::Duration;

use fanfare::config::Config;
use fanfare_simulator::{AfterGoAway, Fault, GoAway, HangUp, LastId, Phase};

use crate::accounts::Totals;
use crate::script::{Blow, Step};
use crate::traffic::Traffic;
use crate::worlds::{Shape, World};

/// Traffic of 64 callers, and of two batches with a hundred pushes in flight each.
const IN_FLIGHT: u64 = 264;

const NO_ERROR: u32 = 0;
const ENHANCE_YOUR_CALM: u32 = 11;

fn goaway(last: LastId, code: u32, then: AfterGoAway) -> Fault {
    Fault::GoAway(GoAway { last, code, reason: Some("Shutdown".to_owned()), then })
}

/// A warm world in which 800 pushes meet the steps.
async fn meet(shape: Shape, steps: Vec<Step>) -> (World, Totals) {
    meet_with(shape, steps, |_| {}).await
}

async fn meet_with(shape: Shape, steps: Vec<Step>, change: impl FnOnce(&mut Config)) -> (World, Totals) {
    let mut world = World::start(shape, change).await;
    world.warm_up().await;
    let totals = world.run(Traffic::of(800), steps).await.unwrap();
    assert_eq!(totals.unsent, 0, "{totals:?}");
    assert_eq!(totals.accepted + totals.unconfirmed, 800, "{totals:?}");
    (world, totals)
}

fn many_in_flight() -> Shape {
    Shape { latency: Duration::from_millis(20), ..Shape::default() }
}

#[tokio::test]
async fn a_goaway_with_its_last_id_in_the_middle_loses_nothing() {
    let at = |arrived, last| Step::next(arrived, 1, goaway(last, NO_ERROR, AfterGoAway::Drain));
    let steps = vec![at(200, LastId::This), at(400, LastId::BeforeThis), at(600, LastId::Highest)];
    let (world, totals) = meet(many_in_flight(), steps).await;
    assert_eq!(totals.accepted, 800, "{totals:?}");
    assert!(world.opened() <= 4, "{} connections for three faults", world.opened());
    world.end().await;
}

#[tokio::test]
async fn a_goaway_from_a_peer_that_waits_for_us_to_close_loses_nothing() {
    let steps = vec![Step::next(200, 1, goaway(LastId::This, NO_ERROR, AfterGoAway::Serve))];
    let (world, totals) = meet(many_in_flight(), steps).await;
    assert_eq!(totals.accepted, 800, "{totals:?}");
    assert!(world.opened() <= 2, "{}", world.opened());
    world.end().await;
}

#[tokio::test]
async fn a_graceful_goaway_loses_nothing() {
    let fault = || Fault::GracefulGoAway { pause: Duration::from_millis(10), reason: None };
    let steps = vec![Step::next(200, 1, fault()), Step::next(500, 1, fault())];
    let (world, totals) = meet(many_in_flight(), steps).await;
    assert_eq!(totals.accepted, 800, "{totals:?}");
    assert!(world.opened() <= 3, "{}", world.opened());
    world.end().await;
}

#[tokio::test]
async fn what_a_goaway_excludes_is_sent_again_though_the_peer_hangs_up_at_once() {
    for how in [HangUp::Fin, HangUp::Reset] {
        let fault = goaway(LastId::BeforeThis, NO_ERROR, AfterGoAway::HangUp(how));
        let (world, totals) = meet(many_in_flight(), vec![Step::next(400, 1, fault)]).await;
        // Streams up to the last id were read and will not be answered. There are no more of them than pushes in flight.
        assert!(totals.unconfirmed <= IN_FLIGHT, "{how:?} {totals:?}");
        assert!(world.opened() <= 2, "{how:?} {}", world.opened());
        world.end().await;
    }
}

#[tokio::test]
async fn enhance_your_calm_moves_pushes_and_opens_no_storm() {
    let fault = || goaway(LastId::This, ENHANCE_YOUR_CALM, AfterGoAway::Drain);
    let steps = vec![Step::next(200, 1, fault()), Step::next(500, 1, fault())];
    let (world, totals) = meet(many_in_flight(), steps).await;
    assert_eq!(totals.accepted, 800, "{totals:?}");
    assert!(world.opened() <= 3, "{}", world.opened());
    world.end().await;
}

#[tokio::test]
async fn a_connection_that_ends_leaves_in_doubt_only_what_it_had_read_or_buffered() {
    for at in [Phase::BeforeBody, Phase::DuringBody, Phase::AfterBody, Phase::AfterAnswerHeaders] {
        for how in [HangUp::Fin, HangUp::Reset] {
            // A window of 100 bytes cuts each body into several frames, so that there is a middle.
            let shape = Shape { window: 100, ..many_in_flight() };
            let (world, totals) = meet(shape, vec![Step::next(400, 1, Fault::HangUp { how, at })]).await;
            assert!(totals.unconfirmed <= IN_FLIGHT, "{at:?} {how:?} {totals:?}");
            assert!(world.opened() <= 2, "{at:?} {how:?} {}", world.opened());
            world.end().await;
        }
    }
}

#[tokio::test]
async fn a_half_open_connection_is_found_and_its_unwritten_pushes_move() {
    let steps = vec![Step::at(400, Blow::Strike(Fault::HalfOpen))];
    let watchful = |config: &mut Config| {
        config.upstream.ping_after = Duration::from_secs(1);
        config.upstream.ping_timeout = Duration::from_secs(4);
    };
    let (world, totals) = meet_with(many_in_flight(), steps, watchful).await;
    assert!(totals.unconfirmed <= IN_FLIGHT, "{totals:?}");
    assert_eq!(world.metric("fanfare_upstream_connections_closed_total{", "ping_lost"), 1.0);
    assert!(world.opened() <= 2, "{}", world.opened());
    world.end().await;
}

#[tokio::test]
async fn what_a_shut_window_holds_back_is_in_doubt_once_its_time_is_over() {
    // At most the first 100 bytes of a body leave for a peer that has ceased to read.
    let shape = Shape { window: 100, ..many_in_flight() };
    let impatient = |config: &mut Config| config.upstream.answer_timeout = Duration::from_secs(3);
    let steps = vec![Step::at(400, Blow::Strike(Fault::HalfOpen))];
    let mut world = World::start(shape, impatient).await;
    world.warm_up().await;
    let totals = world.run(Traffic::of(800), steps).await.unwrap();
    // Each body that was cut short keeps its 100 bytes of the connection's window for good. What that has no room for is
    // not begun, and so it is unsent.
    assert_eq!(totals.accepted + totals.unconfirmed + totals.unsent, 800, "{totals:?}");
    assert!(totals.held_back > 0, "{totals:?}");
    assert_eq!(totals.unconfirmed, totals.held_back + totals.unanswered + totals.lost_answers, "{totals:?}");
    world.end().await;
}

#[tokio::test]
async fn a_slow_connection_is_no_dead_one() {
    let slow = Fault::Throttle { bytes: 200, every: Duration::from_millis(10) };
    let (world, totals) = meet(many_in_flight(), vec![Step::at(400, Blow::Strike(slow))]).await;
    assert_eq!(totals.accepted, 800, "{totals:?}");
    world.end().await;
}
