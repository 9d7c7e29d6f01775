//! APNs answers 503 to everything, beside an FCM that is well.

use fanfare_simulator::{Fault, FaultRule, ScriptedAnswer, Trigger};

use super::*;
use crate::harness::{figure, good, metric_sum, push};

/// How many pushes to APNs are sent at once, beside some to FCM.
const BURST: usize = 50;
const BESIDE: usize = 20;
const ROUNDS: usize = 10;

/// Sends one round. Returns what the pushes to APNs were told.
async fn round(world: &World, number: usize) -> Vec<proto::PushResult> {
    let tokens = (0..BURST).map(|at| good(number * BURST + at));
    let fcm = fcm_takes(world, APP, number * BESIDE..(number + 1) * BESIDE);
    tokio::join!(world.send_all(tokens), fcm).0
}

#[tokio::test]
async fn while_apns_answers_503_it_is_left_alone_and_fcm_is_served_as_before() {
    let world = world(|_, _| {}).await;
    let well = round(&world, 0).await;
    assert!(well.iter().all(|result| result.outcome() == Outcome::Accepted), "{well:?}");
    let (waited, before) =
        (metric_sum(&world, "fanfare_upstream_wait_seconds_count", "fcm"), apns_arrived(&world));

    let unavailable = ScriptedAnswer {
        status: 503,
        reason: Some("ServiceUnavailable".to_owned()),
        ..ScriptedAnswer::default()
    };
    world.simulator.add_fault(FaultRule::always(Trigger::Service(APNS), Fault::Answer(unavailable)));
    let (mut answered, mut left_alone) = (0, 0);
    for number in 1..=ROUNDS {
        for result in round(&world, number).await {
            if is_held_back(&result) {
                held_back(&result, "fails: it answers 503");
                left_alone += 1;
            } else {
                assert_eq!(number, 1, "{result:?}");
                assert_eq!(
                    (result.outcome(), result.upstream_status, result.upstream_reason.as_str()),
                    (Outcome::UpstreamUnavailable, 503, "ServiceUnavailable")
                );
                answered += 1;
            }
        }
    }
    let arrived = apns_arrived(&world) - before;
    assert!((5..=BURST).contains(&answered), "{answered}");
    assert_eq!(left_alone, ROUNDS * BURST - answered);
    assert!(arrived <= 2 * BURST, "each of the first is sent twice at most: {arrived}");
    assert_eq!(metric_sum(&world, "fanfare_breaker_peers_open{", ""), 1.0);
    assert_eq!(metric_sum(&world, "fanfare_breaker_peers_opened_total{", "status"), 1.0);
    // FCM served its pushes in the order in which they were sent, and none of them waited for a stream.
    let expected: Vec<_> = (0..(ROUNDS + 1) * BESIDE).map(|number| format!("ok:{number}")).collect();
    assert_eq!(fcm_arrived(&world), expected);
    assert_eq!(metric_sum(&world, "fanfare_upstream_wait_seconds_count", "fcm"), waited);

    // A probe that fails keeps the others back.
    until_probe().await;
    let probed = round(&world, ROUNDS + 1).await;
    assert_eq!(probed.iter().filter(|result| !is_held_back(result)).count(), 1, "{probed:?}");
    world.simulator.clear_faults();
    until_probe().await;
    let result = world.send(push(&good(0))).await;
    assert_eq!(result.outcome(), Outcome::Accepted, "{result:?}");
    let healed = round(&world, ROUNDS + 2).await;
    assert!(healed.iter().all(|result| result.outcome() == Outcome::Accepted), "{healed:?}");
    assert_eq!(metric_sum(&world, "fanfare_breaker_peers_open{", ""), 0.0);
    figure(&format!(
        "APNs 503: of {} pushes {answered} were answered 503 and {left_alone} held back, {arrived} requests arrived; \
         FCM beside it: {} of {} accepted at the first attempt, in order",
        ROUNDS * BURST,
        ROUNDS * BESIDE,
        ROUNDS * BESIDE
    ));
}
