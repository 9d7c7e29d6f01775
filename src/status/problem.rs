//! The pushes that were not accepted lately: the latest of each kind.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::moment;
use super::word::Word;

/// So many kinds are kept. Of more the one leaves that was not seen for the longest.
const MOST: usize = 64;

/// A push that was not accepted, the latest of its kind.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Problem {
    /// When it had its verdict.
    #[serde(with = "moment::rfc3339")]
    pub(crate) time: SystemTime,
    /// When the first of its kind that is remembered had its verdict.
    #[serde(with = "moment::rfc3339")]
    pub(crate) first: SystemTime,
    /// Its app.
    pub(crate) app: String,
    /// Its provider.
    pub(crate) provider: Word,
    /// What became of it.
    pub(crate) outcome: Word,
    /// Why, as a code of the contract; empty where there is none.
    pub(crate) reason: Word,
    /// The status of the last answer.
    pub(crate) upstream_status: Option<u16>,
    /// The reason of the last answer.
    pub(crate) upstream_reason: String,
    /// Its target, cut short so that nobody can send to it.
    pub(crate) token: String,
    /// Its id.
    pub(crate) id: String,
    /// Why, in a sentence.
    pub(crate) detail: String,
}

impl Problem {
    fn is_of_kind(&self, other: &Self) -> bool {
        let answers =
            self.upstream_status == other.upstream_status && self.upstream_reason == other.upstream_reason;
        let kinds = self.outcome == other.outcome && self.reason == other.reason;
        answers && kinds && self.provider == other.provider && self.app == other.app
    }
}

/// The latest problem of each kind.
#[derive(Debug, Default)]
pub(crate) struct Problems(Mutex<VecDeque<Problem>>);

impl Problems {
    /// Keeps a problem, in the place of the one before it of its kind.
    pub(crate) fn note(&self, mut problem: Problem) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = kept.iter().position(|it| it.is_of_kind(&problem))
            && let Some(before) = kept.remove(at)
        {
            problem.first = before.first;
        }
        kept.push_front(problem);
        kept.truncate(MOST);
    }

    /// The latest first.
    pub(crate) fn all(&self) -> Vec<Problem> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn problem(seconds: u64, reason: &str) -> Problem {
        let time = UNIX_EPOCH + Duration::from_secs(seconds);
        Problem {
            time,
            first: time,
            app: "shop".to_owned(),
            provider: "apns".into(),
            outcome: "credential".into(),
            reason: "UPSTREAM_ANSWERED".into(),
            upstream_status: Some(403),
            upstream_reason: reason.to_owned(),
            token: String::new(),
            id: String::new(),
            detail: String::new(),
        }
    }

    #[test]
    fn the_latest_of_each_kind_is_kept_and_there_are_so_many_kinds() {
        let problems = Problems::default();
        problems.note(problem(1, "A"));
        problems.note(problem(2, "B"));
        problems.note(problem(3, "A"));
        let told: Vec<_> =
            problems.all().into_iter().map(|it| (it.time, it.first, it.upstream_reason)).collect();
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(told, [(at(3), at(1), "A".to_owned()), (at(2), at(2), "B".to_owned())]);
        (0..1000).for_each(|number| problems.note(problem(number, &number.to_string())));
        assert_eq!(problems.all().len(), MOST);
    }
}
