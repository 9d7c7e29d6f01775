//! The figures of a run, for scripts and for people.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;

use serde_json::json;

use super::progress::{Progress, lock};
use crate::proto::Outcome;

/// The figures as JSON, while the run goes on and at its end (`done`).
pub(super) fn as_json(progress: &Progress, done: bool) -> serde_json::Value {
    json!({
        "done": done,
        "seconds": progress.begun.elapsed().as_secs_f64(),
        "settled": progress.outcomes.sum(),
        "per_second": progress.rate().round(),
        "seconds_left": progress.time_left().map(|left| left.as_secs()),
        "outcomes": progress.outcomes.by_name(),
        "bad_lines": progress.bad_lines.load(Relaxed),
        "skipped": progress.skipped.load(Relaxed) + progress.skipped_bad.load(Relaxed),
        "skipped_not_accepted": progress.skipped_bad.load(Relaxed),
        "broken_off": progress.has_left(),
        "trouble": *lock(&progress.trouble),
        "credential_causes": *lock(&progress.causes),
    })
}

/// The figures at the end of a run, as text.
pub(super) struct Summary<'a> {
    pub(super) progress: &'a Progress,
    pub(super) results: Option<PathBuf>,
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let progress = self.progress;
        let took = progress.begun.elapsed();
        write!(f, "{} pushes in {took:.1?}, {:.0} pushes/s", progress.outcomes.sum(), progress.rate())?;
        for (name, count) in progress.outcomes.by_name() {
            write!(f, "\n  {name:<20}{count:>10}")?;
        }
        let bad = progress.bad_lines.load(Relaxed);
        if bad > 0 {
            write!(f, "\n{bad} of the INVALID_PUSH are lines that are no push")?;
        }
        let (good, not) = (progress.skipped.load(Relaxed), progress.skipped_bad.load(Relaxed));
        if good + not > 0 {
            write!(f, "\n{} skipped: they have their verdict from an earlier run", good + not)?;
        }
        if not > 0 {
            write!(f, " ({not} of them were not accepted)")?;
        }
        for (cause, count) in &*lock(&progress.causes) {
            write!(f, "\n{count} CREDENTIAL: {cause}")?;
        }
        if progress.outcomes.of(Outcome::Credential) > 0 {
            write!(f, "\nwhen that is mended, --retry CREDENTIAL sends them again")?;
        }
        let doubts: Vec<_> =
            lock(&progress.doubts).iter().map(|(doubt, count)| format!("{doubt} ({count})")).collect();
        if !doubts.is_empty() {
            write!(
                f,
                "\nUNCONFIRMED pushes may or may not have been delivered: {}; they are sent again only with \
                 --repeatable or --retry UNCONFIRMED",
                doubts.join(", ")
            )?;
        }
        let resumable = self.results.as_ref().filter(|file| file.as_os_str() != "-");
        let again = [Outcome::NotAttempted, Outcome::RateLimited, Outcome::UpstreamUnavailable];
        let again = again.iter().any(|outcome| progress.outcomes.of(*outcome) > 0);
        match (progress.has_left(), resumable) {
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
    use super::super::progress::ProgressFormat;
    use super::super::verdict::LineVerdict;
    use super::*;
    use crate::proto::{self, Reason};

    #[test]
    fn what_is_in_doubt_is_told_by_its_true_cause() {
        let progress = Progress::new(ProgressFormat::Lines);
        for _ in 0..3 {
            progress.settle(&LineVerdict::unconfirmed(1, "a".into(), 0, "the gateway was lost"));
        }
        for (outcome, reason) in [
            (Outcome::Unconfirmed, Reason::AnswerTimeout),
            (Outcome::Unconfirmed, Reason::ConnectionLost),
            (Outcome::Accepted, Reason::Unspecified),
        ] {
            let mut verdict = LineVerdict::bad_line(2, "b".into(), 0, reason, String::new());
            verdict.result.outcome = outcome.into();
            verdict.result.provider = proto::Provider::Apns.into();
            progress.settle(&verdict);
        }
        let summary = progress.summary(None);
        let causes = "delivered: ANSWER_TIMEOUT (1), CONNECTION_LOST (1), their gateway was lost (3); they";
        assert!(summary.contains(causes), "{summary}");
    }
}
