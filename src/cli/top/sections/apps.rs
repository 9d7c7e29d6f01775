//! Each app on each provider, with its health in a sentence and what to do.

use super::look::Look;
use super::trouble::what_is_wrong;
use crate::cli::top::paint::Tone;
use crate::cli::top::section::{Cell, Row, Section};
use crate::cli::top::words::{clock, count, relative, service, words};
use crate::status::{AppHealth, AppStatus};

pub(super) fn apps(look: Look<'_>) -> Option<Section> {
    look.section("Apps", look.status.apps.iter().map(|app| row(app, look)).collect())
}

fn row(app: &AppStatus, look: Look<'_>) -> Row {
    let (word, tone) = match app.health {
        AppHealth::Failing => ("failing", Tone::Failing),
        AppHealth::Troubled => ("troubled", Tone::Troubled),
        AppHealth::Well => ("well", Tone::Well),
        AppHealth::Unused => ("unused", Tone::Unused),
    };
    let is_in_trouble = matches!(app.health, AppHealth::Failing | AppHealth::Troubled);
    let mut cells = vec![
        Cell::state(word, tone, look.paint),
        Cell::new(&app.app, Tone::Strong),
        Cell::new(service(&app.provider), Tone::Plain),
    ];
    let now = look.status.now;
    if !is_in_trouble {
        cells.push(Cell::new(&app.sentence, Tone::Quiet));
        return Row { cells, below: Vec::new() };
    }
    cells.push(Cell::new(
        format!("since {}, {}", clock(app.since, now), relative(app.since, now)),
        Tone::Quiet,
    ));
    let mut below = what_is_wrong(&app.sentence, app.fault, &app.remedy);
    if !app.also.is_empty() {
        below.push(Cell::new(format!("Also: {}", app.also.join(" ")), Tone::Plain));
    }
    let minute: Vec<_> = app
        .last_minute
        .iter()
        .map(|(outcome, pushes)| {
            format!("{} {}", count(usize::try_from(*pushes).unwrap_or(usize::MAX)), words(outcome))
        })
        .collect();
    if !minute.is_empty() {
        below.push(Cell::new(format!("Last minute: {}.", minute.join(", ")), Tone::Quiet));
    }
    Row { cells, below }
}
