//! What holds whatever happens, and in whatever order the threads of the shell do what they were told.

use proptest::prelude::*;

use super::model::Model;
use super::step::Step;
use super::*;
use crate::breaker::BreakerSettings;

fn flow() -> impl Strategy<Value = Flow> {
    (any::<bool>(), [0..3_u32, 0..2], 0..3_u64).prop_map(|(bulk, parties, id)| Flow {
        depends_on: id % 2,
        class: if bulk { ServiceClass::Bulk } else { ServiceClass::Interactive },
        parties: parties.map(|id| Party { id, weight: 1 }),
        id,
    })
}

fn step() -> impl Strategy<Value = Step> {
    let some = 0..64_usize;
    let why = prop_oneof![Just(EndCause::GoAway), Just(EndCause::Idle), Just(EndCause::Retired)];
    prop_oneof![
        12 => (flow(), 1..3000_u64, prop::bool::weighted(0.1))
            .prop_map(|(flow, wait_ms, returned)| Step::Ask { flow, wait_ms, returned }),
        3 => some.clone().prop_map(Step::Leave),
        10 => some.clone().prop_map(Step::Return),
        3 => some.clone().prop_map(Step::Prove),
        2 => (some.clone(), 0..6_usize).prop_map(|(which, streams)| Step::Limit(which, streams)),
        1 => some.clone().prop_map(Step::Age),
        3 => (some.clone(), 1..3_u32).prop_map(|(which, count)| Step::Answer(which, count)),
        4 => (some.clone(), symptom(), prop::option::weighted(0.1, 0..20_u64))
            .prop_map(|(which, symptom, asked)| Step::Fail(which, symptom, asked)),
        2 => Just(Step::EndProbe),
        2 => (some.clone(), why).prop_map(|(which, why)| Step::Drain(which, why)),
        2 => some.clone().prop_map(Step::Close),
        6 => some.clone().prop_map(Step::Quiet),
        4 => some.clone().prop_map(Step::Alive),
        2 => some.clone().prop_map(Step::ProbeLost),
        1 => Just(Step::Slept),
        5 => (0..6_usize).prop_map(|streams| Step::Connected { streams }),
        1 => (0..5_u8).prop_map(|how| Step::ConnectFailed { forbidden: how == 0, crowded: how == 1 }),
        1 => Just(Step::ConnectAbandoned),
        1 => (0..2_u64).prop_map(Step::TurnAway),
        5 => (0..2000_u64).prop_map(|ms| Step::Pass { ms }),
        20 => some.prop_map(Step::Perform),
    ]
}

fn symptom() -> impl Strategy<Value = Symptom> {
    prop_oneof![
        Just(Symptom::Reset(2)),
        Just(Symptom::NoAnswer),
        Just(Symptom::Status(503)),
        Just(Symptom::Ended(EndCause::Io)),
        Just(Symptom::Violation { code: 1, what: "odd" }),
    ]
}

fn limits() -> impl Strategy<Value = PoolLimits> {
    (1..4_usize, 1..6_usize, 1..8_usize, 1..4_u32, any::<bool>()).prop_map(
        |(max_connections, max_streams, max_waiters, connect_patience, proves_credential)| PoolLimits {
            max_connections,
            max_streams,
            max_waiters,
            connect_patience,
            backoff_min: Duration::from_millis(100),
            backoff_max: Duration::from_secs(2),
            breaker: BreakerSettings { failures: 3, max_wait: Duration::from_secs(8), ..Default::default() },
            proves_credential,
            gives_up_early: false,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Every step asserts: never above a limit; never idle while somebody waits and there is room; nobody is granted
    /// anything past its deadline; nobody is granted a connection that was silent, which is asked only where somebody waits
    /// or an answer is owed, and once; no connection opens beside one that is not proven; the interactive before bulk, and
    /// parties and flows in turn; whoever waits is told once; those who are turned away are those who depend on what it is
    /// about; and there is always something that will end the wait. While the peer is left alone only a probe is let
    /// through, one at a time, and none is held back for too long.
    #[test]
    fn the_pool_keeps_its_promises(
        limits in limits(),
        steps in prop::collection::vec(step(), 1..150),
        drained in prop::option::of(0..150_usize),
    ) {
        let mut model = Model::new(limits);
        for (at, step) in steps.iter().enumerate() {
            if drained == Some(at) {
                model.step(&Step::DrainBatches);
            }
            model.step(step);
        }
        model.end();
    }
}
