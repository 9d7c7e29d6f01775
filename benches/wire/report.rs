//! Prints the results as tables.

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};

use super::rounds::{Outcome, median};
use super::run::Figures;

const COLUMNS: [&str; 13] = [
    "run",
    "answers/s",
    "CPU µs",
    "load",
    "stand-in",
    "p50 µs",
    "p99",
    "p99.9",
    "peak MiB",
    "fds",
    "sockets/1,000",
    "writes",
    "lost",
];

/// Prints the runs of a scenario as medians of their rounds, and its goals.
pub(crate) fn print(outcome: &Outcome) {
    println!("\n{}: {}", outcome.name, outcome.about);
    if let Some(pushy) = &outcome.pushy {
        println!("{pushy}");
    }
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_header(COLUMNS);
    for label in &outcome.order {
        let Some(rounds) = outcome.runs.get(label) else { continue };
        table.add_row(row(label, rounds));
    }
    right(&mut table, 1);
    println!("{table}");
    let mut goals = Table::new();
    goals.load_preset(UTF8_HORIZONTAL_ONLY).set_header(["figure", "measured", "goal", ""]);
    for goal in &outcome.goals {
        let met = match goal.met {
            None => "",
            Some(true) => "met",
            Some(false) => "MISSED",
        };
        let value = goal.value.map_or("–".to_owned(), short);
        goals.add_row([goal.text.to_owned(), value, goal.goal.clone(), met.to_owned()]);
    }
    println!("{goals}");
}

fn row(label: &str, rounds: &[Figures]) -> Vec<String> {
    let middle = |figure: fn(&Figures) -> Option<f64>| {
        let values: Vec<f64> = rounds.iter().filter_map(figure).collect();
        median(&values).map_or("–".to_owned(), short)
    };
    vec![
        label.to_owned(),
        middle(|it| Some(it.answers_per_second)),
        middle(|it| Some(it.subject_us)),
        middle(|it| it.load_us),
        middle(|it| it.standin_us),
        middle(|it| Some(it.section.p50_us)),
        middle(|it| Some(it.section.p99_us)),
        middle(|it| Some(it.section.p999_us)),
        middle(|it| Some(it.memory_peak_kib as f64 / 1024.0)),
        middle(|it| Some(it.descriptors as f64)),
        middle(|it| it.sockets_per_1000),
        middle(|it| it.upstream_writes),
        rounds.iter().map(|it| it.whole.lost()).sum::<u64>().to_string(),
    ]
}

fn right(table: &mut Table, from: usize) {
    for column in table.column_iter_mut().skip(from) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

/// Shows a number with three significant digits.
pub(crate) fn short(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        1.0.. => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
