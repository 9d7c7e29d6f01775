//! Runs every scenario briefly, so that none of them rots. Only counts without noise are checked, and no times.

use std::time::Duration;

use anyhow::ensure;
use serde::Deserialize;

use super::goal::Figure;
use super::rounds::{self, Outcome};
use super::scenarios::{self, Scenario};
use super::seed_shape;
use super::spec::{Spec, Subject};

const WARM_UP: Duration = Duration::from_millis(200);
const SECTION: Duration = Duration::from_millis(300);

/// The most pushes in flight of a brief run, and its longest latency: more would make it long.
const MOST_IN_FLIGHT: usize = 10_000;
const LONGEST_LATENCY: Duration = Duration::from_millis(500);

/// The recorded counts, which must not grow.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bounds {
    /// Upstream write calls per push at 50 in flight.
    upstream_writes: f64,
    /// Upstream sockets per 1,000 pushes, where nothing makes connections end.
    sockets_per_1000: f64,
    allocations_unary: f64,
    allocations_stream: f64,
    allocations_multicast: f64,
    allocations_mattermost: f64,
}

pub(crate) fn run() -> anyhow::Result<()> {
    let bounds: Bounds = toml::from_str(include_str!("bounds.toml"))?;
    let mut wrong = Vec::new();
    let mut checked = 0;
    // Warming PUSHY takes a minute.
    let ours = |it: &Scenario| it.runs.iter().all(|(_, spec)| spec.subject != Subject::Pushy);
    let all = scenarios::all().into_iter().filter(ours).chain([seed_shape::scenario()]);
    for scenario in all.map(brief) {
        let outcome = rounds::run(&scenario, 1)?;
        for (label, spec) in &scenario.runs {
            for (figure, most) in asserted(&scenario, label, spec, &bounds) {
                checked += 1;
                wrong.extend(check(&outcome, label, spec, figure, most));
            }
        }
    }
    ensure!(wrong.is_empty(), "out of bounds:\n{}", wrong.join("\n"));
    println!("{checked} counts are within their bounds");
    Ok(())
}

fn brief(mut scenario: Scenario) -> Scenario {
    for (_, spec) in &mut scenario.runs {
        let upstream_connections = spec.upstream_connections.min(16);
        *spec = Spec {
            in_flight: spec.in_flight.min(MOST_IN_FLIGHT),
            latency: spec.latency.min(LONGEST_LATENCY),
            upstream_connections,
            warm_up: WARM_UP + 2 * spec.latency.min(LONGEST_LATENCY),
            section: SECTION,
            ..spec.clone()
        };
    }
    scenario
}

/// The figures of a run that have no noise, and the most that each may be.
fn asserted(scenario: &Scenario, label: &str, spec: &Spec, bounds: &Bounds) -> Vec<(Figure, f64)> {
    if spec.subject != Subject::Gateway {
        return Vec::new();
    }
    let mut asserted = vec![(Figure::Lost, 0.0)];
    if spec.goaway_every.is_none() && spec.latency.is_zero() && spec.in_flight > 1 {
        asserted.push((Figure::Sockets, bounds.sockets_per_1000));
    }
    if scenario.name == "writes" {
        asserted.push((Figure::Writes, bounds.upstream_writes));
    }
    if scenario.name == "allocations" {
        let most = match label {
            "unary" => bounds.allocations_unary,
            "stream" => bounds.allocations_stream,
            "mattermost" => bounds.allocations_mattermost,
            _ => bounds.allocations_multicast,
        };
        asserted.push((Figure::Allocations, most));
    }
    asserted
}

fn check(outcome: &Outcome, label: &str, spec: &Spec, figure: Figure, most: f64) -> Option<String> {
    let figures = outcome.runs.get(label)?.first()?;
    let at = format!("{}, {label}: {figure:?}", outcome.name);
    match figure.of(spec, figures) {
        None => Some(format!("{at} was not counted")),
        Some(value) if value > most => {
            Some(format!("{at} is {value}, and may be {most}: {:?}", figures.whole.failures))
        }
        Some(_) => None,
    }
}
