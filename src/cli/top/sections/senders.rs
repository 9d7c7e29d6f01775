//! What limits who sends: the paces of push services, and the rates of callers.

use super::look::Look;
use super::trouble;
use crate::cli::top::paint::Tone;
use crate::cli::top::section::{Cell, Row, Section};
use crate::cli::top::words::{clock, count, figure, words};
use crate::status::{CallerStatus, PaceStatus};

pub(super) fn paces(look: Look<'_>) -> Option<Section> {
    look.section("Paces", look.status.paces.iter().map(|pace| pace_row(pace, look)).collect())
}

fn pace_row(pace: &PaceStatus, look: Look<'_>) -> Row {
    let (state, why) = match pace.limited_since {
        Some(since) => (
            Cell::state("slowed", Tone::Troubled, look.paint),
            format!("its answers asked for less, last at {}", clock(since, look.status.now)),
        ),
        None => (Cell::state("quota", Tone::Well, look.paint), String::new()),
    };
    let cells = vec![
        state,
        Cell::new(format!("{} {}", pace.origin, pace.identity), Tone::Strong),
        Cell::number(format!("{} a second", figure(pace.per_second)), Tone::Plain),
        waiting(pace.waiting),
        Cell::new(why, Tone::Quiet),
    ];
    Row { cells, below: Vec::new() }
}

fn waiting(pushes: usize) -> Cell {
    let text = if pushes > 0 { format!("{} wait", count(pushes)) } else { String::new() };
    Cell::number(text, Tone::Troubled)
}

pub(super) fn callers(look: Look<'_>) -> Option<Section> {
    look.section("Callers", look.status.callers.iter().map(caller_row).collect())
}

fn caller_row(caller: &CallerStatus) -> Row {
    let pushes = figure(caller.pushes_per_second);
    let pushes = match caller.rate {
        Some(rate) => format!("{pushes} of {} a second", figure(f64::from(rate.pushes_per_second))),
        None => format!("{pushes} a second"),
    };
    let in_flight = caller.in_flight.map(|pushes| format!("{} in flight", count(pushes)));
    let streams = match caller.streams {
        0 => String::new(),
        1 => "1 stream".to_owned(),
        more => format!("{} streams", count(more)),
    };
    let refusals: Vec<_> = caller
        .refusals
        .iter()
        .map(|(rule, times)| {
            format!("{} {}", count(usize::try_from(*times).unwrap_or(usize::MAX)), words(rule))
        })
        .collect();
    let refused =
        if refusals.is_empty() { String::new() } else { format!("refused: {}", refusals.join(", ")) };
    let cells = vec![
        Cell::new(&caller.name, Tone::Strong),
        Cell::number(pushes, Tone::Plain),
        Cell::number(in_flight.unwrap_or_default(), Tone::Quiet),
        Cell::number(streams, Tone::Quiet),
        Cell::new(refused, Tone::Troubled),
    ];
    Row { cells, below: trouble::of(caller.trouble.as_ref()) }
}
