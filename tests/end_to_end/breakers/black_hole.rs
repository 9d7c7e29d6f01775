//! Nothing comes from APNs any more, neither on the connections that it has nor on new ones.

use fanfare_simulator::{Fault, FaultRule, Trigger};

use super::*;
use crate::harness::{figure, good, is_full, metric_sum, push, sized};

#[tokio::test]
async fn a_black_hole_costs_the_first_pushes_and_the_next_are_told_at_once() {
    let world = world(|config, _| {
        if is_full() {
            return;
        }
        // These are waited for in truth, and shorter than by default.
        config.upstream.ping_after = Duration::from_secs(1);
        config.upstream.ping_timeout = Duration::from_secs(2);
        config.upstream.connect_timeout = Duration::from_secs(1);
    })
    .await;
    let first = world.send(push(&good(0))).await;
    assert_eq!(first.outcome(), Outcome::Accepted, "{first:?}");
    fcm_takes(&world, APP, 0..1).await;

    let simulator = &world.simulator;
    simulator.add_fault(FaultRule::always(Trigger::Service(APNS), Fault::SilentTls));
    for connection in simulator.open_connections().iter().filter(|it| it.service == APNS) {
        simulator.on_connection(connection.id, &Fault::HalfOpen).unwrap();
    }
    // What was sent when it began is in doubt.
    let (lost, ()) = tokio::join!(world.send_all((1..11).map(good)), fcm_takes(&world, APP, 1..11));
    let reasons: Vec<_> = lost.iter().map(|result| (result.outcome(), result.reason())).collect();
    assert_eq!(reasons, [(Outcome::Unconfirmed, Reason::ConnectionLost); 10]);
    // What follows waits for connects, until it is plain that none succeeds.
    let mut unreachable = 0;
    loop {
        let result = world.send(push(&good(11))).await;
        if is_held_back(&result) {
            break;
        }
        assert_eq!(
            (result.outcome(), result.reason()),
            (Outcome::UpstreamUnavailable, Reason::UpstreamUnreachable)
        );
        unreachable += 1;
        assert!(unreachable <= 3, "{result:?}");
    }
    let (told, ()) = tokio::join!(world.send_all((12..112).map(good)), fcm_takes(&world, APP, 11..111));
    let why = sized("no connection within 1 s", "no connection within 10 s");
    told.iter().for_each(|result| held_back(result, why));
    assert_eq!(metric_sum(&world, "fanfare_breaker_peers_open{", ""), 1.0);

    simulator.clear_faults();
    until_probe().await;
    let healed = world.send(push(&good(112))).await;
    assert_eq!(healed.outcome(), Outcome::Accepted, "{healed:?}");
    let healed = world.send_all((113..163).map(good)).await;
    assert!(healed.iter().all(|result| result.outcome() == Outcome::Accepted), "{healed:?}");
    figure(&format!(
        "black hole: 10 pushes were in doubt, {unreachable} found no connection, 100 were held back at once; FCM beside it: \
         110 of 110 accepted"
    ));
}
