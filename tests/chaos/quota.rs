//! FCM, which takes so many pushes a second of a project, under callers and batches that hand in all they have, with an outage
//! of its own. Every push is accounted for, and none is lost to the limit.

use fanfare_simulator::{Fault, FaultRule, Rate, RetryAfter, ScriptedAnswer, Service, Trigger};
use fastrand::Rng;

use crate::ledger::Broken;
use crate::script::{Blow, Step};
use crate::traffic::Traffic;
use crate::worlds::{Shape, World};

/// How long a round takes, at the rate of its project.
const SECONDS: u64 = 3;

/// Sends at least so many pushes by FCM.
pub(crate) async fn run(seed: u64, pushes: u64) -> Result<(), Broken> {
    let mut dice = Rng::with_seed(seed);
    let shape = Shape { service: Service::Fcm, streams: 100, seed, ..Shape::default() };
    let mut world = World::start(shape, |_| {}).await;
    let (mut sent, mut requests, mut left_alone) = (0, 0, 0);
    while sent < pushes {
        let rate = Rate {
            per_second: dice.u64(200..=1000),
            burst: dice.u64(1..=200),
            retry_after: RetryAfter::Seconds(1),
        };
        let traffic =
            Traffic { repeatable_every: 7, once_every: 11, ..Traffic::of(SECONDS * rate.per_second) };
        let steps = if dice.bool() { outage(dice.u64(0..traffic.pushes)) } else { Vec::new() };
        let limited_only = steps.is_empty();
        world.simulator.fcm().set_project_rate(Some(rate));
        let totals = world.run(traffic, steps).await?;
        world.simulator.fcm().set_project_rate(None);
        if limited_only && totals.accepted != traffic.pushes {
            return Err(Broken::rule("a limit loses no push", format!("{rate:?} {totals:?}")));
        }
        if totals.unsent > totals.left_alone {
            return Err(Broken::rule("every push has its turn", format!("{rate:?} {totals:?}")));
        }
        (sent, requests) = (sent + traffic.pushes, requests + totals.requests);
        left_alone += totals.left_alone;
        // The project may be left alone still.
        while world.run(Traffic { callers: 1, batches: 0, ..Traffic::of(1) }, Vec::new()).await?.accepted == 0
        {
        }
    }
    world.end().await;
    println!("chaos: {sent} pushes by FCM at its rates, {requests} requests, {left_alone} left alone");
    Ok(())
}

/// FCM fails, and asks to be left alone for a second.
fn outage(at: u64) -> Vec<Step> {
    let headers = vec![("retry-after".into(), "1".into())];
    let ill = ScriptedAnswer { headers, ..ScriptedAnswer::refusal(503, "UNAVAILABLE") };
    let ill = FaultRule::always(Trigger::Always, Fault::Answer(ill));
    let well = Step::later(1000, Blow::TakeBackRules);
    vec![Step::at(at, Blow::Rule(ill)), well]
}
