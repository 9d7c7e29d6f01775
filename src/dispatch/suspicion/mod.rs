//! Judges whether the targets are at fault or the configuration. A gateway that points at the wrong environment, topic,
//! key or project is told of every good target that it is dead, and its callers would delete them all.

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};

use crate::push::{Options, Outcome, TokenAction};

/// How many answers about targets are remembered; older ones fade.
const WINDOW: u32 = 400;

/// Fewer invalid targets than this are never suspicious. Ten are, if they are more than half of the answers.
const SUSPICIOUS_INVALID: u32 = 10;

/// Among fewer answers than this no share of dead targets is suspicious, because the first pushes to an old list of
/// targets go to many that are gone.
const ENOUGH_ANSWERS: u32 = 100;

/// Dead targets are suspicious where at most one answer in so many says that its target lives.
const ONE_LIVES_IN: u32 = 20;

/// Counts what the recent answers of one app on one push service said about targets.
#[derive(Debug, Default)]
pub(super) struct Suspicion {
    /// [`Counts`] in one word, so that an answer is noted without a lock.
    counts: AtomicU64,
}

/// Whether a push is real or a dry run, and whether its caller is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunMode {
    /// It is to be delivered, and what its answer says of the target is noted.
    Real,
    /// The same, where anybody may have asked for it. Whoever makes up targets sets no others aside than those that anybody may
    /// have asked for.
    FromAnybody,
    /// It delivers nothing. Its answer is judged by what is known and adds nothing to it: whoever tries a list of made-up
    /// targets does not set those of others aside, and what was never delivered vouches for nothing.
    DryRun,
}

impl RunMode {
    pub(crate) fn of(options: &Options) -> Self {
        match options {
            Options { dry_run: true, .. } => Self::DryRun,
            Options { from_anybody: true, .. } => Self::FromAnybody,
            Options { .. } => Self::Real,
        }
    }
}

/// What an answer says about its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// It lives, or it is proved to be gone by itself. Either way the configuration is right.
    Vouches,
    /// It was good and is gone.
    Gone,
    /// It was never valid here.
    Invalid,
}

/// What one answer led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) action: TokenAction,
    pub(super) turned: Option<Turn>,
}

/// How the guard changed with one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// The guard began to set targets aside.
    Closed,
    /// The guard lets dead targets be deleted again.
    Opened,
}

impl Suspicion {
    /// Whether targets are set aside now.
    pub(super) fn is_aroused(&self) -> bool {
        Counts::unpack(self.counts.load(Ordering::Relaxed)).is_suspicious()
    }

    /// Takes note of an answer, and turns DELETE into QUARANTINE while the recent answers speak for a wrong
    /// configuration. `proved`: the push service says since when this very target is gone, as APNs does; such a target
    /// is deleted whatever the others are.
    pub(super) fn judge(&self, outcome: Outcome, action: TokenAction, proved: bool, mode: RunMode) -> Judged {
        let sign = match outcome {
            Outcome::Accepted => Sign::Vouches,
            Outcome::Unregistered if proved => Sign::Vouches,
            Outcome::Unregistered => Sign::Gone,
            Outcome::InvalidToken => Sign::Invalid,
            Outcome::InvalidPush
            | Outcome::PayloadTooLarge
            | Outcome::Credential
            | Outcome::RateLimited
            | Outcome::UpstreamUnavailable
            | Outcome::Internal
            | Outcome::Unconfirmed
            | Outcome::NotAttempted
            | Outcome::Validated => return Judged { action, turned: None },
        };
        let (before, now) = match mode {
            RunMode::Real | RunMode::FromAnybody => self.note(sign),
            RunMode::DryRun => {
                let now = Counts::unpack(self.counts.load(Ordering::Relaxed));
                (now, now)
            }
        };
        let suspicious = match sign {
            Sign::Vouches => false,
            Sign::Gone => now.too_many_dead(),
            Sign::Invalid => now.too_many_invalid() || now.too_many_dead(),
        };
        let turned = match (before.is_suspicious(), now.is_suspicious()) {
            (false, true) => Some(Turn::Closed),
            (true, false) => Some(Turn::Opened),
            (true, true) | (false, false) => None,
        };
        let aside = suspicious && action == TokenAction::Delete;
        Judged { action: if aside { TokenAction::Quarantine } else { action }, turned }
    }

    /// Counts an answer; returns what was counted before it, and with it.
    fn note(&self, sign: Sign) -> (Counts, Counts) {
        let next = |packed| Some(Counts::unpack(packed).with(sign).pack());
        // The closure always gives a value, so this cannot fail.
        let before = self.counts.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).unwrap_or_default();
        let before = Counts::unpack(before);
        (before, before.with(sign))
    }
}

/// The answers of the window, and among them those about dead targets: gone, and invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Counts {
    answers: u32,
    gone: u32,
    invalid: u32,
}

/// The bits of each count, which are enough because no count exceeds the window.
const BITS: u32 = 16;
const MASK: u64 = (1 << BITS) - 1;

impl Counts {
    fn with(self, sign: Sign) -> Self {
        let Self { mut answers, mut gone, mut invalid } = self;
        if answers >= WINDOW {
            (answers, gone, invalid) = (answers / 2, gone / 2, invalid / 2);
        }
        let one = |is_so| u32::from(is_so);
        Self {
            answers: answers + 1,
            gone: gone + one(sign == Sign::Gone),
            invalid: invalid + one(sign == Sign::Invalid),
        }
    }

    fn too_many_invalid(self) -> bool {
        self.invalid >= SUSPICIOUS_INVALID && self.invalid * 2 > self.answers
    }

    /// Whether at least 95 % of at least 100 targets are dead.
    fn too_many_dead(self) -> bool {
        let alive = self.answers - self.gone - self.invalid;
        self.answers >= ENOUGH_ANSWERS && alive * ONE_LIVES_IN <= self.answers
    }

    fn is_suspicious(self) -> bool {
        self.too_many_invalid() || self.too_many_dead()
    }

    fn pack(self) -> u64 {
        u64::from(self.answers) << (2 * BITS) | u64::from(self.gone) << BITS | u64::from(self.invalid)
    }

    fn unpack(packed: u64) -> Self {
        // Each is masked to what a u32 holds.
        let part = |at: u32| u32::try_from(packed >> (at * BITS) & MASK).unwrap_or_default();
        Self { answers: part(2), gone: part(1), invalid: part(0) }
    }
}
