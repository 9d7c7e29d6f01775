//! The same traffic and the same accounts with the push service behind a CONNECT proxy, which refuses, drops and stalls.

use std::time::Duration;

use fanfare::config::Config;
use fanfare_simulator::{AfterGoAway, Fault, GoAway, HangUp, LastId, Phase};

use crate::accounts::Totals;
use crate::script::{Blow, Step};
use crate::settings::unbroken;
use crate::traffic::Traffic;
use crate::tunnels::{Refusal, Trouble, Tunnels};
use crate::worlds::{Shape, World};

const PUSHES: u64 = 3000;

/// Traffic of 64 callers, and of two batches with a hundred pushes in flight each.
const IN_FLIGHT: u64 = 264;

/// The bytes that the proxy swallowed could hold at most so many of the shortest pushes and answers for each that was under
/// way. Real ones are longer, and frames of the connection lie between them.
const PER_PUSH: u64 = 3;

async fn behind_a_proxy(streams: u32, change: impl FnOnce(&mut Config)) -> World {
    let proxy = Some(Tunnels::start().await);
    let shape = Shape { streams, proxy, latency: Duration::from_millis(20), ..Shape::default() };
    let mut world = World::start(shape, change).await;
    world.warm_up().await;
    world
}

/// `PUSHES` pushes meet the steps. Each verdict is true, and every push that comes after is accepted.
async fn meet(steps: Vec<Step>, streams: u32, change: impl FnOnce(&mut Config)) -> (World, Totals) {
    let mut world = behind_a_proxy(streams, change).await;
    let totals = world.run(Traffic::of(PUSHES), steps).await.unwrap();
    assert_eq!((totals.unsent, totals.late), (0, 0), "{totals:?}");
    assert_eq!(totals.accepted + totals.unconfirmed, PUSHES, "{totals:?}");
    let after = world.run(Traffic::of(300), Vec::new()).await.unwrap();
    assert_eq!((after.accepted, after.requests), (300, 300), "{after:?}");
    (world, totals)
}

/// No push gives up because connects fail, so only its deadline ends its wait.
fn persistent(config: &mut Config) {
    unbroken(config);
    config.upstream.connect_patience = 1000;
    config.upstream.connect_timeout = Duration::from_secs(20);
}

fn go_away(last: LastId) -> Fault {
    Fault::GoAway(GoAway { last, code: 0, reason: None, then: AfterGoAway::Drain })
}

/// So many of the next CONNECT requests meet this fault, and a connection is needed.
fn refuse(arrived: u64, times: u32, refusal: Refusal) -> [Step; 2] {
    [
        Step::at(arrived, Blow::Tunnels(Trouble::Next(times, refusal))),
        Step::at(arrived, Blow::StrikeAll(go_away(LastId::Highest))),
    ]
}

fn connect_failures(world: &World, cause: &str) -> f64 {
    world.metric("fanfare_upstream_connect_failures_total{", cause)
}

#[tokio::test]
async fn a_quiet_proxy_loses_nothing_and_one_tunnel_is_enough() {
    let (world, totals) = meet(Vec::new(), 1000, |_| {}).await;
    assert_eq!((totals.accepted, totals.requests), (PUSHES, PUSHES), "{totals:?}");
    assert_eq!((totals.in_buffers_most, totals.lost_answers_most), (0, 0), "{totals:?}");
    assert_eq!(world.opened(), 1);
    world.end().await;
}

#[tokio::test]
async fn a_proxy_that_refuses_for_a_while_costs_no_push() {
    let steps = [refuse(500, 8, Refusal::Status(502)), refuse(1500, 8, Refusal::Status(407))];
    let (world, totals) = meet(steps.concat(), 1000, persistent).await;
    assert_eq!(totals.accepted, PUSHES, "{totals:?}");
    assert_eq!(connect_failures(&world, "cause=\"proxy\""), 16.0);
    assert!(world.opened() <= 3, "{}", world.opened());
    world.end().await;
}

/// A refused tunnel carried no request out of the gateway, so pushes that it cost are told as unsent.
#[tokio::test]
async fn pushes_that_lose_their_patience_with_a_proxy_are_unsent() {
    let mut world = behind_a_proxy(1000, |config| config.upstream.connect_patience = 1).await;
    // After three the peer would be left alone, and no number would bound what that costs.
    let steps = refuse(500, 2, Refusal::Status(502)).to_vec();
    let totals = world.run(Traffic::of(PUSHES), steps).await.unwrap();
    assert_eq!(totals.accepted + totals.unsent, PUSHES, "{totals:?}");
    assert!((1..=2 * IN_FLIGHT).contains(&totals.unsent), "{totals:?}");
    assert_eq!(totals.unconfirmed, 0, "{totals:?}");
    world.end().await;
}

