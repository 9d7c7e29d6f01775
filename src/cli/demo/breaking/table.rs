//! The books of both senders side by side.

use std::fmt;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};
use owo_colors::{OwoColorize, Stream};
use serde_json::json;

use super::books::Books;
use super::limits::IN_FLIGHT;

/// How many faults of the script lose answers: the reset and the stalled address.
const FAULTS_THAT_LOSE_ANSWERS: usize = 2;

/// The books of both senders.
pub(in crate::cli::demo) struct Comparison {
    pub(super) pushes: u32,
    pub(super) naive: Books,
    pub(super) fanfare: Books,
}

impl Comparison {
    /// Whether the gateway keeps its word. What becomes of the naive sender's pushes decides nothing.
    pub(in crate::cli::demo) fn is_good(&self) -> bool {
        self.fanfare.pushes() == self.pushes as usize
            && self.fanfare.are_good(FAULTS_THAT_LOSE_ANSWERS * IN_FLIGHT)
    }

    /// The same for machines.
    pub(in crate::cli::demo) fn as_json(&self) -> serde_json::Value {
        json!({
            "good": self.is_good(),
            "pushes": self.pushes,
            "naive": self.naive.as_json(),
            "fanfare": self.fanfare.as_json(),
        })
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { naive, fanfare, .. } = self;
        let mut table = Table::new();
        table.load_preset(UTF8_HORIZONTAL_ONLY);
        table.set_header([format!("of {} pushes", self.pushes), "naive sender".into(), "Fanfare".into()]);
        let count = |of: fn(&Books) -> usize| [of(naive).to_string(), of(fanfare).to_string()];
        let seconds = |books: &Books| format!("{:.1}", books.took.as_secs_f64());
        for (line, [theirs, ours]) in [
            ("accepted, and arrived once", count(|it| it.once)),
            ("lost: never arrived", count(|it| it.lost)),
            ("doubled: arrived twice or more", count(|it| it.doubled)),
            ("called failed, but arrived", count(|it| it.misreported)),
            ("unknown, and called so", count(|it| it.unknown)),
            ("sockets opened", [naive.sockets.to_string(), fanfare.sockets.to_string()]),
            ("seconds", [seconds(naive), seconds(fanfare)]),
        ] {
            table.add_row([line, theirs.as_str(), ours.as_str()]);
        }
        for column in [1, 2] {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        writeln!(f, "{table}\n")?;
        writeln!(
            f,
            "Unknown to Fanfare is a push that was written and got no answer: it is not sent\n\
             again, and {} of the {} did arrive. A naive sender knows no unknown: it sends\n\
             such a push again, which may double it, or gives it up and calls it failed.\n",
            fanfare.unknown_arrived, fanfare.unknown
        )?;
        if self.is_good() {
            let good = "through Fanfare nothing was lost, doubled, or called what it was not";
            return write!(f, "{}", good.if_supports_color(Stream::Stdout, |text| text.green()));
        }
        let bad = "through Fanfare a push was lost, doubled or called what it was not,\nor more are unknown than were in flight";
        write!(f, "{}", bad.if_supports_color(Stream::Stdout, |text| text.red()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison(naive: Books, fanfare: Books) -> Comparison {
        Comparison { pushes: 100, naive, fanfare }
    }

    fn good() -> Books {
        Books { once: 93, unknown: 7, unknown_arrived: 3, ..Books::default() }
    }

    #[test]
    fn the_gateway_alone_decides_and_a_push_without_a_line_is_a_lost_one() {
        let naive = || Books { once: 50, lost: 30, doubled: 20, ..Books::default() };
        assert!(comparison(naive(), good()).is_good());
        assert!(!comparison(good(), naive()).is_good());
        assert!(!comparison(good(), Books { once: 92, ..good() }).is_good());
    }

    #[test]
    fn the_table_fits_a_terminal_of_80_columns() {
        let large = || Books {
            once: 100_000,
            sockets: 100_000,
            took: std::time::Duration::from_secs(9999),
            ..good()
        };
        let text = comparison(large(), large()).to_string();
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        for line in ["lost", "doubled", "unknown", "sockets opened", "9999.0"] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }
}
