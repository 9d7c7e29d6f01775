//! Faults on the way to a push service: no browser gets a push twice, no caller is told an untruth, and a push that is sent
//! again is the same ciphertext.

use std::time::Duration;

use fanfare::proto::{self, Delivery, Outcome, Reason};
use fanfare_simulator::journal::{self, Entry};
use fanfare_simulator::{
    AfterGoAway, Fault, FaultRule, GoAway, HangUp, LastId, Phase, ScriptedAnswer, Subscription, Trigger,
    Vendor,
};
use futures_util::future::join_all;

use super::{Browsers, body, push, seconds, with_options};

/// Source: RFC 9113, section 7.
const INTERNAL_ERROR: u32 = 2;
const REFUSED_STREAM: u32 = 7;

const PUSHES: usize = 200;

/// Sends a push to each of many browsers at once, at two push services that have this fault.
async fn burst(rules: impl Fn(&[Subscription]) -> Vec<FaultRule>) -> Browsers {
    let browsers = Browsers::start().await;
    browsers.simulator().set_answer_latency(Duration::from_millis(20));
    let vendors = [Vendor::Mozilla, Vendor::Google];
    for vendor in vendors {
        let first = browsers.send(push(&browsers.subscribe(vendor))).await;
        assert_eq!(first.outcome(), Outcome::Accepted, "{first:?}");
    }
    let subscriptions: Vec<_> =
        vendors.into_iter().cycle().take(PUSHES).map(|vendor| browsers.subscribe(vendor)).collect();
    rules(&subscriptions).into_iter().for_each(|rule| browsers.simulator().add_fault(rule));
    let results = join_all(subscriptions.iter().map(|it| browsers.send(push(it)))).await;
    for (subscription, result) in subscriptions.iter().zip(&results) {
        balance(&browsers, subscription, result);
    }
    let unconfirmed = results.iter().filter(|it| it.outcome() == Outcome::Unconfirmed).count() as u64;
    let journal = browsers.simulator().journal();
    assert!(journal.duplicates().is_empty(), "{:?}", journal.duplicates());
    assert_eq!(browsers.simulator().counters().limit_violations, 0);
    let in_doubt =
        journal.select(|it| it.outcome == journal::RequestOutcome::Unanswered && it.may_be_delivered());
    assert!(unconfirmed >= in_doubt.len() as u64, "{unconfirmed} {}", in_doubt.len());
    browsers
}

fn taken(entry: &Entry) -> bool {
    matches!(entry.outcome, journal::RequestOutcome::Answered { status: 201, .. })
}

