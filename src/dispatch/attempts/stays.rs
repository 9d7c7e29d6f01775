//! Every history of a push beside every reason why no other attempt leaves.

use std::sync::Arc;
use std::time::Duration;

use fanfare_upstream::{ConnectError, FailingPeer, LeftAlone, NoTurn, PeerFailure, Symptom};

use super::tests::verdict;
use super::*;
use crate::credential::{NoToken, Refused, RefusingAnswer};
use crate::dispatch::acquire::NoLeave;

/// What a push has behind it.
struct History {
    name: &'static str,
    attempts: Vec<fn(&mut Attempts) -> Next>,
    /// Whether it may have been delivered.
    doubt: bool,
    /// The outcome of the last attempt.
    outcome: Option<Outcome>,
    /// The status of the last answer.
    status: Option<u16>,
    /// How long the push service asked to be left alone.
    advice: Option<Duration>,
}

/// Why no attempt leaves, and what a push is told that has nothing behind it.
struct Stay {
    why: NoLeave,
    outcome: Outcome,
    /// When it is worth to come back, as far as the gateway knows.
    advice: Option<Duration>,
}

const FIFTEEN_MINUTES: Duration = Duration::from_secs(900);
const MINUTE: Duration = Duration::from_secs(60);
const LONG: Duration = Duration::from_secs(120);

fn failed(attempts: &mut Attempts) -> Next {
    attempts.answered(verdict(Outcome::UpstreamUnavailable, Retry::OnceThen(FIFTEEN_MINUTES)), Some(503))
}

fn limited(attempts: &mut Attempts) -> Next {
    attempts.answered(verdict(Outcome::RateLimited, Retry::After(MINUTE)), Some(429))
}

fn lost(attempts: &mut Attempts) -> Next {
    attempts.unanswered(&Unanswered { cause: NoAnswerCause::ConnectionLost, head: None })
}

fn histories() -> Vec<History> {
    let history = |name, attempts, doubt, outcome, status, advice: Option<Duration>| History {
        name,
        attempts,
        doubt,
        outcome,
        status,
        advice,
    };
    let (ill, limits) = (Some(Outcome::UpstreamUnavailable), Some(Outcome::RateLimited));
    let unknown = Some(Outcome::Unconfirmed);
    vec![
        history("nothing", vec![], false, None, None, None),
        history("503", vec![failed], false, ill, Some(503), Some(FIFTEEN_MINUTES)),
        history("429", vec![limited], false, limits, Some(429), Some(MINUTE)),
        history("no answer", vec![lost], true, unknown, None, None),
        history("no answer, 429", vec![lost, limited], true, limits, Some(429), Some(MINUTE)),
        history("503, no answer", vec![failed, lost], true, unknown, Some(503), Some(FIFTEEN_MINUTES)),
    ]
}

fn stays() -> Vec<Stay> {
    let stay = |why, outcome, advice| Stay { why, outcome, advice };
    let left_alone = LeftAlone {
        peer: FailingPeer { host: "push.test".to_owned(), why: PeerFailure::Symptom(Symptom::GoAway(11)) },
        retry_after: LONG,
    };
    let nowhere = Arc::new(ConnectError::NoAddress { host: "push.test".into() });
    let crowded = ConnectError::Crowded { host: "push.test".into(), setting: "a limit" };
    let answer = RefusingAnswer { status: Some(403), reason: "Forbidden".into(), detail: String::new() };
    let alert = RefusingAnswer { status: None, reason: "certificate_revoked".into(), detail: String::new() };
    let refused = |answer| NoLeave::Refused(Box::new(Refused { answer, detail: String::new() }));
    let unsent = NoLeave::Unsent;
    let second = Some(Duration::from_secs(1));
    let none = Outcome::NotAttempted;
    vec![
        stay(unsent(Unsent::BreakerOpen(Box::new(left_alone))), none, Some(LONG)),
        stay(NoLeave::NoTurn(NoTurn::TooLong(LONG)), none, Some(LONG)),
        stay(NoLeave::NoTurn(NoTurn::Full(LONG)), none, Some(LONG)),
        stay(NoLeave::NoTurn(NoTurn::ShuttingDown), none, None),
        stay(unsent(Unsent::TooLong(Duration::from_secs(7))), none, Some(Duration::from_secs(7))),
        stay(unsent(Unsent::TooManyWaiters(10)), none, second),
        stay(unsent(Unsent::Unreachable(Arc::new(crowded))), none, second),
        stay(unsent(Unsent::Deadline), none, None),
        stay(unsent(Unsent::ShuttingDown), none, None),
        stay(unsent(Unsent::Unreachable(nowhere)), Outcome::UpstreamUnavailable, second),
        stay(refused(answer), Outcome::Credential, None),
        stay(refused(alert), Outcome::Credential, None),
        stay(NoLeave::NoToken(NoToken::Deadline), none, None),
        stay(NoLeave::NoToken(NoToken::Unavailable("down".into())), Outcome::UpstreamUnavailable, second),
        stay(
            NoLeave::NoToken(NoToken::LeftAlone { why: "down".into(), retry_after: LONG }),
            Outcome::UpstreamUnavailable,
            Some(LONG),
        ),
        stay(NoLeave::NoToken(NoToken::Refused("no".into())), Outcome::Credential, None),
        stay(NoLeave::Expired, none, None),
        stay(NoLeave::Draining, none, None),
    ]
}

