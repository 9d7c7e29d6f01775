//! What the guard makes of recent answers.

use super::*;

fn action(suspicion: &Suspicion, outcome: Outcome) -> TokenAction {
    let action = if outcome == Outcome::Accepted { TokenAction::Keep } else { TokenAction::Delete };
    suspicion.judge(outcome, action, false, RunMode::Real).action
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
    let proved = || suspicion.judge(Outcome::Unregistered, TokenAction::Delete, true, RunMode::Real).action;
    assert_eq!((gone(&suspicion), proved()), (TokenAction::Quarantine, TokenAction::Delete));
    let proofs = Suspicion::default();
    for _ in 0..1000 {
        let judged = proofs.judge(Outcome::Unregistered, TokenAction::Delete, true, RunMode::Real);
        assert_eq!(judged.action, TokenAction::Delete);
    }
    assert_eq!(invalid(&proofs), TokenAction::Delete, "what is proved speaks for the configuration");
}

#[test]
fn the_guard_says_once_that_it_closes_and_once_that_it_opens() {
    let suspicion = Suspicion::default();
    let turns = |outcome, times| -> Vec<_> {
        (0..times)
            .filter_map(|_| suspicion.judge(outcome, TokenAction::Delete, false, RunMode::Real).turned)
            .collect()
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
