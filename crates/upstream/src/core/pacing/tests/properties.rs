//! What holds whatever happens.

use proptest::prelude::*;

use super::model::{Model, Step};
use super::*;

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => (any::<bool>(), 0..4_u64, 0..3000_u64)
            .prop_map(|(bulk, flow, wait_ms)| Step::Ask { bulk, flow, wait_ms }),
        2 => (0..64_usize).prop_map(Step::Leave),
        1 => (0..4_u64).prop_map(Step::TurnAway),
        10 => (0..400_u64, 0..20_u64).prop_map(|(ms, late_ms)| Step::Pass { ms, late_ms }),
        1 => (5000..300_000_u64).prop_map(|ms| Step::Pass { ms, late_ms: 0 }),
        2 => (prop::option::of(0..30_u64), 0..500_u64, 0..300_u64)
            .prop_map(|(target, begun_ms, taken)| Step::Limited { target, begun_ms, taken }),
    ]
}

fn settings() -> impl Strategy<Value = PaceSettings> {
    (prop::option::of(0.5..200.0), 0..60_u64, 0.1..50.0, 0.5..50.0, 1..20_usize).prop_map(
        |(most_per_second, ramp, free_per_second, burst, max_waiters)| PaceSettings {
            most_per_second,
            ramp: Duration::from_secs(ramp),
            free_per_second,
            burst,
            max_waiters,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Nobody has a turn past a deadline; whoever waits is told once, and something always ends the wait; the interactive go
    /// first; no window of a second has more turns than the most and the burst; the ramp is never overtaken; an answer never
    /// raises the pace.
    #[test]
    fn a_pacer_keeps_its_promises(settings in settings(), steps in prop::collection::vec(step(), 1..300)) {
        let mut model = Model::new(settings);
        for step in &steps {
            model.step(step);
        }
        model.end();
    }
}
