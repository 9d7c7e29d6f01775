//! The pace towards APNs, and the budget of retries.

use std::time::Duration;

use fanfare::proto::Outcome;
use fanfare_simulator::{Fault, FaultRule, ScriptedAnswer, Trigger};

use crate::harness::{World, good, metric_sum, push, within};

#[tokio::test]
async fn a_device_that_gets_too_much_slows_nobody() {
    let world = World::start().await;
    let hot = format!("f10d{:060x}", 1);
    for number in 0..60 {
        let result = world.send(within(push(&hot), Duration::from_secs(1))).await;
        assert_eq!(result.outcome(), Outcome::RateLimited, "{result:?}");
        let result = world.send(push(&good(number))).await;
        assert_eq!((result.outcome(), result.attempts), (Outcome::Accepted, 1), "{result:?}");
    }
    assert_eq!(metric_sum(&world, "fanfare_pace_", ""), 0.0, "nobody waited, and no pace was lowered");
}

#[tokio::test]
async fn many_devices_that_get_too_much_slow_the_others() {
    let world = World::start().await;
    for number in 0..40 {
        let hot = format!("f10d{number:060x}");
        let result = world.send(within(push(&hot), Duration::from_secs(1))).await;
        assert!(matches!(result.outcome(), Outcome::RateLimited | Outcome::NotAttempted), "{result:?}");
    }
    assert_eq!(metric_sum(&world, "fanfare_pace_lowered_total", ""), 1.0);
}

#[tokio::test]
async fn where_no_retry_is_left_the_last_answer_stands_and_is_counted() {
    let unavailable = || {
        let answer = ScriptedAnswer::refusal(503, "ServiceUnavailable");
        FaultRule::once(Trigger::DeviceToken(good(1)), Fault::Answer(answer))
    };
    let world = World::start().await;
    world.simulator.add_fault(unavailable());
    let result = world.send(push(&good(1))).await;
    assert_eq!((result.outcome(), result.attempts), (Outcome::Accepted, 2), "{result:?}");

    let none = |config: &mut fanfare::config::Config| {
        (config.upstream.retry_percent, config.upstream.retry_min_per_second) = (0, 0);
    };
    let world = World::with(|builder| builder, none).await;
    world.simulator.add_fault(unavailable());
    let result = world.send(push(&good(1))).await;
    assert_eq!((result.outcome(), result.attempts), (Outcome::UpstreamUnavailable, 1), "{result:?}");
    assert!(result.retryable && result.retry_after.is_some(), "{result:?}");
    assert_eq!(metric_sum(&world, "fanfare_retries_refused_total", ""), 1.0);
}
