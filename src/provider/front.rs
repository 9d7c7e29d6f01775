//! Answers that something in front of a push service gave in its place: a load balancer, a CDN, or a proxy that
//! intercepts TLS.

use std::time::Duration;

use super::meaning::{Meaning, plain, unavailable};
use super::{Heal, Retry};
use crate::push::{Outcome, Reason, TokenAction};

/// The wait after an answer that leaves in doubt whether the push was taken.
const DOUBT_DELAY: Duration = Duration::from_secs(10);
/// The wait after a refusal that is not the service's own. Google's pages of that kind stayed for hours to days.
///
/// Source: github.com/firebase/firebase-admin-java, issue 506.
const FOREIGN_DELAY: Duration = Duration::from_secs(60);

/// What an operator knows about a 502 from the front of an app's push service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Front502 {
    /// The front may have passed the push on, and lost the answer.
    #[default]
    Unknown,
    /// The front answers 502 only where it passed nothing on.
    NotSent,
}

/// What a status means in an answer that carries nothing of the service's own: whether the front may have passed the
/// push on all the same. nginx, for example, answers 502 both where nothing listens and where the answer was cut.
///
/// Source: RFC 9110, sections 15.6.3 and 15.6.5; for 520, 522 and 524 Cloudflare, "Cloudflare 5xx errors".
pub(super) fn in_doubt(status: u16, front_502: Front502) -> Option<Meaning> {
    match status {
        502 if front_502 == Front502::NotSent => Some(unavailable(
            Retry::After(DOUBT_DELAY),
            Heal::Nothing,
            "something in front of the push service answered in its place; by the app's front_502 it passed nothing on",
        )),
        502 | 504 | 520 | 522 | 524 => Some(doubt(
            Retry::After(DOUBT_DELAY),
            "something in front of the push service answered in its place, and may have passed the push on",
        )),
        _ => None,
    }
}

/// The same for refusals as well; none where the status alone says everything.
pub(super) fn by_front(status: u16, front_502: Front502) -> Option<Meaning> {
    match status {
        // A front's limits of time, size and rate bind as the service's own do.
        408 | 413 | 429 => None,
        400..500 => Some(FOREIGN),
        _ => in_doubt(status, front_502),
    }
}

/// A refusal that is not the service's own: it says nothing about the target, the push or the credential.
pub(super) const FOREIGN: Meaning = unavailable(
    Retry::After(FOREIGN_DELAY),
    Heal::Nothing,
    "something in front of the push service refused the push in its place; check what stands between where this stays",
);

/// The push may have been delivered. `dispatch` repeats it only where a duplicate does no harm.
pub(super) const fn doubt(retry: Retry, detail: &'static str) -> Meaning {
    let plain = plain(Outcome::Unconfirmed, TokenAction::Keep, detail);
    Meaning { retryable: true, retry, ..plain }
}

/// The status says that all is well, but the answer lacks what the service always says beside it.
pub(super) const fn unreadable(detail: &'static str) -> Meaning {
    Meaning { reason: Reason::AnswerUnreadable, ..doubt(Retry::IfRepeatable, detail) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_502_is_the_operators_to_explain() {
        for status in [502, 504, 520, 522, 524] {
            let unknown = in_doubt(status, Front502::Unknown).unwrap();
            assert_eq!(unknown.outcome, Outcome::Unconfirmed, "{status}");
            let known = in_doubt(status, Front502::NotSent).unwrap();
            assert_eq!(known.outcome == Outcome::UpstreamUnavailable, status == 502, "{status}");
        }
        for status in [200, 404, 429, 500, 503, 521, 523] {
            assert!(in_doubt(status, Front502::Unknown).is_none(), "{status}");
        }
    }
}
