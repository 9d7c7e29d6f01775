//! The progress of a run: all streams count here, and the figures are shown while it runs and summed up at its end.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::outcomes::OutcomeCounts;
use super::verdict::LineVerdict;
use crate::cli::output::tell;
use crate::proto::Outcome;

/// How many bad lines are named on standard error. Further ones are only counted.
const NAMED_BAD_LINES: u64 = 20;

/// How many causes of CREDENTIAL the summary names, each with its count. Further ones are counted together.
const NAMED_CAUSES: usize = 10;

/// How the figures are shown on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProgressFormat {
    /// A bar, for people who watch a terminal.
    Bar,
    /// A line now and then, for a log.
    Lines,
    /// A JSON object now and then, for scripts.
    Json,
}

impl ProgressFormat {
    /// The format that `--json` asks for. Without it, that is a bar on a terminal and lines elsewhere.
    pub(super) fn of(json: bool) -> Self {
        match (json, io::stderr().is_terminal()) {
            (true, _) => Self::Json,
            (false, true) => Self::Bar,
            (false, false) => Self::Lines,
        }
    }
}

/// The figures of a run, which all its streams share.
pub(super) struct Progress {
    pub(super) begun: Instant,
    pub(super) outcomes: OutcomeCounts,
    /// Why pushes are UNCONFIRMED, each reason with its count.
    pub(super) doubts: Mutex<BTreeMap<&'static str, u64>>,
    /// The size of the input; 0 if it is not known.
    bytes: AtomicU64,
    bytes_read: AtomicU64,
    lines_read: AtomicU64,
    pub(super) bad_lines: AtomicU64,
    /// Lines that an earlier run ended with ACCEPTED or VALIDATED.
    pub(super) skipped: AtomicU64,
    /// Lines that an earlier run ended with another verdict.
    pub(super) skipped_bad: AtomicU64,
    /// Whether the run ends without a verdict for a part of the input.
    left: AtomicBool,
    /// What is wrong at the moment, in one sentence.
    pub(super) trouble: Mutex<Option<String>>,
    /// Why credentials were refused, each cause with its count.
    pub(super) causes: Mutex<BTreeMap<String, u64>>,
    pub(super) bar: ProgressBar,
    pub(super) show: ProgressFormat,
}