/// An attempt that was made is never denied, a doubt never forgotten, and no advice shortened.
#[test]
fn whatever_keeps_another_attempt_back_the_verdict_says_what_is_known() {
    let repeatable = Options { repeatable: true, ..Options::default() };
    for History { name, attempts, doubt, outcome, status, advice } in histories() {
        for Stay { why, outcome: of_stay, advice: of_gateway } in stays() {
            let mut push = Attempts::new(&repeatable, 9, Instant::now() + Duration::from_secs(36_000));
            for attempt in &attempts {
                assert!(matches!(attempt(&mut push), Next::Again(_)));
            }
            let result = push.stayed(&why);
            let case = format!("{name}, then {of_stay:?} {of_gateway:?}: {result:?}");
            let delivery = if doubt { Delivery::Maybe } else { Delivery::No };
            assert_eq!((result.attempts as usize, result.delivery), (attempts.len(), delivery), "{case}");
            // What the gateway did not attempt says nothing that the last attempt does not say better.
            let said = outcome.filter(|_| of_stay == Outcome::NotAttempted).unwrap_or(of_stay);
            assert_eq!(result.outcome, said, "{case}");
            if let NoLeave::Refused(refused) = &why {
                assert_eq!(result.upstream_status, refused.answer.status, "{case}");
                assert_eq!(result.upstream_reason, refused.answer.reason, "{case}");
            } else {
                assert_eq!(result.upstream_status, status, "{case}");
            }
            // An operator has to act first, so no wait is worth to be told.
            let told = advice.max(of_gateway).filter(|_| of_stay != Outcome::Credential);
            assert_eq!(result.retry_after, told, "{case}");
            let expired = matches!(why, NoLeave::Expired) && attempts.is_empty();
            assert_eq!(result.retryable, of_stay != Outcome::Credential && !expired, "{case}");
        }
    }
}

/// A push service that asked to be left alone is left alone also where the attempt after that had no answer.
#[test]
fn no_attempt_undercuts_the_wait_that_an_earlier_answer_named() {
    let repeatable = Options { repeatable: true, ..Options::default() };
    let mut push = Attempts::new(&repeatable, 9, Instant::now() + Duration::from_secs(36_000));
    assert!(matches!(failed(&mut push), Next::Again(wait) if wait.is_zero()));
    let next = lost(&mut push);
    assert!(matches!(next, Next::Again(wait) if wait >= FIFTEEN_MINUTES), "{next:?}");
    // It is not waited for where that would be too late.
    let mut push = Attempts::new(&repeatable, 9, Instant::now() + MINUTE);
    assert!(matches!(failed(&mut push), Next::Again(wait) if wait.is_zero()));
    let Next::Answer(result) = lost(&mut push) else { panic!("tried again") };
    assert_eq!((result.outcome, result.delivery), (Outcome::Unconfirmed, Delivery::Maybe));
    assert_eq!((result.upstream_status, result.retry_after), (Some(503), Some(FIFTEEN_MINUTES)));
}

/// A push that waited to be sent again while its credential was shut has used up nothing.
#[test]
fn who_is_turned_away_takes_nothing_from_the_budget_of_retries() {
    assert!(!Learned::Unsent(Unsent::TurnedAway).costs_retry_budget());
}
