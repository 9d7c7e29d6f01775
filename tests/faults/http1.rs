//! The faults of the wire with an upstream that speaks HTTP/1.1. A connection carries one request at a time, so each fault
//! leaves at most one push in doubt for each connection that it strikes.

use std::time::Duration;

use fanfare::config::Config;
use fanfare_simulator::{
    AfterGoAway, Environment, Fault, FaultRule, GoAway, HangUp, LastId, Phase, Service, Trigger,
};

use crate::accounts::Totals;
use crate::network::{Names, Place};
use crate::script::{Blow, Step};
use crate::traffic::Traffic;
use crate::worlds::{Shape, World};

const PUSHES: u64 = 600;

/// How often a fault strikes.
const TIMES: u32 = 10;

/// The upstream with TLS, as behind a reverse proxy, and without it.
const WAYS: [bool; 2] = [false, true];

fn proxy(tls: bool) -> Shape {
    Shape { service: Service::Mattermost, tls, ..Shape::default() }
}

async fn meet(tls: bool, fault: &Fault, change: impl FnOnce(&mut Config)) -> (World, Totals) {
    let mut world = World::start(proxy(tls), change).await;
    world.warm_up().await;
    let steps = vec![Step::next(100, TIMES, fault.clone())];
    let totals = world.run(Traffic::of(PUSHES), steps).await.unwrap();
    (world, totals)
}

fn close() -> Fault {
    Fault::GoAway(GoAway { last: LastId::Highest, code: 0, reason: None, then: AfterGoAway::Drain })
}

/// Makes the backoff so short that these tests never wait for it.
fn impatient(config: &mut Config) {
    config.upstream.answer_timeout = Duration::from_secs(3);
}

#[tokio::test]
async fn a_quiet_proxy_accepts_everything_on_connections_that_are_kept() {
    for tls in WAYS {
        let most = 16;
        let mut world =
            World::start(proxy(tls), |config| config.upstream.max_connections_per_peer = most).await;
        let totals = world.run(Traffic::of(2000), Vec::new()).await.unwrap();
        assert_eq!((totals.accepted, totals.requests), (2000, 2000), "{totals:?}");
        assert!(world.opened() <= most as u64, "{} sockets for 2000 pushes", world.opened());
        world.end().await;
    }
}

#[tokio::test]
async fn a_connection_that_ends_at_any_point_leaves_its_own_push_in_doubt_alone() {
    let points = [Phase::BeforeBody, Phase::DuringBody, Phase::AfterBody, Phase::AfterAnswerHeaders];
    for tls in WAYS {
        for at in points {
            for how in [HangUp::Fin, HangUp::Reset] {
                let (world, totals) = meet(tls, &Fault::HangUp { how, at }, |_| {}).await;
                assert!(totals.unconfirmed <= u64::from(TIMES), "{at:?} {how:?} {totals:?}");
                assert_eq!(totals.accepted + totals.unconfirmed, PUSHES, "{at:?} {how:?} {totals:?}");
                world.end().await;
            }
        }
    }
}

#[tokio::test]
async fn an_answer_that_closes_its_connection_loses_nothing() {
    for tls in WAYS {
        let (world, totals) = meet(tls, &close(), |_| {}).await;
        assert_eq!((totals.accepted, totals.requests), (PUSHES, PUSHES), "{totals:?}");
        let closed = world.metric("fanfare_upstream_connections_closed_total{", "cause=\"closed\"");
        assert!(closed >= f64::from(TIMES), "{closed}");
        world.end().await;
    }
}

/// A server that closes an idle connection cannot know whether a request is on its way. A push that met such an end is in
/// doubt, and every other one is sent elsewhere.
#[tokio::test]
async fn idle_connections_that_are_closed_again_and_again_cost_no_more_than_what_met_the_end() {
    for tls in WAYS {
        let mut world = World::start(proxy(tls), |_| {}).await;
        let steps = (1..=20).map(|at| Step::at(at * 50, Blow::StrikeAll(close()))).collect();
        let traffic = Traffic { callers: 8, batches: 1, ..Traffic::of(1200) };
        let totals = world.run(traffic, steps).await.unwrap();
        assert_eq!(totals.accepted + totals.unconfirmed, 1200, "{totals:?}");
        assert_eq!(totals.unconfirmed, totals.in_buffers + totals.unanswered, "{totals:?}");
        world.end().await;
    }
}

