//! Judges whether the targets are at fault or the configuration. A gateway that points at the wrong environment, topic,
//! key or project is told of every good target that it is dead, and its callers would delete them all.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::push::{Outcome, TokenAction};

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
    /// Takes note of an answer, and turns DELETE into QUARANTINE while the recent answers speak for a wrong
    /// configuration. `proved`: the push service says since when this very target is gone, as APNs does; such a target
    /// is deleted whatever the others are.
    pub(super) fn judge(&self, outcome: Outcome, action: TokenAction, proved: bool) -> Judged {
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
        let (before, now) = self.note(sign);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn action(suspicion: &Suspicion, outcome: Outcome) -> TokenAction {
        let action = if outcome == Outcome::Accepted { TokenAction::Keep } else { TokenAction::Delete };
        suspicion.judge(outcome, action, false).action
    }

    fn invalid(suspicion: &Suspicion) -> TokenAction {
        action(suspicion, Outcome::InvalidToken)
    }

    fn gone(suspicion: &Suspicion) -> TokenAction {
        action(suspicion, Outcome::Unregistered)
    }

    fn accepted(suspicion: &Suspicion, times: u32) {
        for _ in 0..times {
            assert_eq!(action(suspicion, Outcome::Accepted), TokenAction::Keep);
        }
    }

    #[test]
    fn a_few_invalid_tokens_are_deleted() {
        let suspicion = Suspicion::default();
        for _ in 0..9 {
            assert_eq!(invalid(&suspicion), TokenAction::Delete);
        }
    }

    #[test]
    fn many_invalid_at_once_are_set_aside_until_good_answers_prevail() {
        let suspicion = Suspicion::default();
        (0..9).for_each(|_| _ = invalid(&suspicion));
        assert_eq!(invalid(&suspicion), TokenAction::Quarantine);
        accepted(&suspicion, 40);
        assert_eq!(invalid(&suspicion), TokenAction::Delete);
    }

    #[test]
    fn a_half_that_is_invalid_is_not_most() {
        let suspicion = Suspicion::default();
        accepted(&suspicion, 10);
        for _ in 0..10 {
            assert_eq!(invalid(&suspicion), TokenAction::Delete);
        }
        assert_eq!(invalid(&suspicion), TokenAction::Quarantine);
    }

    #[test]
    fn of_fewer_than_a_hundred_answers_all_may_be_gone() {
        let suspicion = Suspicion::default();
        for answer in 1..100 {
            assert_eq!(gone(&suspicion), TokenAction::Delete, "{answer}");
        }
        for answer in 100..2000 {
            assert_eq!(gone(&suspicion), TokenAction::Quarantine, "{answer}");
        }
    }

    #[test]
    fn ninety_five_in_a_hundred_are_suspicious_and_ninety_four_are_not() {
        for (alive, at_the_hundredth) in [(5, TokenAction::Quarantine), (6, TokenAction::Delete)] {
            let suspicion = Suspicion::default();
            accepted(&suspicion, alive);
            for _ in alive..99 {
                assert_eq!(gone(&suspicion), TokenAction::Delete);
            }
            assert_eq!(gone(&suspicion), at_the_hundredth, "{alive}");
        }
    }

    #[test]
    fn the_first_clean_up_of_an_old_list_goes_through() {
        let suspicion = Suspicion::default();
        for _ in 0..WINDOW {
            accepted(&suspicion, 1);
            for _ in 0..9 {
                assert_eq!(gone(&suspicion), TokenAction::Delete);
            }
        }
    }

    #[test]
    fn the_gone_are_deleted_again_when_one_in_twenty_lives() {
        let suspicion = Suspicion::default();
        (0..1000).for_each(|_| _ = gone(&suspicion));
        assert_eq!(gone(&suspicion), TokenAction::Quarantine);
        // Of as many as the window holds.
        accepted(&suspicion, WINDOW / ONE_LIVES_IN + 1);
        assert_eq!(gone(&suspicion), TokenAction::Delete);
    }

    #[test]
    fn the_invalid_and_the_gone_are_dead_together() {
        let suspicion = Suspicion::default();
        for _ in 0..60 {
            assert_eq!(gone(&suspicion), TokenAction::Delete);
        }
        for _ in 60..99 {
            assert_eq!(invalid(&suspicion), TokenAction::Delete);
        }
        assert_eq!(invalid(&suspicion), TokenAction::Quarantine);
        assert_eq!(gone(&suspicion), TokenAction::Quarantine);
    }

    #[test]
    fn proof_for_one_target_deletes_it_whatever_the_others_are() {
        let suspicion = Suspicion::default();
        (0..100).for_each(|_| _ = invalid(&suspicion));
        let proved = || suspicion.judge(Outcome::Unregistered, TokenAction::Delete, true).action;
        assert_eq!((gone(&suspicion), proved()), (TokenAction::Quarantine, TokenAction::Delete));
        let proofs = Suspicion::default();
        for _ in 0..1000 {
            let judged = proofs.judge(Outcome::Unregistered, TokenAction::Delete, true);
            assert_eq!(judged.action, TokenAction::Delete);
        }
        assert_eq!(invalid(&proofs), TokenAction::Delete, "what is proved speaks for the configuration");
    }

    #[test]
    fn the_guard_says_once_that_it_closes_and_once_that_it_opens() {
        let suspicion = Suspicion::default();
        let turns = |outcome, times| -> Vec<_> {
            (0..times).filter_map(|_| suspicion.judge(outcome, TokenAction::Delete, false).turned).collect()
        };
        assert_eq!(turns(Outcome::Unregistered, 3 * WINDOW), [Turn::Closed]);
        assert_eq!(turns(Outcome::Accepted, 3 * WINDOW), [Turn::Opened]);
        assert_eq!(turns(Outcome::InvalidToken, 3 * WINDOW), [Turn::Closed]);
        assert_eq!(turns(Outcome::RateLimited, 10), []);
    }

    #[test]
    fn a_third_that_is_invalid_is_never_suspicious_however_long_it_goes_on() {
        let suspicion = Suspicion::default();
        for _ in 0..10 * WINDOW {
            accepted(&suspicion, 2);
            assert_eq!(invalid(&suspicion), TokenAction::Delete);
        }
    }

    #[test]
    fn the_past_fades() {
        let suspicion = Suspicion::default();
        accepted(&suspicion, 100_000);
        let at = (0..1000).position(|_| invalid(&suspicion) == TokenAction::Quarantine);
        assert!(at.is_some_and(|at| at < 600), "{at:?}");
    }
}
