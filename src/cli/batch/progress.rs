//! What a run has come to: counted by all streams, shown while it runs and summed up at its end.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::results::Verdict;
use crate::cli::output::tell;
use crate::proto::Outcome;

/// How often a terminal sees the figures, and how often a log.
const ON_A_TERMINAL: Duration = Duration::from_millis(200);
const IN_A_LOG: Duration = Duration::from_secs(5);

/// Bad lines that are named on the standard error; more are counted.
const NAMED_BAD_LINES: u64 = 20;

/// Counts of outcomes: the contract's numbers, and one more for those that this program does not know.
const OUTCOMES: usize = Outcome::Validated as usize + 2;

/// The figures of a run.
pub(super) struct Tally {
    begun: Instant,
    outcomes: [AtomicU64; OUTCOMES],
    /// Why what is UNCONFIRMED is in doubt.
    doubts: Mutex<BTreeMap<&'static str, u64>>,
    bytes: AtomicU64,
    bytes_read: AtomicU64,
    lines_read: AtomicU64,
    bad_lines: AtomicU64,
    skipped: AtomicU64,
    skipped_bad: AtomicU64,
    left: AtomicBool,
    bar: ProgressBar,
    people: bool,
}

impl Tally {
    pub(super) fn new(people: bool) -> Self {
        let target = if people { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        style(&bar, "{msg}");
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
            bar,
            people,
        }
    }

    /// The size of the input, where it is known.
    pub(super) fn set_bytes(&self, bytes: u64) {
        self.bytes.store(bytes, Relaxed);
        self.bar.set_length(bytes);
        style(&self.bar, "{bar:30} {percent}%  {msg}");
    }

    /// A line was read.
    pub(super) fn read(&self, bytes: u64) {
        self.bytes_read.fetch_add(bytes, Relaxed);
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
        if let Some(doubt) = verdict.doubt() {
            *self.doubts.lock().unwrap_or_else(PoisonError::into_inner).entry(doubt).or_default() += 1;
        }
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
        self.bar.suspend(|| tell(line));
    }

    /// Whether every line has been accepted, in this run or an earlier one.
    pub(super) fn all_good(&self) -> bool {
        let good = [Outcome::Accepted, Outcome::Validated].map(|good| self.count(good as usize));
        self.settled() == good.iter().sum::<u64>() && self.skipped_bad.load(Relaxed) == 0
    }

    /// Shows the figures, until it is dropped.
    pub(super) async fn show(&self) {
        let mut tick = tokio::time::interval(if self.people { ON_A_TERMINAL } else { IN_A_LOG });
        tick.tick().await;
        loop {
            tick.tick().await;
            if self.people {
                self.bar.set_position(self.bytes_settled());
                self.bar.set_message(self.figures());
            } else {
                tell(self.figures());
            }
        }
    }

    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    fn count(&self, number: usize) -> u64 {
        self.outcomes[number].load(Relaxed)
    }

    fn settled(&self) -> u64 {
        (0..OUTCOMES).map(|number| self.count(number)).sum()
    }

    /// Bytes of the lines that have their verdict, as if all lines were of one length.
    fn bytes_settled(&self) -> u64 {
        let lines = self.settled() + self.skipped.load(Relaxed) + self.skipped_bad.load(Relaxed);
        let share = lines as f64 / self.lines_read.load(Relaxed).max(1) as f64;
        (self.bytes_read.load(Relaxed) as f64 * share.min(1.0)) as u64
    }

    fn rate(&self) -> f64 {
        self.settled() as f64 / self.begun.elapsed().as_secs_f64()
    }

    fn named(&self) -> BTreeMap<&'static str, u64> {
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
        for (name, count) in self.named() {
            // Writing to a string does not fail.
            let _ = write!(line, "  {name} {count}");
        }
        line
    }

    /// What the run has come to.
    pub(super) fn summary(&self, results: Option<PathBuf>) -> Summary<'_> {
        Summary { tally: self, results }
    }
}

fn style(bar: &ProgressBar, template: &str) {
    // A template that does not parse would leave the default look.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
}

/// The end of a run, for people.
pub(super) struct Summary<'a> {
    tally: &'a Tally,
    results: Option<PathBuf>,
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tally = self.tally;
        let took = tally.begun.elapsed();
        write!(f, "{} pushes in {took:.1?}, {:.0} pushes/s", tally.settled(), tally.rate())?;
        for (name, count) in tally.named() {
            write!(f, "\n  {name:<20}{count:>10}")?;
        }
        let bad = tally.bad_lines.load(Relaxed);
        if bad > 0 {
            write!(f, "\n{bad} of the INVALID_PUSH are lines that are no push")?;
        }
        let (good, not) = (tally.skipped.load(Relaxed), tally.skipped_bad.load(Relaxed));
        if good + not > 0 {
            write!(f, "\n{} skipped: they have their verdict from an earlier run", good + not)?;
        }
        if not > 0 {
            write!(f, " ({not} of them were not accepted)")?;
        }
        let doubts = tally.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        let doubts: Vec<_> = doubts.iter().map(|(doubt, count)| format!("{doubt} ({count})")).collect();
        if !doubts.is_empty() {
            write!(
                f,
                "\nUNCONFIRMED pushes may or may not have been delivered: {}; they are sent again only with \
                 --repeatable",
                doubts.join(", ")
            )?;
        }
        let resumable = self.results.as_ref().filter(|file| file.as_os_str() != "-");
        let again = [Outcome::NotAttempted, Outcome::RateLimited, Outcome::UpstreamUnavailable];
        let again = again.iter().any(|outcome| tally.count(*outcome as usize) > 0);
        match (tally.has_left(), resumable) {
            (false, Some(_)) if again => write!(
                f,
                "\na second run of the same command sends again what is NOT_ATTEMPTED, and of RATE_LIMITED and \
                 UPSTREAM_UNAVAILABLE what is retryable"
            ),
            (false, _) => Ok(()),
            (true, Some(file)) => {
                let file = file.display();
                write!(
                    f,
                    "\nbroken off: run the same command again, and what {file} has no verdict on is sent"
                )
            }
            (true, None) => {
                write!(
                    f,
                    "\nbroken off: lines without a verdict remain; with --results FILE a second run goes on"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{self, Reason};

    #[test]
    fn what_is_in_doubt_is_told_by_its_true_cause() {
        let tally = Tally::new(false);
        for _ in 0..3 {
            tally.settle(&Verdict::unconfirmed(1, "a".into(), "the gateway was lost"));
        }
        for (outcome, reason) in [
            (Outcome::Unconfirmed, Reason::AnswerTimeout),
            (Outcome::Unconfirmed, Reason::ConnectionLost),
            (Outcome::Accepted, Reason::Unspecified),
        ] {
            let mut verdict = Verdict::bad_line(2, "b".into(), reason, String::new());
            verdict.result.outcome = outcome.into();
            verdict.result.provider = proto::Provider::Apns.into();
            tally.settle(&verdict);
        }
        let summary = tally.summary(None).to_string();
        let causes = "delivered: ANSWER_TIMEOUT (1), CONNECTION_LOST (1), their gateway was lost (3); they";
        assert!(summary.contains(causes), "{summary}");
    }
}
