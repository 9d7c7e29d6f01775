//! Whether it is the tokens or the configuration: a gateway that points at the wrong environment or topic
//! gets "invalid token" for every good token, and callers would delete them all.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::push::{Outcome, TokenAction};

/// Answers about tokens that are remembered; older ones fade.
const WINDOW: u32 = 400;

/// Fewer invalid tokens than this are never suspicious.
const SUSPICIOUS: u32 = 10;

/// Counts what the recent answers of one credential said about tokens.
#[derive(Debug, Default)]
pub(super) struct Suspicion {
    /// Answers in the high half, "invalid token" among them in the low half.
    counts: AtomicU64,
}

impl Suspicion {
    /// Takes note of an answer, and turns DELETE into QUARANTINE while most recent answers say
    /// "invalid token". An unregistered token was good once: it speaks for the configuration.
    pub(super) fn judge(&self, outcome: Outcome, action: TokenAction) -> TokenAction {
        let invalid = match outcome {
            Outcome::Accepted | Outcome::Unregistered => false,
            Outcome::InvalidToken => true,
            Outcome::InvalidPush
            | Outcome::PayloadTooLarge
            | Outcome::Credential
            | Outcome::RateLimited
            | Outcome::UpstreamUnavailable
            | Outcome::Internal
            | Outcome::Unconfirmed
            | Outcome::NotAttempted
            | Outcome::Validated => return action,
        };
        let (answers, bad) = self.note(invalid);
        let suspicious = bad >= SUSPICIOUS && bad * 2 > answers;
        if invalid && suspicious && action == TokenAction::Delete { TokenAction::Quarantine } else { action }
    }

    fn note(&self, invalid: bool) -> (u32, u32) {
        let next = |packed: u64| {
            let (mut answers, mut bad) = unpack(packed);
            if answers >= WINDOW {
                (answers, bad) = (answers / 2, bad / 2);
            }
            Some(pack(answers + 1, bad + u32::from(invalid)))
        };
        // The closure always gives a value, so this cannot fail.
        let before = self.counts.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).unwrap_or_default();
        next(before).map_or((0, 0), unpack)
    }
}

fn pack(answers: u32, bad: u32) -> u64 {
    u64::from(answers) << 32 | u64::from(bad)
}

#[expect(clippy::cast_possible_truncation, reason = "takes the halves apart")]
fn unpack(packed: u64) -> (u32, u32) {
    ((packed >> 32) as u32, packed as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invalid(suspicion: &Suspicion) -> TokenAction {
        suspicion.judge(Outcome::InvalidToken, TokenAction::Delete)
    }

    #[test]
    fn a_few_invalid_tokens_are_deleted() {
        let suspicion = Suspicion::default();
        for _ in 0..9 {
            assert_eq!(invalid(&suspicion), TokenAction::Delete);
        }
    }

    #[test]
    fn many_at_once_are_set_aside_until_good_answers_prevail() {
        let suspicion = Suspicion::default();
        (0..9).for_each(|_| _ = invalid(&suspicion));
        assert_eq!(invalid(&suspicion), TokenAction::Quarantine);
        for _ in 0..40 {
            assert_eq!(suspicion.judge(Outcome::Accepted, TokenAction::Keep), TokenAction::Keep);
        }
        assert_eq!(invalid(&suspicion), TokenAction::Delete);
    }

    #[test]
    fn a_half_that_is_invalid_is_not_most() {
        let suspicion = Suspicion::default();
        (0..10).for_each(|_| _ = suspicion.judge(Outcome::Accepted, TokenAction::Keep));
        for _ in 0..10 {
            assert_eq!(invalid(&suspicion), TokenAction::Delete);
        }
        assert_eq!(invalid(&suspicion), TokenAction::Quarantine);
    }

    #[test]
    fn a_token_that_was_good_is_deleted_whatever_the_others_are() {
        let suspicion = Suspicion::default();
        (0..100).for_each(|_| _ = invalid(&suspicion));
        assert_eq!(suspicion.judge(Outcome::Unregistered, TokenAction::Delete), TokenAction::Delete);
    }

    #[test]
    fn a_third_that_is_invalid_is_never_suspicious_however_long_it_goes_on() {
        let suspicion = Suspicion::default();
        for _ in 0..10 * WINDOW {
            (0..2).for_each(|_| _ = suspicion.judge(Outcome::Accepted, TokenAction::Keep));
            assert_eq!(invalid(&suspicion), TokenAction::Delete);
        }
    }

    #[test]
    fn the_past_fades() {
        let suspicion = Suspicion::default();
        for _ in 0..100_000 {
            suspicion.judge(Outcome::Accepted, TokenAction::Keep);
        }
        let at = (0..1000).position(|_| invalid(&suspicion) == TokenAction::Quarantine);
        assert!(at.is_some_and(|at| at < 600), "{at:?}");
    }
}
