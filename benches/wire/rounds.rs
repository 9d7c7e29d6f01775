//! Runs a scenario in interleaved rounds (A B A B …) and takes medians of what each round showed. If the runs were minutes
//! apart, their ratio would show how the machine drifted.

use std::collections::BTreeMap;

use serde::Serialize;

use super::goal::Goal;
use super::pushy;
use super::run::{self, Figures};
use super::scenarios::Scenario;
use super::spec::{Spec, Subject};

/// The figures of a scenario.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// What PUSHY is here, or why it is absent.
    pub(crate) pushy: Option<String>,
    /// The figures of each round, by the label of the run.
    pub(crate) runs: BTreeMap<&'static str, Vec<Figures>>,
    /// The goals, in the order of the table.
    pub(crate) order: Vec<&'static str>,
    pub(crate) goals: Vec<Reached>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Reached {
    pub(crate) text: &'static str,
    /// The bound, in words.
    pub(crate) goal: String,
    pub(crate) rounds: Vec<f64>,
    /// The median of the rounds.
    pub(crate) value: Option<f64>,
    pub(crate) met: Option<bool>,
}

/// Runs a scenario, round by round.
pub(crate) fn run(scenario: &Scenario, rounds: usize) -> anyhow::Result<Outcome> {
    let mut runs: BTreeMap<&'static str, Vec<Figures>> = BTreeMap::new();
    let pushy = scenario.runs.iter().find(|(_, spec)| spec.subject == Subject::Pushy);
    let pushy = pushy.map(|(_, spec)| pushy::program(spec));
    let there = |spec: &Spec| spec.subject != Subject::Pushy || matches!(pushy, Some(Ok(_)));
    for round in 1..=rounds {
        for (label, spec) in scenario.runs.iter().filter(|(_, spec)| there(spec)) {
            eprintln!("{} {round}/{rounds}: {label}", scenario.name);
            runs.entry(label).or_default().push(run::run(spec)?);
        }
    }
    let goals = scenario.goals.iter().map(|goal| reached(scenario, goal, &runs, rounds)).collect();
    let order = scenario.runs.iter().map(|(label, _)| *label).collect();
    let pushy = pushy.map(|program| match program {
        Ok(program) => format!("PUSHY: {}", program.about),
        Err(why) => format!("PUSHY: absent ({why})"),
    });
    Ok(Outcome { name: scenario.name, about: scenario.about, pushy, runs, order, goals })
}

fn reached(
    scenario: &Scenario,
    goal: &Goal,
    runs: &BTreeMap<&'static str, Vec<Figures>>,
    rounds: usize,
) -> Reached {
    let figure = |label: &str, round: usize| {
        let (_, spec) = scenario.runs.iter().find(|(name, _)| *name == label)?;
        goal.figure.of(spec, runs.get(label)?.get(round)?)
    };
    let of_round = |round| {
        let over = figure(goal.over, round)?;
        if goal.under.is_empty() {
            return Some(over);
        }
        let under = goal.under.iter().map(|label| figure(label, round)).sum::<Option<f64>>()?;
        Some(over / under)
    };
    let rounds: Vec<f64> = (0..rounds).filter_map(of_round).collect();
    let value = median(&rounds);
    let met = value.and_then(|value| goal.bound.holds(value));
    let text = goal.text;
    let goal = goal.bound.to_string();
    Reached { text, goal, rounds, value, met }
}

/// The median.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}