#[tokio::test]
async fn silence_is_given_up_at_the_answer_timeout() {
    for tls in WAYS {
        for fault in [Fault::Silence, Fault::HalfOpen] {
            let (world, totals) = meet(tls, &fault, impatient).await;
            let in_doubt = u64::from(TIMES);
            assert_eq!((totals.unconfirmed, totals.accepted), (in_doubt, PUSHES - in_doubt), "{totals:?}");
            let closed =
                world.metric("fanfare_upstream_connections_closed_total{", "cause=\"answer_timeout\"");
            assert_eq!(closed, f64::from(TIMES), "{fault:?}");
            world.end().await;
        }
    }
}

#[tokio::test]
async fn a_body_that_does_not_end_or_is_far_too_large_is_given_up_with_its_connection() {
    let faults = [
        Fault::HeadersWithoutBody,
        Fault::BodyWithoutEnd,
        Fault::HugeBody(10 * 1024 * 1024),
        Fault::Trickle { every: Duration::from_secs(1) },
    ];
    for fault in faults {
        let (world, totals) = meet(true, &fault, impatient).await;
        let in_doubt = u64::from(TIMES);
        assert_eq!((totals.lost_answers, totals.accepted), (in_doubt, PUSHES - in_doubt), "{totals:?}");
        world.end().await;
    }
}

#[tokio::test]
async fn a_slow_connection_is_no_dead_one() {
    let slow = Fault::Throttle { bytes: 20, every: Duration::from_millis(5) };
    let (world, totals) = meet(false, &slow, |_| {}).await;
    assert_eq!(totals.accepted, PUSHES, "{totals:?}");
    world.end().await;
}

#[tokio::test]
async fn what_is_repeatable_is_sent_again_and_nothing_else() {
    let mut world = World::start(proxy(true), |_| {}).await;
    world.warm_up().await;
    let reset = Fault::HangUp { how: HangUp::Reset, at: Phase::AfterBody };
    let traffic = Traffic { repeatable_every: 2, ..Traffic::of(1000) };
    let totals = world.run(traffic, vec![Step::next(100, 60, reset)]).await.unwrap();
    assert_eq!(totals.accepted + totals.unconfirmed, 1000, "{totals:?}");
    assert!(totals.repeated > 0 && totals.unconfirmed > 0, "{totals:?}");
    world.end().await;
}

#[tokio::test]
async fn one_address_that_refuses_starves_nobody() {
    let both = || Names::Lead(vec![Place::First, Place::Second]);
    let shape = Shape { names: both(), ..proxy(false) };
    let mut world = World::start(shape, |_| {}).await;
    world.simulator.stop_listening(Environment::Sandbox).await;
    // Each time all connections have to open again.
    let steps = (1..=5).map(|at| Step::next(at * 100, 64, close())).collect();
    let totals = world.run(Traffic::of(PUSHES), steps).await.unwrap();
    assert_eq!((totals.accepted, totals.requests), (PUSHES, PUSHES), "{totals:?}");
    world.end().await;
}

#[tokio::test]
async fn connects_that_are_refused_are_told_as_unsent_and_end_with_the_outage() {
    let mut world = World::start(proxy(true), |_| {}).await;
    world.warm_up().await;
    world.simulator.stop_listening(Environment::Sandbox).await;
    let reset = Fault::HangUp { how: HangUp::Reset, at: Phase::AfterBody };
    let steps = vec![
        Step::at(100, Blow::Say(Names::Lead(vec![Place::Second]))),
        Step::later(0, Blow::StrikeAll(reset)),
        Step::later(500, Blow::Say(Names::Lead(vec![Place::First]))),
    ];
    let totals = world.run(Traffic::of(2000), steps).await.unwrap();
    // Only pushes that had arrived are in doubt, and some of those were answered.
    assert!(totals.accepted + totals.unconfirmed >= 100, "{totals:?}");
    assert_eq!(totals.accepted + totals.unconfirmed + totals.unsent, 2000, "{totals:?}");
    // The traffic may have been over before the outage.
    world.network.say(Names::Lead(vec![Place::First]));
    world.recovers().await;
    let totals = world.run(Traffic::of(200), Vec::new()).await.unwrap();
    assert_eq!(totals.accepted, 200, "{totals:?}");
    world.end().await;
}

/// Without TLS a connect succeeds before the server has said anything, so a push that is written then is in doubt.
#[tokio::test]
async fn connections_that_are_reset_as_soon_as_they_open_are_counted_and_none_is_sent_twice() {
    let mut world = World::start(proxy(false), |_| {}).await;
    world.simulator.add_fault(FaultRule { when: Trigger::Always, fault: Fault::RefuseTcp, times: 20 });
    let totals = world.run(Traffic::of(PUSHES), Vec::new()).await.unwrap();
    assert_eq!(totals.accepted + totals.unconfirmed + totals.unsent, PUSHES, "{totals:?}");
    assert!(totals.unconfirmed <= 20, "{totals:?}");
    world.end().await;
}
