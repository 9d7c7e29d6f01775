//! Every answer of FCM that Google documents, and every fate of the simulator's: FCM answers so, the caller sees so.
//! The tables are written from Google's pages, not from the code.

use std::collections::HashSet;

use fanfare::proto::{self, Outcome};
use fanfare::simulator::{Answer, Fault, FaultRule, FcmSettings, Trigger, fcm_fates};

use super::{impatient, push, world};
use crate::harness::World;
use crate::rows::{Row, told, waits};

/// Shorter than any wait of the tables, so that none is waited for; longer than a renewal takes.
const IMPATIENT: i64 = 4;

/// Good answers in between, or so many invalid tokens in a row would be set aside.
async fn good_ones(world: &World) {
    for number in 0..2 {
        assert_eq!(world.send(push(&format!("ok:{number}"))).await.outcome(), Outcome::Accepted);
    }
}

#[tokio::test]
async fn every_documented_answer_becomes_its_verdict() {
    let rows: Vec<Row> = serde_json::from_str(include_str!("../../data/fcm-answers.json")).unwrap();
    assert!(rows.len() > 40, "{} rows", rows.len());
    let world = world(FcmSettings::default()).await;
    for (number, row) in rows.iter().enumerate() {
        good_ones(&world).await;
        let token = format!("row:{number}");
        let rule = FaultRule::always(Trigger::DeviceToken(token.clone()), Fault::Answer(row.answer()));
        world.simulator.add_fault(rule);
        let result = world.send(impatient(&token, IMPATIENT)).await;
        assert_eq!(told(&result), row.expected(), "{} {} {result:?}", row.upstream, row.source);
        assert_eq!(result.provider(), proto::Provider::Fcm);
        // What is refused as an expired access token is tried once more, with another.
        let renewed = row.outcome == "CREDENTIAL" && row.retryable;
        assert_eq!(result.attempts, if renewed { 2 } else { 1 }, "{} {result:?}", row.source);
        if row.outcome == "ACCEPTED" {
            assert_eq!(result.upstream_id, row.body["name"].as_str().unwrap());
        }
    }
}

/// A word, its outcome, its token action, FCM's code or that of google.rpc, the wait.
type Fated = (&'static str, &'static str, &'static str, &'static str, Option<u64>);

/// Source: Google, "FCM Error Codes" and "Best practices when sending FCM messages at scale".
const FATED: [Fated; 26] = [
    ("ok", "ACCEPTED", "KEEP", "", None),
    ("unregistered", "UNREGISTERED", "DELETE", "UNREGISTERED", None),
    ("unregistered-ios", "UNREGISTERED", "DELETE", "UNREGISTERED", None),
    ("disabled-ios", "UNREGISTERED", "DELETE", "INVALID_ARGUMENT", None),
    ("invalid", "INVALID_TOKEN", "DELETE", "INVALID_ARGUMENT", None),
    ("malformed", "INVALID_TOKEN", "DELETE", "INVALID_ARGUMENT", None),
    ("bad-argument", "INVALID_PUSH", "KEEP", "INVALID_ARGUMENT", None),
    ("mismatch", "INVALID_TOKEN", "DELETE", "SENDER_ID_MISMATCH", None),
    ("apns-auth", "CREDENTIAL", "KEEP", "THIRD_PARTY_AUTH_ERROR", None),
    ("apns-auth-old", "CREDENTIAL", "KEEP", "APNS_AUTH_ERROR", None),
    ("unauthenticated", "CREDENTIAL", "KEEP", "UNAUTHENTICATED", None),
    ("disabled-api", "CREDENTIAL", "KEEP", "PERMISSION_DENIED", None),
    ("not-found", "CREDENTIAL", "KEEP", "NOT_FOUND", None),
    ("quota", "RATE_LIMITED", "KEEP", "QUOTA_EXCEEDED", Some(60)),
    ("quota-device", "RATE_LIMITED", "KEEP", "QUOTA_EXCEEDED", Some(7)),
    ("quota-topic", "RATE_LIMITED", "KEEP", "QUOTA_EXCEEDED", Some(9)),
    ("exhausted", "RATE_LIMITED", "KEEP", "RESOURCE_EXHAUSTED", Some(60)),
    ("internal", "UPSTREAM_UNAVAILABLE", "KEEP", "INTERNAL", Some(10)),
    ("unavailable", "UPSTREAM_UNAVAILABLE", "KEEP", "UNAVAILABLE", Some(10)),
    ("unavailable-wait", "UPSTREAM_UNAVAILABLE", "KEEP", "UNAVAILABLE", Some(10)),
    ("unspecified", "UPSTREAM_UNAVAILABLE", "KEEP", "UNSPECIFIED_ERROR", Some(10)),
    ("new-code", "INVALID_PUSH", "KEEP", "SOMETHING_NEW", None),
    ("page-502", "UPSTREAM_UNAVAILABLE", "KEEP", "", Some(10)),
    ("page-503", "UPSTREAM_UNAVAILABLE", "KEEP", "", Some(10)),
    ("late", "ACCEPTED", "KEEP", "", None),
    ("deaf", "UNCONFIRMED", "KEEP", "", None),
];