impl Progress {
    pub(super) fn new(show: ProgressFormat) -> Self {
        let people = show == ProgressFormat::Bar;
        let target = if people { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        style(&bar, "{wide_msg}");
        Self {
            begun: Instant::now(),
            outcomes: OutcomeCounts::default(),
            doubts: Mutex::default(),
            bytes: AtomicU64::new(0),
            bytes_read: AtomicU64::new(0),
            lines_read: AtomicU64::new(0),
            bad_lines: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
            skipped_bad: AtomicU64::new(0),
            left: AtomicBool::new(false),
            trouble: Mutex::default(),
            causes: Mutex::default(),
            bar,
            show,
        }
    }

    /// Notes the size of the input, by which the time that is left is estimated.
    pub(super) fn set_bytes(&self, bytes: u64) {
        self.bytes.store(bytes, Relaxed);
        self.bar.set_length(bytes);
        // The message takes the rest of the terminal's width and is cut there.
        style(&self.bar, "{bar:10} {percent:>3}% {wide_msg}");
    }

    /// Counts bytes of the input that were read.
    pub(super) fn read(&self, bytes: u64) {
        self.bytes_read.fetch_add(bytes, Relaxed);
    }

    /// Counts a line that was read.
    pub(super) fn line(&self) {
        self.lines_read.fetch_add(1, Relaxed);
    }

    /// Counts a line that has its verdict from an earlier run.
    pub(super) fn skip(&self, accepted: bool) {
        let count = if accepted { &self.skipped } else { &self.skipped_bad };
        count.fetch_add(1, Relaxed);
    }

    /// Counts the verdict of a line.
    pub(super) fn settle(&self, verdict: &LineVerdict) {
        self.outcomes.add(verdict.result.outcome);
        let outcome = verdict.result.outcome();
        if matches!(outcome, Outcome::Accepted | Outcome::Validated) {
            *lock(&self.trouble) = None;
        } else if outcome == Outcome::Credential {
            self.refused_credential(verdict);
        }
        if let Some(doubt) = verdict.doubt() {
            *lock(&self.doubts).entry(doubt).or_default() += 1;
        }
    }

    /// Counts the cause of a CREDENTIAL verdict, and says it at once when it is new, because it concerns every push that
    /// follows.
    fn refused_credential(&self, verdict: &LineVerdict) {
        let cause = verdict.cause();
        let first = {
            let mut causes = lock(&self.causes);
            if causes.len() >= NAMED_CAUSES && !causes.contains_key(&cause) {
                *causes.entry("other causes".to_owned()).or_default() += 1;
                return;
            }
            let count = causes.entry(cause.clone()).or_default();
            *count += 1;
            *count == 1
        };
        if first {
            self.trouble(&format!("CREDENTIAL: {cause}"));
        }
    }

    /// Says what is wrong, and shows it with the figures until a push is accepted.
    pub(super) fn trouble(&self, sentence: &str) {
        self.say(sentence);
        *lock(&self.trouble) = Some(sentence.to_owned());
    }

    /// Counts a line that is no push, and says what is wrong with it.
    pub(super) fn bad_line(&self, verdict: &LineVerdict) {
        let before = self.bad_lines.fetch_add(1, Relaxed);
        if before < NAMED_BAD_LINES {
            self.say(&format!("line {}: {}", verdict.line, verdict.result.detail));
        } else if before == NAMED_BAD_LINES {
            self.say("more bad lines follow; the results name them all");
        }
    }

    /// Notes that the run ends without a verdict for a part of the input.
    pub(super) fn leave(&self) {
        self.left.store(true, Relaxed);
    }

    pub(super) fn has_left(&self) -> bool {
        self.left.load(Relaxed)
    }

    /// Writes a line to standard error, above the bar if there is one.
    pub(super) fn say(&self, line: &str) {
        match self.show {
            ProgressFormat::Bar | ProgressFormat::Lines => self.bar.suspend(|| tell(line)),
            ProgressFormat::Json => tell(json!({ "message": line })),
        }
    }

    /// Whether every verdict is ACCEPTED or VALIDATED, from this run or an earlier one.
    pub(super) fn all_good(&self) -> bool {
        let good = [Outcome::Accepted, Outcome::Validated].map(|good| self.outcomes.of(good));
        self.outcomes.sum() == good.iter().sum::<u64>() && self.skipped_bad.load(Relaxed) == 0
    }

    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// Counts the lines that have their verdict, from this run or an earlier one.
    fn lines_done(&self) -> u64 {
        self.outcomes.sum() + self.skipped.load(Relaxed) + self.skipped_bad.load(Relaxed)
    }

    /// Estimates the bytes of the lines that have their verdict, as if all lines were of one length.
    pub(super) fn bytes_settled(&self) -> u64 {
        let share = self.lines_done() as f64 / self.lines_read.load(Relaxed).max(1) as f64;
        (self.bytes_read.load(Relaxed) as f64 * share.min(1.0)) as u64
    }

    pub(super) fn rate(&self) -> f64 {
        self.outcomes.sum() as f64 / self.begun.elapsed().as_secs_f64()
    }

    /// Estimates how long the rest of the file takes at the present rate, if the file's size is known. Lines that were
    /// settled by an earlier run took this one no time, so they do not count for the rate.
    pub(super) fn time_left(&self) -> Option<Duration> {
        let (all, done, lines) = (self.bytes.load(Relaxed), self.bytes_settled(), self.lines_done());
        let now = done as f64 * self.outcomes.sum() as f64 / lines.max(1) as f64;
        if now < 1.0 || all <= done {
            return None;
        }
        let seconds = self.begun.elapsed().as_secs_f64() * (all - done) as f64 / now;
        Duration::try_from_secs_f64(seconds.round()).ok()
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn style(bar: &ProgressBar, template: &str) {
    // If the template could not be parsed, the bar would have its default look, which is no reason to fail.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
}