#[tokio::test]
async fn new_tunnels_that_stall_are_given_up_at_the_connect_timeout() {
    for refusal in [Refusal::Silence, Refusal::SilentTunnel] {
        let steps = [refuse(500, 1, refusal), refuse(1500, 1, refusal)];
        let (world, totals) = meet(steps.concat(), 1000, |config| {
            persistent(config);
            config.upstream.connect_timeout = Duration::from_secs(2);
        })
        .await;
        assert_eq!(totals.accepted, PUSHES, "{refusal:?} {totals:?}");
        assert!(connect_failures(&world, "cause=\"timeout\"") >= 2.0, "{refusal:?}");
        world.end().await;
    }
}

/// Only pushes under way are in doubt, and no more of them than the bytes that the proxy swallowed can hold.
fn assert_in_doubt(totals: &Totals, most: u64) {
    assert!((1..=most).contains(&totals.unconfirmed), "{totals:?}");
    assert_eq!(totals.unanswered, 0, "the simulator answers whatever it reads: {totals:?}");
    assert!(totals.in_buffers_most + totals.lost_answers_most <= PER_PUSH * most, "{totals:?}");
}

#[tokio::test]
async fn tunnels_that_are_dropped_leave_in_doubt_what_was_under_way_alone() {
    for how in [HangUp::Fin, HangUp::Reset] {
        let cut = |arrived| Step::at(arrived, Blow::Tunnels(Trouble::Cut(how)));
        let (world, totals) = meet(vec![cut(500), cut(1500), cut(2500)], 1000, persistent).await;
        assert_in_doubt(&totals, 3 * IN_FLIGHT);
        assert_eq!(world.opened(), 4, "{how:?}");
        world.end().await;
    }
}

#[tokio::test]
async fn a_tunnel_that_stalls_is_found_by_ping_and_what_waited_moves() {
    const STREAMS: u32 = 100;
    let steps = vec![Step::at(1000, Blow::Tunnels(Trouble::Stall))];
    let (world, totals) = meet(steps, STREAMS, |config| {
        persistent(config);
        config.upstream.max_connections_per_peer = 1;
        config.upstream.ping_after = Duration::from_secs(1);
        config.upstream.ping_timeout = Duration::from_secs(4);
    })
    .await;
    // The others of the 264 in flight waited for a stream, and were accepted over the next tunnel.
    assert_in_doubt(&totals, STREAMS.into());
    assert_eq!(world.metric("fanfare_upstream_connections_closed_total{", "ping_lost"), 1.0);
    assert_eq!(world.opened(), 2);
    world.end().await;
}

#[tokio::test]
async fn goaways_and_refused_streams_come_through_a_tunnel_as_without_one() {
    const REFUSED_STREAM: u32 = 7;
    let refused = Fault::ResetStream { code: REFUSED_STREAM, at: Phase::BeforeBody };
    let steps = vec![
        Step::next(300, 1, go_away(LastId::This)),
        Step::next(800, 50, refused),
        Step::next(1300, 1, go_away(LastId::BeforeThis)),
        Step::next(1800, 50, Fault::RefuseThenClosed),
        Step::next(2300, 1, Fault::GracefulGoAway { pause: Duration::from_millis(10), reason: None }),
    ];
    let (world, totals) = meet(steps, 1000, persistent).await;
    assert_eq!(totals.accepted, PUSHES, "{totals:?}");
    assert_eq!(world.metric("fanfare_upstream_resent_total{", "refused_stream"), 100.0);
    assert!(world.opened() <= 4, "{}", world.opened());
    world.end().await;
}

#[tokio::test]
async fn a_peer_that_hangs_up_behind_its_goaway_is_seen_through_the_tunnel() {
    for how in [HangUp::Fin, HangUp::Reset] {
        let then = AfterGoAway::HangUp(how);
        let fault = Fault::GoAway(GoAway { last: LastId::BeforeThis, code: 0, reason: None, then });
        let (world, totals) = meet(vec![Step::next(1000, 1, fault)], 1000, persistent).await;
        assert!(totals.unconfirmed <= IN_FLIGHT, "{how:?} {totals:?}");
        assert_eq!(world.opened(), 2, "{how:?}");
        world.end().await;
    }
}

/// Only `repeatable` pushes go again over the next tunnel, and some of them arrive twice.
#[tokio::test]
async fn what_is_repeatable_is_sent_again_after_a_dropped_tunnel_and_nothing_else() {
    let mut world = behind_a_proxy(1000, persistent).await;
    let steps = vec![Step::at(1000, Blow::Tunnels(Trouble::Cut(HangUp::Reset)))];
    let traffic = Traffic { repeatable_every: 2, ..Traffic::of(PUSHES) };
    let totals = world.run(traffic, steps).await.unwrap();
    assert_eq!(totals.accepted + totals.unconfirmed, PUSHES, "{totals:?}");
    assert!(totals.repeated > 0 && totals.unconfirmed > 0, "{totals:?}");
    assert!(totals.repeated + totals.unconfirmed <= IN_FLIGHT, "{totals:?}");
    world.end().await;
}
