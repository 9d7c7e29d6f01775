//! The limit that a service teaches by its answers, since most publish none.
//!
//! An answer that says "too many requests" lowers the pace to a part of what was taken lately. From there it rises quickly
//! up to the pace at which the service limited, stays near it for a while, and then rises ever faster, so that a limit that
//! is not met again fades. (CUBIC grows the window of TCP like this, and for the same reason. Source: RFC 9438, section 4.)
//!
//! ```text
//! pace                                             ╱ fades: no limit any more
//!   │      limited                                ╱
//!   │     ╱│                      ......·········╱   limited again: the same from here
//!   │    ╱ │            ...····
//!   │   ╱  │      .·
//!   │      │  .
//!   │      └·  0.85 of what was taken; half of it where the last time was just now
//!   └────────────────────────────────────────────────── time
//! ```
//!
//! The numbers were chosen in simulations of services with buckets of several sizes, which `tests/buckets.rs` repeats.

use std::time::Instant;

/// The part of the pace that is left.
const PART: f64 = 0.85;
/// The part that is left where the pace is far too high: the service had limited just before, or took hardly anything.
const PART_AGAIN: f64 = 0.5;
/// How long the pace takes back to where it was limited: this many seconds, or the time of this many turns where that is
/// longer.
const RECOVERY_SECONDS: f64 = 8.0;
const RECOVERY_TURNS: f64 = 20.0;
/// The part of the recovery in which another answer says that the pace is far too high.
const JUST_NOW: f64 = 1.0 / 8.0;
/// The lowest pace, so that something is always tried: one turn in ten seconds.
const LEAST: f64 = 0.1;
/// Beyond this many turns a second a limit has faded; no service is known to take as many from one sender.
const MOST: f64 = 1_000_000.0;
/// A pace that was measured says little where it is lower, since it is the count of one second.
const MEASURABLE: f64 = 10.0;

/// Answers about targets say something of the service only where so many different targets had them, or so many where the
/// service is known to limit,
const TARGETS: usize = 10;
const TARGETS_AGAIN: usize = 5;
/// and where they are more than this part of the recent answers,
const SHARE: f64 = 0.05;
/// or than this part where the service is not known to limit: a service that refuses what is beyond its limit soon refuses
/// most of a flood,
const FIRST_SHARE: f64 = 0.5;
/// which are about this many.
const RECENT: f64 = 256.0;

/// The pace is lowered this often in vain, without a change of that part, before the answers are believed to be about
/// targets after all. A service that limits its sender refuses less, or nothing, of what is sent more slowly.
const IN_VAIN: u32 = 2;

/// An answer that said "too many requests".
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Limited {
    /// When its request began.
    pub(crate) begun: Instant,
    /// The target that it is about, as a number that others hardly have. It is `None` if it is about the sender.
    pub(crate) target: Option<u64>,
    /// How many requests a second the service took when that one began, as far as it has answered them.
    pub(crate) taken_per_second: f64,
    /// How many requests it has ever taken.
    pub(crate) taken: u64,
}

/// What the answers of the service say of its limit.
#[derive(Debug, Default)]
pub(super) struct Limit {
    in_force: Option<InForce>,
    recent: Recent,
    /// The part of the answers that no lower pace has changed.
    tolerated: f64,
}

/// A limit that was met.
#[derive(Debug)]
struct InForce {
    /// When the pace was lowered.
    since: Instant,
    /// To what it was lowered.
    lowered: f64,
    /// The pace at which the service limited.
    knee: f64,
    /// Answers about targets, of which few are limited, do not lower the pace below this.
    floor: f64,
    /// The part of the recent answers that said so.
    share: f64,
    /// How often the pace was lowered in vain, up to this time.
    in_vain: u32,
}

/// Recent answers, where older ones count less.
#[derive(Debug, Default)]
struct Recent {
    limited: f64,
    taken: f64,
    /// When the first request began that was limited.
    first: Option<Instant>,
    /// How many were taken in all when this was last brought up to date.
    taken_before: u64,
    /// Different targets that were limited. More than enough are not kept.
    targets: Vec<u64>,
}

impl Limit {
    pub(super) fn is_in_force(&self) -> bool {
        self.in_force.is_some()
    }

    /// When the pace was last lowered, while the service limits it.
    pub(super) fn since(&self) -> Option<Instant> {
        self.in_force.as_ref().map(|limit| limit.since)
    }

    /// How many turns a second there are at this moment, if the service limits them.
    pub(super) fn per_second(&self, now: Instant) -> Option<f64> {
        self.in_force.as_ref().map(|limit| limit.per_second(now))
    }

