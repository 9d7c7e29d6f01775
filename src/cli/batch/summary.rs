//! What a run has come to, for scripts and for people.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;

use serde_json::json;

use super::progress::{Tally, lock};
use crate::proto::Outcome;

/// The figures for scripts, while the run goes on and at its end.
pub(super) fn as_json(tally: &Tally, done: bool) -> serde_json::Value {
    json!({
        "done": done,
        "seconds": tally.begun.elapsed().as_secs_f64(),
        "settled": tally.settled(),
        "per_second": tally.rate().round(),
        "seconds_left": tally.time_left().map(|left| left.as_secs()),
        "outcomes": tally.named(),
        "bad_lines": tally.bad_lines.load(Relaxed),
        "skipped": tally.skipped.load(Relaxed) + tally.skipped_bad.load(Relaxed),
        "skipped_not_accepted": tally.skipped_bad.load(Relaxed),
        "broken_off": tally.has_left(),
        "trouble": *lock(&tally.trouble),
        "credential_causes": *lock(&tally.causes),
    })
}

/// The end of a run, for people.
pub(super) struct Summary<'a> {
    pub(super) tally: &'a Tally,
    pub(super) results: Option<PathBuf>,
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
        for (cause, count) in &*lock(&tally.causes) {
            write!(f, "\n{count} CREDENTIAL: {cause}")?;
        }
        if tally.count(Outcome::Credential as usize) > 0 {
            write!(f, "\nwhen that is mended, --retry CREDENTIAL sends them again")?;
        }
        let doubts: Vec<_> =
            lock(&tally.doubts).iter().map(|(doubt, count)| format!("{doubt} ({count})")).collect();
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
    use super::super::progress::Show;
    use super::super::results::Verdict;
    use super::*;
    use crate::proto::{self, Reason};

    #[test]
    fn what_is_in_doubt_is_told_by_its_true_cause() {
        let tally = Tally::new(Show::Lines);
        for _ in 0..3 {
            tally.settle(&Verdict::unconfirmed(1, "a".into(), 0, "the gateway was lost"));
        }
        for (outcome, reason) in [
            (Outcome::Unconfirmed, Reason::AnswerTimeout),
            (Outcome::Unconfirmed, Reason::ConnectionLost),
            (Outcome::Accepted, Reason::Unspecified),
        ] {
            let mut verdict = Verdict::bad_line(2, "b".into(), 0, reason, String::new());
            verdict.result.outcome = outcome.into();
            verdict.result.provider = proto::Provider::Apns.into();
            tally.settle(&verdict);
        }
        let summary = tally.summary(None);
        let causes = "delivered: ANSWER_TIMEOUT (1), CONNECTION_LOST (1), their gateway was lost (3); they";
        assert!(summary.contains(causes), "{summary}");
    }
}
