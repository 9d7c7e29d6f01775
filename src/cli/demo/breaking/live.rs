//! What a run shows while it goes on: what breaks, and how far its sender is.

use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::output::print_or_tell;

/// One run, as it is shown. Where no terminal is, nothing is drawn and only lines are written.
pub(super) struct Live {
    bar: ProgressBar,
    says: bool,
    begun: Instant,
}

impl Live {
    /// Shows a run of so many pushes. If `says` is false, it writes no lines.
    pub(super) fn start(title: &str, pushes: u32, says: bool) -> Self {
        let bar = ProgressBar::new(pushes.into());
        // If the template could not be parsed, the bar would have its default look, which is no reason to fail.
        if let Ok(style) = ProgressStyle::with_template("{elapsed:>7}  {bar:40} {pos}/{len} pushes settled") {
            bar.set_style(style);
        }
        let own = Self { bar, says, begun: Instant::now() };
        own.say(title);
        own
    }

    /// One more push is settled, as its sender sees it.
    pub(super) fn settled(&self) {
        self.bar.inc(1);
    }

    /// Tells what breaks now.
    pub(super) fn broke(&self, what: &str) {
        self.say(&format!("{:>5.1} s  {what}", self.begun.elapsed().as_secs_f64()));
    }

    fn say(&self, line: &str) {
        if self.says {
            self.bar.suspend(|| print_or_tell(line));
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
