//! Connections that never begin, and ports that are closed or deaf. As long as one address is well, nothing is lost.

use std::time::Duration;

use fanfare::config::Config;
use fanfare_simulator::{
    AfterGoAway, Environment, Fault, FaultRule, GoAway, HangUp, LastId, Service, Trigger,
};

use crate::network::{Names, Place};
use crate::script::{self, Blow, Step};
use crate::traffic::Traffic;
use crate::worlds::{Shape, World};

/// The address that faults strike. The first one stays well.
const SICK: Environment = Environment::Sandbox;

fn both() -> Names {
    Names::Lead(vec![Place::First, Place::Second])
}

/// Ends every connection without a loss, so that new ones have to open.
fn go_away() -> Fault {
    let last = LastId::Highest;
    Fault::GoAway(GoAway { last, code: 0, reason: None, then: AfterGoAway::Drain })
}

fn reopen(arrived: u64) -> Step {
    Step::at(arrived, Blow::StrikeAll(go_away()))
}

fn quick(config: &mut Config) {
    config.upstream.connect_timeout = Duration::from_secs(5);
}

/// A push whose connect failed once is told so at once.
fn without_patience(config: &mut Config) {
    config.upstream.connect_timeout = Duration::from_secs(20);
    config.upstream.connect_patience = 1;
}

/// Sends 600 pushes while one of two addresses is sick. After each hundred of them the connections open anew.
async fn one_is_sick(fault: &Fault) -> World {
    let shape = Shape { names: both(), ..Shape::default() };
    let mut world = World::start(shape, without_patience).await;
    world.simulator.add_fault(FaultRule::always(Trigger::Service(Service::Apns(SICK)), fault.clone()));
    let steps = (1..=5).map(|at| reopen(at * 100)).collect();
    let totals = world.run(Traffic::of(600), steps).await.unwrap();
    assert_eq!(totals.unsent, 0, "{fault:?} {totals:?}");
    assert_eq!(totals.accepted + totals.in_buffers, 600, "{fault:?} {totals:?}");
    world
}

#[tokio::test]
async fn one_address_whose_tls_is_refused_starves_nobody() {
    one_is_sick(&Fault::RefuseTls).await.end().await;
}

#[tokio::test]
async fn one_address_that_resets_connections_starves_nobody() {
    one_is_sick(&Fault::RefuseTcp).await.end().await;
}

#[tokio::test]
async fn one_address_whose_tls_never_answers_starves_nobody() {
    one_is_sick(&Fault::SilentTls).await.end().await;
}

#[tokio::test]
async fn one_address_with_a_certificate_for_another_name_starves_nobody() {
    one_is_sick(&Fault::WrongName).await.end().await;
}

#[tokio::test]
async fn one_address_with_an_expired_certificate_starves_nobody() {
    one_is_sick(&Fault::ExpiredCertificate).await.end().await;
}

#[tokio::test]
async fn one_address_that_never_sends_settings_starves_nobody() {
    one_is_sick(&Fault::NoSettings).await.end().await;
}

#[tokio::test]
async fn one_address_that_never_answers_costs_its_first_push_alone() {
    let shape = Shape { names: Names::Lead(vec![Place::Second]), ..Shape::default() };
    let impatient = |config: &mut Config| config.upstream.answer_timeout = Duration::from_secs(3);
    let mut world = World::start(shape, impatient).await;
    world.simulator.add_fault(FaultRule::always(Trigger::Service(Service::Apns(SICK)), Fault::Silence));
    // A gateway that connects anew is led to the address that is well.
    let steps = vec![Step::at(1, Blow::Say(Names::Lead(vec![Place::First])))];
    let totals = world.run(Traffic::of(600), steps).await.unwrap();
    assert_eq!((totals.unanswered, totals.accepted), (1, 599), "{totals:?}");
    assert_eq!(world.opened(), 2);
    assert_eq!(world.metric("fanfare_upstream_connections_closed_total{", "answer_timeout"), 1.0);
    world.end().await;
}

/// Sends 600 pushes. After each hundred of them the connections open anew. All are accepted, and no other connection opens.
async fn reopened(mut world: World) {
    let steps = (1..=5).map(|at| reopen(at * 100)).collect();
    let totals = world.run(Traffic::of(600), steps).await.unwrap();
    assert_eq!(totals.accepted, 600, "{totals:?}");
    assert!(world.opened() <= 6, "{}", world.opened());
    world.end().await;
}

#[tokio::test]
async fn one_address_that_refuses_connections_starves_nobody() {
    let shape = Shape { names: both(), ..Shape::default() };
    let world = World::start(shape, quick).await;
    world.simulator.stop_listening(SICK).await;
    reopened(world).await;
}

#[tokio::test]
async fn one_address_whose_backlog_never_accepts_starves_nobody() {
    let names = Names::Lead(vec![Place::Deaf, Place::First]);
    let world = World::start(Shape { names, ..Shape::default() }, quick).await;
    reopened(world).await;
}

#[tokio::test]
async fn a_slow_tls_handshake_is_waited_for_by_all_who_need_it() {
    // The first connect is silent until it is given up, and the next one is well.
    let mut world = World::start(Shape::default(), quick).await;
    world.simulator.add_fault(FaultRule::once(Trigger::Connection(1), Fault::SilentTls));
    let totals = world.run(Traffic::of(300), Vec::new()).await.unwrap();
    assert_eq!(totals.accepted, 300, "{totals:?}");
    assert_eq!(world.opened(), 2);
    world.end().await;
}

#[tokio::test]
async fn an_outage_is_told_as_unsent_and_ends_when_the_port_opens_again() {
    let mut world = World::start(Shape::default(), quick).await;
    world.warm_up().await;
    let steps = vec![
        Step::at(100, Blow::Close(Environment::Production)),
        Step::at(
            100,
            Blow::StrikeAll(Fault::HangUp { how: HangUp::Reset, at: fanfare_simulator::Phase::AfterBody }),
        ),
        Step::later(500, Blow::Open(Environment::Production)),
    ];
    let totals = world.run(Traffic::of(2000), steps).await.unwrap();
    // Only pushes that had arrived are in doubt, and some of those were answered.
    assert!(totals.accepted + totals.unconfirmed >= 100, "{totals:?}");
    assert_eq!(totals.accepted + totals.unconfirmed + totals.unsent, 2000, "{totals:?}");
    // The traffic may have been over before the outage. After it everything is as before.
    script::play(&world, vec![Step::later(0, Blow::Open(Environment::Production))]).await;
    world.recovers().await;
    let totals = world.run(Traffic::of(200), Vec::new()).await.unwrap();
    assert_eq!(totals.accepted, 200, "{totals:?}");
    world.end().await;
}