#[tokio::test]
async fn every_fate_of_a_token_becomes_its_verdict() {
    let world = world(FcmSettings::default()).await;
    for (word, outcome, token_action, reason, wait) in FATED {
        good_ones(&world).await;
        let result = world.send(impatient(&format!("{word}:APA91b"), IMPATIENT)).await;
        assert_eq!(result.outcome().as_str_name(), format!("OUTCOME_{outcome}"), "{word} {result:?}");
        assert_eq!(result.token_action().as_str_name(), format!("TOKEN_ACTION_{token_action}"), "{word}");
        assert_eq!(result.upstream_reason, reason, "{word}");
        let delivery = match outcome {
            "ACCEPTED" => "ACCEPTED",
            "UNCONFIRMED" => "MAYBE",
            _ => "NO",
        };
        assert_eq!(result.delivery().as_str_name(), format!("DELIVERY_{delivery}"), "{word}");
        let retryable = wait.is_some() || ["deaf", "unauthenticated"].contains(&word);
        assert_eq!(result.retryable, retryable, "{word}");
        // A date has no fractions of a second: it may name one less.
        let date = usize::from(word == "quota-topic") as u64;
        let waits = waits(&result);
        assert!(waits == wait || waits == wait.map(|it| it - date), "{word}: {waits:?}");
    }
    let words: HashSet<_> = FATED.iter().map(|(word, ..)| *word).collect();
    for row in fcm_fates() {
        assert!(words.contains(row.word), "{}", row.word);
    }
}

#[tokio::test]
async fn a_wait_that_fcm_asks_for_is_kept_where_there_is_time_and_told_where_there_is_none() {
    let world = world(FcmSettings::default()).await;
    let too_many = |headers: &[(&str, &str)]| Answer {
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..Answer::refusal(429, "QUOTA_EXCEEDED")
    };
    let in_seconds: &[(&str, &str)] = &[("retry-after", "1")];
    let (now, then) = ("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:38 GMT");
    let at_a_date: &[(&str, &str)] = &[("date", now), ("retry-after", then)];
    for (token, headers) in [("ok:seconds", in_seconds), ("ok:date", at_a_date)] {
        let rule = |answer| FaultRule::once(Trigger::DeviceToken(token.to_owned()), Fault::Answer(answer));
        world.simulator.add_fault(rule(too_many(headers)));
        let waited = world.send(push(token)).await;
        assert_eq!((waited.outcome(), waited.attempts), (Outcome::Accepted, 2), "{waited:?}");
        let [first, second] = &world.simulator.journal().by_device_token(token)[..] else {
            panic!("{token}")
        };
        assert!(second.arrived_ms - first.arrived_ms >= 1000, "it came before it was to");

        world.simulator.add_fault(rule(too_many(headers)));
        let told = world.send(impatient(token, 1)).await;
        assert_eq!((told.outcome(), told.attempts), (Outcome::RateLimited, 1), "{told:?}");
        assert_eq!((waits(&told), told.retryable), (Some(1), true));
    }
}
