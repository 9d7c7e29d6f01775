//! What a run has come to: counted by all streams, shown while it runs and summed up at its end.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::results::Verdict;
use super::summary::{Summary, as_json};
use crate::cli::output::tell;
use crate::proto::Outcome;

/// How often a terminal sees the figures, and how often a log.
const ON_A_TERMINAL: Duration = Duration::from_millis(200);
const IN_A_LOG: Duration = Duration::from_secs(5);

/// Bad lines that are named on the standard error; more are counted.
const NAMED_BAD_LINES: u64 = 20;

/// Counts of outcomes: the contract's numbers, and one more for those that this program does not know.
const OUTCOMES: usize = Outcome::Validated as usize + 2;

/// Troubles that the summary names, each with its count; more are counted together.
const NAMED_TROUBLES: usize = 10;

/// How the figures are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Show {
    /// A bar, where people watch a terminal.
    Bar,
    /// A line now and then.
    Lines,
    /// The same as JSON objects, for scripts.
    Json,
}

impl Show {
    /// Where people read the standard error, a bar.
    pub(super) fn of(json: bool) -> Self {
        match (json, io::stderr().is_terminal()) {
            (true, _) => Self::Json,
            (false, true) => Self::Bar,
            (false, false) => Self::Lines,
        }
    }
}

/// The figures of a run.
pub(super) struct Tally {
    pub(super) begun: Instant,
    outcomes: [AtomicU64; OUTCOMES],
    /// Why what is UNCONFIRMED is in doubt.
    pub(super) doubts: Mutex<BTreeMap<&'static str, u64>>,
    bytes: AtomicU64,
    bytes_read: AtomicU64,
    lines_read: AtomicU64,
    pub(super) bad_lines: AtomicU64,
    pub(super) skipped: AtomicU64,
    pub(super) skipped_bad: AtomicU64,
    left: AtomicBool,
    /// What is wrong at the moment, in one sentence.
    pub(super) trouble: Mutex<Option<String>>,
    /// Refused credentials, each cause with its count.
    pub(super) causes: Mutex<BTreeMap<String, u64>>,
    bar: ProgressBar,
    show: Show,
}

