//! The benchmark that this project comes from: concurrency 50, 4,096 open files, waves of 50. One thing is mended: it counted
//! the pushes that it had enqueued, and here their answers are counted.

use super::goal::Bound::Least;
use super::goal::{Figure, ratio};
use super::report;
use super::rounds;
use super::scenarios::Scenario;
use super::spec::{Shape, Spec, Subject};

const CONCURRENCY: usize = 50;
const FILES: u32 = 4096;

pub(crate) fn scenario() -> Scenario {
    let pooled =
        Spec { connections: 1, files: Some(FILES), ..Spec::new(Subject::Gateway, Shape::Waves, CONCURRENCY) };
    let fresh = pooled.of(Subject::FreshGateway);
    Scenario {
        name: "seed shape",
        about: "waves of 50 calls, ulimit -n 4096; pooled beside a connection per push",
        runs: vec![("pooled", pooled), ("connection per push", fresh)],
        goals: vec![ratio(
            "CPU: connection per push ÷ pooled",
            Figure::Cpu,
            "connection per push",
            &["pooled"],
            Least(20.0),
        )],
    }
}

pub(crate) fn run(scenario: &Scenario, rounds: usize) -> anyhow::Result<()> {
    report::print(&rounds::run(scenario, rounds)?);
    Ok(())
}
