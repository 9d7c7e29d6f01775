//! The latest push of each kind that was not accepted.

use super::look::Look;
use crate::cli::top::paint::Tone;
use crate::cli::top::section::{Cell, Row, Section};
use crate::cli::top::words::{clock_seconds, relative, service, words};
use crate::status::Problem;

pub(super) fn problems(look: Look<'_>) -> Option<Section> {
    let rows = look.status.problems.iter().map(|problem| row(problem, look)).collect();
    look.section("Recent problems, the latest push of each kind", rows)
}

fn row(problem: &Problem, look: Look<'_>) -> Row {
    let reason = if problem.upstream_reason.is_empty() {
        words(&problem.reason)
    } else {
        problem.upstream_reason.clone()
    };
    let reason = match problem.upstream_status {
        Some(status) => format!("{reason} ({status})"),
        None => reason,
    };
    let cells = vec![
        Cell::new(clock_seconds(problem.time), Tone::Plain),
        Cell::number(relative(problem.time, look.status.now), Tone::Quiet),
        Cell::new(format!("{}, {}", problem.app, service(&problem.provider)), Tone::Strong),
        Cell::new(words(&problem.outcome), Tone::Troubled),
        Cell::new(reason, Tone::Plain),
        Cell::new(&problem.token, Tone::Quiet),
    ];
    let below =
        if problem.detail.is_empty() { Vec::new() } else { vec![Cell::new(&problem.detail, Tone::Quiet)] };
    Row { cells, below }
}