impl Tally {
    pub(super) fn new(show: Show) -> Self {
        let people = show == Show::Bar;
        let target = if people { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        style(&bar, "{wide_msg}");
        Self {
            begun: Instant::now(),
            outcomes: std::array::from_fn(|_| AtomicU64::new(0)),
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

    /// The size of the input, where it is known.
    pub(super) fn set_bytes(&self, bytes: u64) {
        self.bytes.store(bytes, Relaxed);
        self.bar.set_length(bytes);
        // As wide as the terminal, and no wider.
        style(&self.bar, "{bar:10} {percent:>3}% {wide_msg}");
    }

    /// Bytes of the input were read.
    pub(super) fn read(&self, bytes: u64) {
        self.bytes_read.fetch_add(bytes, Relaxed);
    }

    /// A line was read.
    pub(super) fn line(&self) {
        self.lines_read.fetch_add(1, Relaxed);
    }

    /// A line has its verdict from an earlier run.
    pub(super) fn skip(&self, accepted: bool) {
        let count = if accepted { &self.skipped } else { &self.skipped_bad };
        count.fetch_add(1, Relaxed);
    }

    pub(super) fn settle(&self, verdict: &Verdict) {
        let number = usize::try_from(verdict.result.outcome).unwrap_or(OUTCOMES).min(OUTCOMES - 1);
        self.outcomes[number].fetch_add(1, Relaxed);
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

    /// Names each cause once and at once: it concerns every push that follows.
    fn refused_credential(&self, verdict: &Verdict) {
        let cause = verdict.cause();
        let first = {
            let mut causes = lock(&self.causes);
            if causes.len() >= NAMED_TROUBLES && !causes.contains_key(&cause) {
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

    /// Says what is wrong, and keeps it in sight until a push is accepted.
    pub(super) fn trouble(&self, sentence: &str) {
        self.say(sentence);
        *lock(&self.trouble) = Some(sentence.to_owned());
    }

    /// Names a line that is no push.
    pub(super) fn bad_line(&self, verdict: &Verdict) {
        let before = self.bad_lines.fetch_add(1, Relaxed);
        if before < NAMED_BAD_LINES {
            self.say(&format!("line {}: {}", verdict.line, verdict.result.detail));
        } else if before == NAMED_BAD_LINES {
            self.say("more bad lines follow; the results name them all");
        }
    }

    /// Something of the input has no verdict.
    pub(super) fn leave(&self) {
        self.left.store(true, Relaxed);
    }

    pub(super) fn has_left(&self) -> bool {
        self.left.load(Relaxed)
    }

    /// A line on the standard error, above the bar where there is one.
    pub(super) fn say(&self, line: &str) {
        match self.show {
            Show::Bar | Show::Lines => self.bar.suspend(|| tell(line)),
            Show::Json => tell(json!({ "message": line })),
        }
    }

    /// Whether every line has been accepted, in this run or an earlier one.
    pub(super) fn all_good(&self) -> bool {
        let good = [Outcome::Accepted, Outcome::Validated].map(|good| self.count(good as usize));
        self.settled() == good.iter().sum::<u64>() && self.skipped_bad.load(Relaxed) == 0
    }

    /// Shows the figures, until it is dropped.
    pub(super) async fn show(&self) {
        let mut tick = tokio::time::interval(match self.show {
            Show::Bar => ON_A_TERMINAL,
            Show::Lines | Show::Json => IN_A_LOG,
        });
        tick.tick().await;
        loop {
            tick.tick().await;
            match self.show {
                Show::Bar => {
                    self.bar.set_position(self.bytes_settled());
                    self.bar.set_message(self.figures());
                }
                Show::Lines => tell(self.figures()),
                Show::Json => tell(as_json(self, false)),
            }
        }
    }

    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    pub(super) fn count(&self, number: usize) -> u64 {
        self.outcomes[number].load(Relaxed)
    }

    pub(super) fn settled(&self) -> u64 {
        (0..OUTCOMES).map(|number| self.count(number)).sum()
    }

    /// Lines that have their verdict, from this run or an earlier one.
    fn lines_done(&self) -> u64 {
        self.settled() + self.skipped.load(Relaxed) + self.skipped_bad.load(Relaxed)
    }

    /// Bytes of the lines that have their verdict, as if all lines were of one length.
    fn bytes_settled(&self) -> u64 {
        let share = self.lines_done() as f64 / self.lines_read.load(Relaxed).max(1) as f64;
        (self.bytes_read.load(Relaxed) as f64 * share.min(1.0)) as u64
    }

    pub(super) fn rate(&self) -> f64 {
        self.settled() as f64 / self.begun.elapsed().as_secs_f64()
    }

    pub(super) fn named(&self) -> BTreeMap<&'static str, u64> {
        let name = |number: usize| match i32::try_from(number).map(Outcome::try_from) {
            Ok(Ok(outcome)) => outcome.as_str_name().trim_start_matches("OUTCOME_"),
            Ok(Err(_)) | Err(_) => "OTHER",
        };
        (0..OUTCOMES)
            .map(|number| (name(number), self.count(number)))
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    fn figures(&self) -> String {
        let mut line = format!("{} pushes, {:.0}/s", self.settled(), self.rate());
        if let Some(left) = self.time_left() {
            let _ = write!(line, ", {} left", humantime::format_duration(left));
        }
        // Before the outcomes: a bar is cut where the terminal ends.
        if let Some(trouble) = &*lock(&self.trouble) {
            let _ = write!(line, "  {trouble}");
        }
        for (name, count) in self.named() {
            // Writing to a string does not fail.
            let _ = write!(line, "  {name} {count}");
        }
        line
    }

    /// As long as the rest of the file takes at the present rate; where its length is known. What an earlier run settled
    /// took no time.
    pub(super) fn time_left(&self) -> Option<Duration> {
        let (all, done, lines) = (self.bytes.load(Relaxed), self.bytes_settled(), self.lines_done());
        let now = done as f64 * self.settled() as f64 / lines.max(1) as f64;
        if now < 1.0 || all <= done {
            return None;
        }
        let seconds = self.begun.elapsed().as_secs_f64() * (all - done) as f64 / now;
        Duration::try_from_secs_f64(seconds.round()).ok()
    }

    /// What the run has come to.
    pub(super) fn summary(&self, results: Option<PathBuf>) -> String {
        match self.show {
            Show::Bar | Show::Lines => Summary { tally: self, results }.to_string(),
            Show::Json => as_json(self, true).to_string(),
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn style(bar: &ProgressBar, template: &str) {
    // A template that does not parse would leave the default look.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
}