    /// Takes note of an answer, at a pace of `present`, and says whether it lowers the pace.
    pub(super) fn lower(&mut self, now: Instant, limited: Limited, present: Option<f64>) -> bool {
        // What began before the pace was lowered says nothing of the pace that there is.
        if self.in_force.as_ref().is_some_and(|limit| limited.begun < limit.since) {
            return false;
        }
        self.recent.note(limited);
        let share = self.recent.share();
        let mut in_vain = 0;
        if limited.target.is_some() {
            self.tolerated = if share < self.tolerated / 2.0 { share } else { self.tolerated };
            let (enough, most) = match self.in_force {
                Some(_) => (TARGETS_AGAIN, SHARE + 2.0 * self.tolerated),
                None => (TARGETS, FIRST_SHARE),
            };
            if self.recent.targets.len() < enough || share <= most {
                return false;
            }
            in_vain = self.in_force.as_ref().map_or(0, |limit| limit.in_vain(&self.recent));
            if in_vain >= IN_VAIN {
                *self = Self { tolerated: share, ..Self::default() };
                self.recent.taken_before = limited.taken;
                return false;
            }
        }
        let knee = present.unwrap_or(f64::INFINITY).min(limited.taken_per_second.max(MEASURABLE));
        let just_now = self.in_force.as_ref().is_some_and(|limit| limit.progress(now) < JUST_NOW);
        // Where only some of the recent requests were taken, no more than that part of the pace can be right.
        let far_too_high = just_now && (limited.target.is_none() || share > 0.5);
        let part = if far_too_high { PART_AGAIN } else { (1.0 - share).clamp(PART_AGAIN, PART) };
        let knee = knee.clamp(LEAST, MOST);
        let (lowered, floor) = match &self.in_force {
            // A pace at which less than half is limited is less than twice too high, so that half of it is low enough.
            Some(limit) if limited.target.is_some() && share < 0.5 => {
                ((knee * part).max(limit.floor), limit.floor)
            }
            _ => ((knee * part).max(LEAST), knee * part * PART_AGAIN),
        };
        let knee = knee.max(lowered);
        self.in_force = Some(InForce { since: now, lowered, knee, floor, share, in_vain });
        self.recent = Recent { taken_before: limited.taken, ..Recent::default() };
        true
    }

    /// Forgets a limit that has faded, and says whether there was one.
    pub(super) fn faded(&mut self, now: Instant) -> bool {
        self.in_force.take_if(|limit| limit.per_second(now) >= MOST).is_some()
    }
}

impl InForce {
    /// How much of the recovery has passed: 1 where the pace is again what it was.
    fn progress(&self, now: Instant) -> f64 {
        let recovery = RECOVERY_SECONDS.max(RECOVERY_TURNS / self.knee);
        now.saturating_duration_since(self.since).as_secs_f64() / recovery
    }

    /// How often the pace was lowered in vain, with this time: at once a part of the requests was limited as before.
    fn in_vain(&self, recent: &Recent) -> u32 {
        let at_once = recent.first.is_some_and(|first| self.progress(first) < JUST_NOW);
        let (before, share) = (self.share, recent.share());
        let unchanged = share < 0.5 && (before / 3.0..=before * 3.0).contains(&share);
        if at_once && unchanged { self.in_vain + 1 } else { 0 }
    }

    fn per_second(&self, now: Instant) -> f64 {
        let progress = self.progress(now);
        let pace = if progress < 1.0 {
            let left = 1.0 - progress;
            self.lowered + (self.knee - self.lowered) * (1.0 - left * left)
        } else {
            let beyond = progress - 1.0;
            self.knee * (1.0 + 0.04 * beyond) * (beyond * beyond / 4.0).exp2()
        };
        pace.min(MOST)
    }
}

impl Recent {
    fn note(&mut self, limited: Limited) {
        if self.first.is_none() {
            self.first = Some(limited.begun);
            if limited.target.is_some() {
                // What was taken until now had mostly begun before the pace was lowered.
                self.taken_before = limited.taken;
            }
        }
        self.taken += limited.taken.saturating_sub(self.taken_before) as f64;
        self.taken_before = limited.taken;
        self.limited += 1.0;
        let all = self.limited + self.taken;
        if all > RECENT {
            self.limited *= RECENT / all;
            self.taken *= RECENT / all;
        }
        if self.limited < 1.0 {
            // Those that were limited before are long ago.
            self.targets.clear();
        }
        if let Some(target) = limited.target
            && self.targets.len() < TARGETS
            && !self.targets.contains(&target)
        {
            self.targets.push(target);
        }
    }

    /// Which part of the recent requests was limited.
    fn share(&self) -> f64 {
        self.limited / (self.taken + self.limited).max(1.0)
    }
}

/// How long a limit of so many turns a second takes to fade, at most.
#[cfg(test)]
pub(super) fn fades_within(knee: f64) -> std::time::Duration {
    let recovery = RECOVERY_SECONDS.max(RECOVERY_TURNS / knee);
    std::time::Duration::from_secs_f64(recovery * (1.0 + 2.0 * (MOST / knee).log2().sqrt()))
}