/// Checks the verdict of a push against all requests that arrived for it.
fn balance(browsers: &Browsers, subscription: &Subscription, result: &proto::PushResult) {
    let asked = browsers.asked(subscription);
    let delivered = asked.iter().filter(|entry| entry.may_be_delivered()).count();
    if result.outcome() == Outcome::Accepted {
        assert_eq!((result.delivery(), result.attempts), (Delivery::Accepted, 1), "{result:?}");
        assert_eq!((delivered, asked.iter().filter(|it| taken(it)).count()), (1, 1), "{asked:?}");
    } else {
        // The request was read and not answered, or it or its answer was lost with the connection.
        assert_eq!((result.outcome(), result.delivery()), (Outcome::Unconfirmed, Delivery::Maybe));
        assert_eq!((result.reason(), delivered <= 1), (Reason::ConnectionLost, true), "{asked:?}");
    }
    let whole: Vec<_> = asked.iter().filter(|entry| entry.read.is_some()).collect();
    assert!(whole.windows(2).all(|two| body(two[0]) == body(two[1])), "another ciphertext: {whole:?}");
    // Every request that was read in full decrypts to what was meant.
    for entry in whole {
        let opened = entry.read.as_ref().unwrap().decrypted.clone();
        let meant = bytes::Bytes::from_static(br#"{"title":"Hello","body":"World"}"#);
        assert_eq!(opened, Some(journal::Decrypted::Plaintext(meant)));
    }
}

/// Strikes at the thirtieth request of each of the first connections.
fn at_thirty(fault: &Fault) -> impl Fn(&[Subscription]) -> Vec<FaultRule> {
    |_| vec![FaultRule { when: Trigger::RequestOfEach(30), fault: fault.clone(), times: 4 }]
}

/// Strikes at the first request for this browser.
fn once(subscription: &Subscription, fault: &Fault) -> FaultRule {
    FaultRule::once(Trigger::DeviceToken(subscription.path.clone()), fault.clone())
}

fn goaway(last: LastId, then: AfterGoAway) -> Fault {
    Fault::GoAway(GoAway { last, code: 0, reason: None, then })
}

#[tokio::test]
async fn a_goaway_moves_pushes_to_a_fresh_connection_and_loses_none() {
    for fault in [
        goaway(LastId::This, AfterGoAway::Drain),
        goaway(LastId::BeforeThis, AfterGoAway::Drain),
        goaway(LastId::Highest, AfterGoAway::Serve),
        Fault::GracefulGoAway { pause: Duration::from_millis(10), reason: None },
    ] {
        let browsers = burst(at_thirty(&fault)).await;
        let accepted = browsers.simulator().journal().select(taken);
        assert_eq!(accepted.len(), PUSHES + 2, "{fault:?}: nothing is in doubt");
        assert!(browsers.simulator().counters().goaways_sent >= 2, "{fault:?}");
    }
}

#[tokio::test]
async fn refused_streams_are_sent_again_on_the_connection_that_there_is() {
    for fault in [
        Fault::ResetStream { code: REFUSED_STREAM, at: Phase::BeforeBody },
        Fault::ResetStream { code: REFUSED_STREAM, at: Phase::AfterBody },
        Fault::RefuseThenClosed,
    ] {
        let browsers = burst(|them| them[..40].iter().map(|it| once(it, &fault)).collect()).await;
        let journal = browsers.simulator().journal();
        assert_eq!(journal.select(taken).len(), PUSHES + 2, "{fault:?}: nothing is in doubt");
        assert_eq!(journal.arrived() as usize, PUSHES + 2 + 40, "{fault:?}");
    }
}

#[tokio::test]
async fn a_connection_that_is_gone_leaves_only_what_it_may_have_taken_in_doubt() {
    for at in [Phase::BeforeBody, Phase::AfterBody, Phase::AfterAnswerHeaders] {
        for how in [HangUp::Fin, HangUp::Reset] {
            burst(at_thirty(&Fault::HangUp { how, at })).await;
        }
    }
}

#[tokio::test]
async fn what_is_sent_again_is_the_same_ciphertext() {
    let browsers = Browsers::start().await;
    for (fault, repeatable, attempts) in [
        (Fault::ResetStream { code: REFUSED_STREAM, at: Phase::AfterBody }, false, 1),
        (Fault::ResetStream { code: INTERNAL_ERROR, at: Phase::AfterBody }, true, 2),
        (Fault::HangUp { how: HangUp::Fin, at: Phase::AfterBody }, true, 2),
        (goaway(LastId::BeforeThis, AfterGoAway::Drain), false, 1),
    ] {
        let subscription = browsers.subscribe(Vendor::Apple);
        browsers.simulator().add_fault(once(&subscription, &fault));
        let options = proto::Options { repeatable, ..proto::Options::default() };
        let result = browsers.send(with_options(&subscription, options)).await;
        assert_eq!(
            (result.outcome(), result.attempts),
            (Outcome::Accepted, attempts),
            "{fault:?} {result:?}"
        );
        let asked = browsers.asked(&subscription);
        assert_eq!(asked.len(), 2, "{fault:?}");
        let whole: Vec<_> = asked.iter().filter(|entry| entry.read.is_some()).map(body).collect();
        assert!(whole.iter().all(|it| *it == whole[0]), "{fault:?}");
        // The headers are the same too, and so is the token.
        assert_eq!(asked[0].headers, asked[1].headers, "{fault:?}");
    }
}

#[tokio::test]
async fn what_was_sent_and_not_answered_is_in_doubt_and_not_repeated() {
    let browsers = Browsers::start().await;
    for fault in [
        Fault::ResetStream { code: INTERNAL_ERROR, at: Phase::AfterBody },
        Fault::HangUp { how: HangUp::Reset, at: Phase::AfterBody },
    ] {
        let subscription = browsers.subscribe(Vendor::Microsoft);
        let when = Trigger::DeviceToken(subscription.path.clone());
        browsers.simulator().add_fault(FaultRule::always(when, fault.clone()));
        let result = browsers.send(push(&subscription)).await;
        assert_eq!((result.outcome(), result.attempts), (Outcome::Unconfirmed, 1), "{fault:?} {result:?}");
        assert_eq!((result.delivery(), result.retryable), (Delivery::Maybe, true), "{fault:?} {result:?}");
        assert_eq!(browsers.asked(&subscription).len(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_server_that_takes_its_leave_in_an_answer_is_asked_no_more() {
    for (status, reason, attempts) in [(503, "Shutdown", 1), (400, "IdleTimeout", 2)] {
        let browsers = Browsers::start().await;
        let subscription = browsers.subscribe(Vendor::Apple);
        let answer = Fault::Answer(ScriptedAnswer::refusal(status, reason));
        browsers.simulator().add_fault(once(&subscription, &answer));
        let options = proto::Options { max_wait: seconds(4), ..proto::Options::default() };
        let told = browsers.send(with_options(&subscription, options)).await;
        assert_eq!(told.attempts, attempts, "{told:?}");
        let next = browsers.send(push(&subscription)).await;
        assert_eq!((next.outcome(), next.attempts), (Outcome::Accepted, 1), "{next:?}");
        let [first, others @ ..] = &browsers.asked(&subscription)[..] else { panic!("{told:?}") };
        assert!(others.iter().all(|other| other.connection != first.connection), "{reason}");
        assert_eq!(browsers.simulator().counters().connections_opened, 2, "{reason}");
    }
}
