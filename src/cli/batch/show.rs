//! Shows the progress of a run while it goes on, and sums it up at its end.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use super::progress::{Progress, ProgressFormat, lock};
use super::summary::{Summary, as_json};
use crate::cli::output::tell;

/// How often the figures on a terminal are renewed.
const ON_A_TERMINAL: Duration = Duration::from_millis(200);

/// How often the figures are written to a standard error that is no terminal.
const IN_A_LOG: Duration = Duration::from_secs(5);

impl Progress {
    /// Shows the figures again and again, and never returns.
    pub(super) async fn show(&self) {
        let mut tick = tokio::time::interval(match self.show {
            ProgressFormat::Bar => ON_A_TERMINAL,
            ProgressFormat::Lines | ProgressFormat::Json => IN_A_LOG,
        });
        tick.tick().await;
        loop {
            tick.tick().await;
            match self.show {
                ProgressFormat::Bar => {
                    self.bar.set_position(self.bytes_settled());
                    self.bar.set_message(self.figures());
                }
                ProgressFormat::Lines => tell(self.figures()),
                ProgressFormat::Json => tell(as_json(self, false)),
            }
        }
    }

    fn figures(&self) -> String {
        let mut line = format!("{} pushes, {:.0}/s", self.outcomes.sum(), self.rate());
        if let Some(left) = self.time_left() {
            // Writing to a string does not fail.
            let _ = write!(line, ", {} left", humantime::format_duration(left));
        }
        // The trouble stands before the outcomes, because a bar is cut where the terminal ends.
        if let Some(trouble) = &*lock(&self.trouble) {
            let _ = write!(line, "  {trouble}");
        }
        for (name, count) in self.outcomes.by_name() {
            let _ = write!(line, "  {name} {count}");
        }
        line
    }

    /// The figures at the end of the run.
    pub(super) fn summary(&self, results: Option<PathBuf>) -> String {
        match self.show {
            ProgressFormat::Bar | ProgressFormat::Lines => Summary { progress: self, results }.to_string(),
            ProgressFormat::Json => as_json(self, true).to_string(),
        }
    }
}
