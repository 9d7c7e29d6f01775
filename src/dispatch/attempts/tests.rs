use std::sync::Arc;

use fanfare_upstream::{ConnectError, FailingPeer, LeftAlone, NoTurn, PeerFailure, Symptom, Unsent};

use super::*;
use crate::credential::NoToken;
use crate::dispatch::acquire::NoLeave;
use crate::provider::{Heal, Pace, Refuses};
use crate::push::TokenAction;

fn attempts(options: &Options) -> Attempts {
    Attempts::new(options, 3, Instant::now() + Duration::from_secs(3600))
}

pub(super) fn verdict(outcome: Outcome, retry: Retry) -> Verdict {
    Verdict {
        outcome,
        token_action: TokenAction::Keep,
        retry,
        retryable: retry != Retry::Never,
        heal: Heal::Nothing,
        pace: Pace::Nothing,
        refuses: Refuses::Nothing,
        reason: Reason::UpstreamAnswered,
        field: "".into(),
        detail: "".into(),
        upstream_reason: String::new(),
        upstream_id: String::new(),
        token_invalid_since: None,
    }
}

/// A wait of so many seconds that was named, and the random part after the first attempt.
fn about(named: u64) -> std::ops::RangeInclusive<Duration> {
    Duration::from_secs(named)..=Duration::from_secs(named) + BACKOFF
}

fn answer(next: Next) -> PushResult {
    match next {
        Next::Answer(result) => result,
        Next::Again(wait) => panic!("tried again after {wait:?}"),
    }
}

#[test]
fn an_answer_that_does_not_know_is_repeated_only_where_that_does_no_harm() {
    let unknown = || verdict(Outcome::Unconfirmed, Retry::After(Duration::from_secs(10)));
    let next = attempts(&Options::default()).answered(unknown(), Some(200));
    let result = answer(next);
    assert_eq!((result.outcome, result.delivery), (Outcome::Unconfirmed, Delivery::Maybe));
    assert_eq!(result.retry_after, Some(Duration::from_secs(10)));

    let repeatable = Options { repeatable: true, ..Options::default() };
    let mut again = attempts(&repeatable);
    let next = again.answered(unknown(), Some(200));
    assert!(matches!(next, Next::Again(wait) if about(10).contains(&wait)));
    // The first attempt may have been delivered, whatever the second one says.
    let next = again.answered(verdict(Outcome::Internal, Retry::Never), Some(200));
    assert_eq!(answer(next).delivery, Delivery::Maybe);
}

