//! The last half hour as plots in one line each: pushes a second by outcome, and the time to the verdict.

use ratatui_core::text::{Line, Span};

use super::look::Look;
use crate::cli::top::paint::Tone;
use crate::cli::top::section::Section;
use crate::cli::top::sparkline::sparkline;
use crate::cli::top::words::{figure, milliseconds, words};

/// The name of a plot, and its newest value, have so many columns.
const NAME: usize = 20;
const VALUE: usize = 8;

/// The highest value has so many columns, behind the plot.
const HIGHEST: usize = 14;

pub(super) fn rates(look: Look<'_>) -> Option<Section> {
    let rates = &look.status.series.per_second;
    let mut outcomes: Vec<_> = rates.iter().collect();
    // Accepted pushes first, and then the others by their names.
    outcomes.sort_by_key(|(outcome, _)| (*outcome != "accepted", (*outcome).clone()));
    let lines: Vec<_> = outcomes
        .into_iter()
        .map(|(outcome, rates)| {
            let rates: Vec<_> = rates.iter().copied().map(Some).collect();
            plot(&words(outcome), &rates, figure, tone(outcome), look)
        })
        .collect();
    titled("Pushes a second, last half hour", lines)
}

pub(super) fn times(look: Look<'_>) -> Option<Section> {
    let series = &look.status.series;
    let percentiles =
        [("half", &series.p50_ms), ("90 of 100", &series.p90_ms), ("99 of 100", &series.p99_ms)];
    let known = percentiles.into_iter().filter(|(_, times)| times.iter().any(Option::is_some));
    let lines = known.map(|(name, times)| plot(name, times, milliseconds, Tone::Plain, look)).collect();
    titled("Time to the verdict, last half hour", lines)
}

fn titled(title: &str, lines: Vec<Line<'static>>) -> Option<Section> {
    if lines.is_empty() { None } else { Some(Section { title: title.to_owned(), lines }) }
}

fn tone(outcome: &str) -> Tone {
    match outcome {
        "accepted" | "validated" => Tone::Well,
        "credential" | "upstream_unavailable" | "internal" | "unconfirmed" => Tone::Failing,
        _ => Tone::Troubled,
    }
}

fn plot(
    name: &str,
    values: &[Option<f64>],
    say: fn(f64) -> String,
    tone: Tone,
    look: Look<'_>,
) -> Line<'static> {
    let Look { paint, columns, status, .. } = look;
    let newest = values.iter().rev().copied().flatten().next();
    let highest = values.iter().copied().flatten().fold(0.0, f64::max);
    let mut spans = vec![
        Span::raw(format!("  {:<NAME$}", paint.fit(name, NAME))),
        Span::raw(format!("{:>VALUE$}  ", newest.map(say).unwrap_or_default())),
    ];
    let room = columns.saturating_sub(2 + NAME + VALUE + 2);
    // A plot that is too short to be read is left out.
    if room >= HIGHEST + 8 {
        let line = sparkline(values, highest, room - HIGHEST, status.series.every_seconds, paint.script);
        spans.push(paint.span(line, tone));
        spans.push(paint.span(format!("  most {}", say(highest)), Tone::Quiet));
    }
    Line::from(spans)
}
