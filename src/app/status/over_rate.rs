//! Whether a caller hands in more than its rate, and since when.

use std::time::{Duration, SystemTime};

use crate::caller::CallerLook;
use crate::status::{Fault, Trouble, clock};

/// The rule by which a caller over its rate is refused.
const RULE: &str = "pushes_per_second";

/// A caller of which nothing was refused for so long is over its rate no more.
const OVER_FOR: Duration = Duration::from_secs(60);

/// What was refused of a caller over its rate.
#[derive(Debug, Clone, Copy)]
pub(super) struct OverRate {
    since: SystemTime,
    last: SystemTime,
    refused: u64,
}

/// How often a caller was refused for its rate since the gateway was started.
pub(super) fn refused(caller: &CallerLook) -> u64 {
    caller.refusals.iter().find(|(rule, _)| *rule == RULE).map_or(0, |(_, count)| *count)
}

impl OverRate {
    /// How it is after so many refusals more.
    pub(super) fn next(before: Option<Self>, news: u64, now: SystemTime) -> Option<Self> {
        match before {
            before if news > 0 => {
                let (since, refused) = before.map_or((now, 0), |it| (it.since, it.refused));
                Some(Self { since, last: now, refused: refused + news })
            }
            // After the clock was set back, it is forgotten at once.
            Some(it) if now.duration_since(it.last).is_ok_and(|ago| ago < OVER_FOR) => Some(it),
            _ => None,
        }
    }

    /// How it is told of a caller that has this rate.
    pub(super) fn told(self, caller: &str, rate: Option<(u32, u32)>, now: SystemTime) -> Option<Trouble> {
        let (per_second, burst) = rate?;
        let (since, last) = (clock(self.since, now), clock(self.last, now));
        Some(Trouble {
            sentence: format!(
                "{caller} hands in more pushes than its {per_second} a second ({burst} at once) since {since}, last at {last}: \
                 {} were refused.",
                self.refused
            ),
            fault: Fault::Caller,
            since: self.since,
            remedy: "Ask its owner whether so many are meant. Let it send by SendBatch, which waits by itself, or raise its \
                     pushes_per_second."
                .to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_over_its_rate_until_nothing_was_refused_for_a_minute() {
        let begun = SystemTime::UNIX_EPOCH + Duration::from_secs(12 * 3600);
        let at = |seconds| begun + Duration::from_secs(seconds);
        assert!(OverRate::next(None, 0, begun).is_none());
        let over = OverRate::next(None, 3, begun);
        let over = OverRate::next(over, 4, at(60));
        let over = OverRate::next(over, 0, at(119));
        let told = over.unwrap().told("orders", Some((5, 10)), at(119)).unwrap();
        let sentence = "orders hands in more pushes than its 5 a second (10 at once) since 12:00 UTC, last at 12:01 UTC: 7 were refused.";
        assert_eq!((told.sentence.as_str(), told.since), (sentence, begun));
        assert!(OverRate::next(over, 0, at(120)).is_none(), "a minute has passed");
        assert!(OverRate::next(over, 0, begun).is_none(), "the clock was set back");
        assert!(over.unwrap().told("orders", None, at(119)).is_none(), "a reload took its rate away");
    }
}