#[test]
fn what_the_push_service_said_last_is_told_also_where_a_later_attempt_was_not_sent() {
    let expired = || Verdict {
        upstream_reason: "ExpiredProviderToken".into(),
        ..verdict(Outcome::Credential, Retry::Once)
    };
    let nowhere = Arc::new(ConnectError::NoAddress { host: "push.test".into() });
    let mut again = attempts(&Options::default());
    let next = again.answered(expired(), Some(403));
    assert!(matches!(next, Next::Again(wait) if wait.is_zero()));
    let result = again.unsent(&Unsent::Unreachable(nowhere));
    assert_eq!((result.outcome, result.delivery), (Outcome::UpstreamUnavailable, Delivery::No));
    assert_eq!((result.attempts, result.upstream_status), (1, Some(403)));
    assert_eq!(result.upstream_reason, "ExpiredProviderToken");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_would_come_at_the_deadline_or_later_is_not_waited_for() {
    let throttled = |wait| verdict(Outcome::RateLimited, Retry::After(Duration::from_secs(wait)));
    let next = attempts(&Options::default()).answered(throttled(3599), Some(429));
    assert!(matches!(next, Next::Again(_)));
    for wait in [3600, 3610] {
        let next = attempts(&Options::default()).answered(throttled(wait), Some(429));
        let result = answer(next);
        let told = (result.outcome, result.retry_after);
        assert_eq!(told, (Outcome::RateLimited, Some(Duration::from_secs(wait))));
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_would_come_after_the_expiry_is_not_waited_for() {
    let expiry = |after| Options {
        expiry: Expiry::At(std::time::SystemTime::now() + Duration::from_secs(after)),
        ..Options::default()
    };
    let throttled = || verdict(Outcome::RateLimited, Retry::After(Duration::from_secs(60)));
    assert!(matches!(attempts(&expiry(120)).answered(throttled(), Some(429)), Next::Again(_)));
    let result = answer(attempts(&expiry(30)).answered(throttled(), Some(429)));
    assert_eq!((result.outcome, result.retry_after), (Outcome::RateLimited, Some(Duration::from_secs(60))));
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_never_shorter_than_the_named_one_and_its_random_part_doubles() {
    let failed = || verdict(Outcome::UpstreamUnavailable, Retry::After(Duration::from_secs(10)));
    let mut longest = [Duration::ZERO; 4];
    for _ in 0..200 {
        let mut attempts = Attempts::new(&Options::default(), 10, Instant::now() + Duration::from_secs(3600));
        for longest in &mut longest {
            let Next::Again(wait) = attempts.answered(failed(), Some(503)) else { panic!("tried again") };
            assert!(wait >= Duration::from_secs(10));
            *longest = wait.max(*longest);
        }
    }
    for (doublings, longest) in longest.into_iter().enumerate() {
        let most = BACKOFF * (1 << doublings);
        let random = longest - Duration::from_secs(10);
        // Of two hundred draws all are in the lower half by no chance.
        assert!(random <= most && random > most / 2, "{doublings}: {random:?}");
    }
    // The random part never makes a wait too long that fits by itself.
    for _ in 0..200 {
        let deadline = Instant::now() + Duration::from_millis(10_001);
        let next = Attempts::new(&Options::default(), 3, deadline).answered(failed(), Some(503));
        assert!(matches!(next, Next::Again(_)));
    }
}

#[test]
fn a_push_without_a_turn_was_not_attempted_and_an_earlier_answer_stands() {
    let wait = Duration::from_secs(7);
    for why in [NoTurn::TooLong(wait), NoTurn::Full(wait)] {
        let result = attempts(&Options::default()).stayed(&NoLeave::NoTurn(why));
        assert_eq!((result.outcome, result.reason), (Outcome::NotAttempted, Some(Reason::Paced)));
        assert_eq!((result.retryable, result.retry_after), (true, Some(wait)));
    }
    let throttled = verdict(Outcome::RateLimited, Retry::After(Duration::from_secs(60)));
    let mut again = attempts(&Options::default());
    assert!(matches!(again.answered(throttled, Some(429)), Next::Again(_)));
    let result = again.stayed(&NoLeave::NoTurn(NoTurn::TooLong(wait)));
    assert_eq!((result.outcome, result.attempts), (Outcome::RateLimited, 1));
    assert_eq!(result.retry_after, Some(Duration::from_secs(60)));
    let result = attempts(&Options::default()).stayed(&NoLeave::NoTurn(NoTurn::ShuttingDown));
    assert_eq!(result.reason, Some(Reason::Draining));
}

#[test]
fn no_push_is_handed_over_more_often_than_the_operator_allows() {
    let failed = || verdict(Outcome::UpstreamUnavailable, Retry::After(Duration::from_secs(1)));
    let mut attempts = attempts(&Options::default());
    for _ in 1..3 {
        let next = attempts.answered(failed(), Some(503));
        assert!(matches!(next, Next::Again(_)));
    }
    let next = attempts.answered(failed(), Some(503));
    let result = answer(next);
    assert_eq!((result.outcome, result.attempts), (Outcome::UpstreamUnavailable, 3));
}

#[test]
fn what_is_mended_is_sent_again_at_once_but_once_only() {
    let mut again = attempts(&Options::default());
    let next = again.answered(verdict(Outcome::Credential, Retry::Once), Some(403));
    assert!(matches!(next, Next::Again(wait) if wait.is_zero()));
    let next = again.answered(verdict(Outcome::Credential, Retry::Once), Some(403));
    assert_eq!(answer(next).attempts, 2);

    let then = Retry::OnceThen(Duration::from_secs(10));
    let mut again = attempts(&Options::default());
    let next = again.answered(verdict(Outcome::UpstreamUnavailable, then), Some(503));
    assert!(matches!(next, Next::Again(wait) if wait.is_zero()));
    let next = again.answered(verdict(Outcome::UpstreamUnavailable, then), Some(503));
    assert!(matches!(next, Next::Again(wait) if (10..=12).contains(&wait.as_secs())), "{next:?}");
}

#[test]
fn a_dry_run_that_the_push_service_refuses_has_its_verdict() {
    let dry_run = Options { dry_run: true, ..Options::default() };
    let next = attempts(&dry_run).answered(verdict(Outcome::Unregistered, Retry::Never), Some(404));
    let result = answer(next);
    assert_eq!((result.outcome, result.reason), (Outcome::Unregistered, Some(Reason::UpstreamAnswered)));
}

#[test]
fn a_dry_run_that_the_push_service_takes_is_validated_and_not_delivered() {
    let dry_run = Options { dry_run: true, ..Options::default() };
    let next = attempts(&dry_run).answered(verdict(Outcome::Accepted, Retry::Never), Some(200));
    let result = answer(next);
    assert_eq!((result.outcome, result.delivery), (Outcome::Validated, Delivery::No));
    assert_eq!((result.reason, result.attempts), (None, 1));
}

#[test]
fn a_peer_that_may_not_be_reached_is_the_endpoints_fault_and_nothing_is_said_of_the_token() {
    let why = Arc::new(ConnectError::NotPublic { host: "push.test".into() });
    let result = attempts(&Options::default()).unsent(&Unsent::Forbidden(why));
    assert_eq!((result.outcome, result.reason), (Outcome::InvalidPush, Some(Reason::FieldInvalid)));
    assert_eq!(
        (&*result.field, &*result.detail),
        ("target.web_push.endpoint", "push.test has no public address")
    );
    assert_eq!((result.delivery, result.attempts, result.retryable), (Delivery::No, 0, false));
    assert_eq!(result.token_action, TokenAction::Keep);
}

#[test]
fn what_comes_too_late_to_be_encrypted_was_not_attempted() {
    let result = attempts(&Options::default()).too_late();
    assert_eq!((result.outcome, result.reason), (Outcome::NotAttempted, Some(Reason::DeadlineExceeded)));
    assert_eq!((result.delivery, result.attempts, result.retryable), (Delivery::No, 0, true));
}

#[test]
fn without_a_token_the_endpoints_sentence_is_the_verdict() {
    let result = |why: NoToken| attempts(&Options::default()).without_token(&why);
    let refused = result(NoToken::Refused("it says no".into()));
    assert_eq!((refused.outcome, refused.reason), (Outcome::Credential, Some(Reason::CredentialMissing)));
    assert_eq!((&*refused.detail, refused.delivery, refused.attempts), ("it says no", Delivery::No, 0));
    assert!(!refused.retryable);
    let failed = result(NoToken::Unavailable("it is down".into()));
    assert_eq!(
        (failed.outcome, failed.reason),
        (Outcome::UpstreamUnavailable, Some(Reason::CredentialMissing))
    );
    assert_eq!((&*failed.detail, failed.retryable), ("it is down", true));
    let late = result(NoToken::Deadline);
    assert_eq!((late.outcome, late.reason), (Outcome::NotAttempted, Some(Reason::DeadlineExceeded)));
    assert!(late.retryable);
}

#[test]
fn where_no_newer_token_comes_the_last_answer_is_kept_and_earlier_doubt_remains() {
    let repeatable = Options { repeatable: true, ..Options::default() };
    let lost = Unanswered { cause: NoAnswerCause::ConnectionLost, head: None };
    let mut again = attempts(&repeatable);
    again.unanswered(&lost);
    let next = again.answered(verdict(Outcome::Credential, Retry::Once), Some(401));
    assert!(matches!(next, Next::Again(wait) if wait.is_zero()));
    let result = again.without_token(&NoToken::Refused("it says no".into()));
    assert_eq!((result.outcome, result.delivery), (Outcome::Credential, Delivery::Maybe));
    assert_eq!((result.upstream_status, result.attempts), (Some(401), 2));
}

#[test]
fn a_dry_run_that_is_not_answered_delivered_nothing() {
    let dry_run = Options { dry_run: true, ..Options::default() };
    let lost = Unanswered { cause: NoAnswerCause::ConnectionLost, head: None };
    let mut again = attempts(&dry_run);
    let next = again.unanswered(&lost);
    assert!(matches!(next, Next::Again(_)));
    let result = again.last();
    assert_eq!((result.outcome, result.delivery), (Outcome::UpstreamUnavailable, Delivery::No));
}

#[test]
fn an_answer_that_cannot_be_read_is_repeated_only_where_that_does_no_harm() {
    let unreadable = || Verdict {
        reason: Reason::AnswerUnreadable,
        retryable: true,
        ..verdict(Outcome::Unconfirmed, Retry::IfRepeatable)
    };
    let next = attempts(&Options::default()).answered(unreadable(), Some(200));
    let result = answer(next);
    assert_eq!((result.reason, result.delivery), (Some(Reason::AnswerUnreadable), Delivery::Maybe));
    assert_eq!((result.retryable, result.retry_after), (true, None));
    let repeatable = Options { repeatable: true, ..Options::default() };
    let next = attempts(&repeatable).answered(unreadable(), Some(200));
    assert!(matches!(next, Next::Again(wait) if wait <= BACKOFF));
    // Of a dry run nothing can have been delivered.
    let dry_run = Options { dry_run: true, ..Options::default() };
    let next = attempts(&dry_run).answered(unreadable(), Some(200));
    assert!(matches!(next, Next::Again(_)));
}

#[test]
fn a_stranger_for_which_nothing_is_left_was_not_tried() {
    let setting = "upstream.max_stranger_lookups";
    let crowded = || Arc::new(ConnectError::Crowded { host: "push.test".into(), setting });
    for why in [Unsent::Unreachable(crowded()), Unsent::DeadlineUnreachable(crowded())] {
        let result = attempts(&Options::default()).unsent(&why);
        assert_eq!((result.outcome, result.reason), (Outcome::NotAttempted, Some(Reason::Overloaded)));
        assert!(
            result.retryable && result.retry_after.is_some() && result.detail.contains(setting),
            "{result:?}"
        );
    }
}

#[test]
fn a_push_that_is_held_back_was_not_attempted_unless_an_earlier_attempt_says_otherwise() {
    let left_alone = || {
        let peer =
            FailingPeer { host: "push.test".to_owned(), why: PeerFailure::Symptom(Symptom::GoAway(11)) };
        NoLeave::Unsent(Unsent::BreakerOpen(Box::new(LeftAlone {
            peer,
            retry_after: Duration::from_secs(7),
        })))
    };
    let result = attempts(&Options::default()).stayed(&left_alone());
    assert_eq!((result.outcome, result.reason), (Outcome::NotAttempted, Some(Reason::BreakerOpen)));
    assert_eq!((result.delivery, result.attempts, result.retryable), (Delivery::No, 0, true));
    assert_eq!(result.retry_after, Some(Duration::from_secs(7)));
    let says = "nothing is sent for now, because push.test fails: it says GOAWAY (ENHANCE_YOUR_CALM) and answers nothing";
    assert_eq!(result.detail, says);

    // The last answer stands.
    let mut again = attempts(&Options::default());
    let failed = verdict(Outcome::UpstreamUnavailable, Retry::OnceThen(Duration::from_secs(900)));
    assert!(matches!(again.answered(failed, Some(503)), Next::Again(_)));
    let result = again.stayed(&left_alone());
    assert_eq!((result.outcome, result.upstream_status), (Outcome::UpstreamUnavailable, Some(503)));
    assert_eq!((result.attempts, result.retry_after), (1, Some(Duration::from_secs(900))));

    // So does the doubt.
    let repeatable = Options { repeatable: true, ..Options::default() };
    let lost = Unanswered { cause: NoAnswerCause::ConnectionLost, head: None };
    let mut again = attempts(&repeatable);
    assert!(matches!(again.unanswered(&lost), Next::Again(_)));
    let result = again.stayed(&left_alone());
    assert_eq!((result.outcome, result.delivery), (Outcome::Unconfirmed, Delivery::Maybe));
}
