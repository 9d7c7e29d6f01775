//! Every answer of FCM that Google documents, and every fate of the simulator: FCM gives it, and the caller gets its verdict.
//! The tables are written from Google's pages, and not from the code.

use std::collections::HashSet;

use fanfare::proto::{self, Outcome};
use fanfare_simulator::{Fault, FaultRule, FcmSettings, ScriptedAnswer, Trigger, fcm_scripted_words};

use super::{impatient, push, world};
use crate::harness::World;
use crate::rows::{Row, verdict, waits};

/// This is shorter than any wait of the tables, so none is waited for, and longer than a renewal takes.
const IMPATIENT: i64 = 4;

/// Sends good pushes in between, because so many invalid tokens in a row would be set aside.
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
        assert_eq!(verdict(&result), row.expected(), "{} {} {result:?}", row.upstream, row.source);
        assert_eq!(result.provider(), proto::Provider::Fcm);
        // A push whose access token is refused as expired is tried once more with another.
        let renewed = row.outcome == "CREDENTIAL" && row.retryable;
        assert_eq!(result.attempts, if renewed { 2 } else { 1 }, "{} {result:?}", row.source);
        if row.outcome == "ACCEPTED" {
            assert_eq!(result.upstream_id, row.body["name"].as_str().unwrap());
        }
    }
}

/// Each row is a word, its outcome, its token action, the code of FCM or of google.rpc, and the wait.
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
    ("page-502", "UPSTREAM_UNAVAILABLE", "KEEP", "Error 502", Some(10)),
    ("page-503", "UPSTREAM_UNAVAILABLE", "KEEP", "Error 503", Some(10)),
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
        // A date has no fractions of a second, so it may name one second less.
        let date = usize::from(word == "quota-topic") as u64;
        let waits = waits(&result);
        assert!(waits == wait || waits == wait.map(|it| it - date), "{word}: {waits:?}");
    }
    let words: HashSet<_> = FATED.iter().map(|(word, ..)| *word).collect();
    for row in fcm_scripted_words() {
        assert!(words.contains(row.word), "{}", row.word);
    }
}

#[tokio::test]
async fn a_wait_that_fcm_asks_for_is_kept_where_there_is_time_and_told_where_there_is_none() {
    let world = world(FcmSettings::default()).await;
    let too_many = |headers: &[(&str, &str)]| ScriptedAnswer {
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..ScriptedAnswer::refusal(429, "QUOTA_EXCEEDED")
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

/// FCM names the field and says why. The caller reads both, as a path of the contract.
#[tokio::test]
async fn the_field_and_the_sentence_of_a_refusal_reach_the_caller() {
    let world = world(FcmSettings::default()).await;
    let refused = |token: &str, field: &str, sentence: &str| {
        let body = serde_json::json!({ "error": {
            "code": 400, "message": sentence, "status": "INVALID_ARGUMENT",
            "details": [{
                "@type": "type.googleapis.com/google.rpc.BadRequest",
                "fieldViolations": [{ "field": field, "description": sentence }],
            }],
        }});
        let answer =
            ScriptedAnswer { status: 400, body: Some(body.to_string().into()), ..ScriptedAnswer::default() };
        world
            .simulator
            .add_fault(FaultRule::always(Trigger::DeviceToken(token.to_owned()), Fault::Answer(answer)));
    };
    let sentence = "Invalid value at 'message.android.data[2].value' (TYPE_STRING), 1";
    refused("ok:raw", "message.android.data[2].value", sentence);
    let mut raw = push("ok:raw");
    let fcm =
        proto::FcmOptions { message_json: "{\"data\":{\"a\":\"1\"}}".into(), ..proto::FcmOptions::default() };
    raw.content = Some(proto::Content { fcm: Some(Box::new(fcm)), ..proto::Content::default() });
    let result = world.send(raw).await;
    assert_eq!((result.outcome(), &*result.field), (Outcome::InvalidPush, "content.fcm.message_json"));
    assert_eq!(result.upstream_reason, "INVALID_ARGUMENT");
    assert!(result.detail.ends_with(sentence), "{result:?}");

    refused("ok:ttl", "message.android.ttl", "Invalid ttl");
    assert_eq!(world.send(push("ok:ttl")).await.field, "options.ttl");
    refused("ok:token", "message.token", "Invalid registration token");
    let result = world.send(push("ok:token")).await;
    assert_eq!((result.outcome(), &*result.field), (Outcome::InvalidToken, "target.fcm.registration_token"));
    assert!(
        result.detail.contains("Invalid registration token") && result.detail.ends_with("; delete it"),
        "{result:?}"
    );
    let disabled = world.send(push("disabled-api:1")).await;
    assert!(disabled.detail.contains("SERVICE_DISABLED"), "{disabled:?}");
}

/// With a key of another project, or after a project was made anew, every token is called unregistered.
#[tokio::test]
async fn no_answer_of_fcm_has_all_tokens_deleted() {
    let world = world(FcmSettings::default()).await;
    let mut deleted = 0;
    for number in 0..130 {
        let result = world.send(push(&format!("unregistered:{number}"))).await;
        assert_eq!(result.outcome(), Outcome::Unregistered, "{result:?}");
        let deletes = result.token_action() == proto::TokenAction::Delete;
        assert_eq!(deletes, number < 99, "{number} {result:?}");
        assert_eq!(result.detail.contains("delete it"), deletes, "{result:?}");
        assert_eq!(result.detail.contains("check the app's project"), !deletes, "{result:?}");
        deleted += u32::from(deletes);
    }
    assert_eq!(deleted, 99);
    // One token in twenty is alive.
    for number in 0..7 {
        assert_eq!(world.send(push(&format!("ok:{number}"))).await.outcome(), Outcome::Accepted);
    }
    let again = world.send(push("unregistered:again")).await;
    assert_eq!(again.token_action(), proto::TokenAction::Delete, "{again:?}");
}
