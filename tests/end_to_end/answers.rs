//! Every answer of APNs that Apple documents: the simulator gives it, and the caller gets its verdict. The table is written
//! from Apple's pages, and not from the code.

use std::time::Duration;

use fanfare::proto::{self, Delivery, Outcome, Reason};
use fanfare_simulator::{Fault, FaultRule, HangUp, Phase, ScriptedAnswer, StoragePolicy, Trigger};
use serde::Deserialize;

use crate::harness::{APP, TOPIC, World, good, push, within};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    upstream: String,
    status: u16,
    reason: String,
    outcome: String,
    token_action: String,
    retryable: bool,
    retry_after_s: Option<u64>,
    delivery: String,
    source: String,
}

fn broadcast() -> proto::Push {
    let channel =
        proto::ApnsChannel { channel_id: "dHN0LXNyY2gtY2hubA==".to_owned(), ..proto::ApnsChannel::default() };
    let activity =
        proto::LiveActivity { event: proto::LiveActivityEvent::End.into(), ..proto::LiveActivity::default() };
    let apns = proto::ApnsOptions { live_activity: Some(activity), ..proto::ApnsOptions::default() };
    proto::Push {
        app: APP.to_owned(),
        target: Some(proto::Target { apns_channel: Some(Box::new(channel)), ..proto::Target::default() }),
        content: Some(proto::Content { apns: Some(Box::new(apns)), ..proto::Content::default() }),
        ..proto::Push::default()
    }
}

#[tokio::test]
async fn every_documented_answer_becomes_its_verdict() {
    let rows: Vec<Row> = serde_json::from_str(include_str!("../data/apns-answers.json")).unwrap();
    assert!(rows.len() > 50, "{} rows", rows.len());
    let world = World::start().await;
    world.simulator.add_channel(TOPIC, "dHN0LXNyY2gtY2hubA==", StoragePolicy::MostRecent);
    for (number, row) in rows.iter().enumerate() {
        // Good answers come in between, because so many invalid tokens in a row would be set aside.
        for between in 0..3 {
            world.send(push(&good(10 * number + between))).await;
        }
        world.simulator.clear_faults();
        if row.status != 200 {
            let answer = ScriptedAnswer {
                status: row.status,
                body: row.reason.is_empty().then(Default::default),
                reason: Some(row.reason.clone()),
                ..ScriptedAnswer::default()
            };
            let path = if row.upstream == "apns" { "/3/device/dd" } else { "/4/broadcasts/" };
            world
                .simulator
                .add_fault(FaultRule::always(Trigger::PathPrefix(path.to_owned()), Fault::Answer(answer)));
        }
        let result = match row.upstream.as_str() {
            "apns" => world.send(push(&format!("dd{number:062x}"))).await,
            "apns-broadcast" => world.send(broadcast()).await,
            other => panic!("{other}"),
        };
        let seen = (
            result.outcome().as_str_name().to_owned(),
            result.token_action().as_str_name().to_owned(),
            result.retryable,
            result.retry_after.map(|wait| Duration::try_from(wait).unwrap().as_secs()),
            result.delivery().as_str_name().to_owned(),
            result.upstream_status,
            result.upstream_reason.clone(),
        );
        let expected = (
            format!("OUTCOME_{}", row.outcome),
            format!("TOKEN_ACTION_{}", row.token_action),
            row.retryable,
            row.retry_after_s,
            format!("DELIVERY_{}", row.delivery),
            u32::from(row.status),
            row.reason.clone(),
        );
        assert_eq!(seen, expected, "{row:?} {} {result:?}", row.source);
    }
}

#[tokio::test]
async fn answers_that_nobody_documents_are_kept_and_treated_by_status() {
    let world = World::start().await;
    let answers = [
        (
            ScriptedAnswer { status: 400, body: Some("".into()), ..ScriptedAnswer::default() },
            "INVALID_PUSH",
            "",
        ),
        (
            ScriptedAnswer { pieces: 5, ..ScriptedAnswer::refusal(410, "Unregistered") },
            "UNREGISTERED",
            "Unregistered",
        ),
        (
            ScriptedAnswer {
                trailers: vec![("x".into(), "y".into())],
                ..ScriptedAnswer::refusal(400, "BadTopic")
            },
            "INVALID_PUSH",
            "BadTopic",
        ),
        (ScriptedAnswer::refusal(499, "BrandNew"), "INVALID_PUSH", "BrandNew"),
        (ScriptedAnswer::refusal(418, &"é".repeat(200)), "INVALID_PUSH", &"é".repeat(128)),
        (ScriptedAnswer { status: 302, body: Some("".into()), ..ScriptedAnswer::default() }, "INTERNAL", ""),
    ];
    for (number, (answer, outcome, reason)) in answers.into_iter().enumerate() {
        let token = good(number);
        let rule = FaultRule::always(Trigger::DeviceToken(token.clone()), Fault::Answer(answer));
        world.simulator.add_fault(rule);
        let result = world.send(push(&token)).await;
        assert_eq!(result.outcome().as_str_name(), format!("OUTCOME_{outcome}"), "{result:?}");
        assert_eq!(result.upstream_reason, reason);
        assert_eq!(result.delivery(), Delivery::No);
    }
}

/// A page in place of APNs' answer says no more about the push than its status does.
#[tokio::test]
async fn what_a_front_answers_is_not_the_word_of_apns() {
    let world = World::start().await;
    let page = "<html><title>Not ours</title></html>";
    for (number, (status, foreign, body, outcome, delivery, reason)) in [
        (502, true, page, Outcome::Unconfirmed, Delivery::Maybe, Reason::UpstreamAnswered),
        (504, true, page, Outcome::Unconfirmed, Delivery::Maybe, Reason::UpstreamAnswered),
        (502, true, "", Outcome::Unconfirmed, Delivery::Maybe, Reason::UpstreamAnswered),
        (502, false, page, Outcome::Unconfirmed, Delivery::Maybe, Reason::UpstreamAnswered),
        (200, true, page, Outcome::Unconfirmed, Delivery::Maybe, Reason::AnswerUnreadable),
        (200, true, "", Outcome::Unconfirmed, Delivery::Maybe, Reason::AnswerUnreadable),
        (403, true, page, Outcome::UpstreamUnavailable, Delivery::No, Reason::UpstreamAnswered),
        (410, true, page, Outcome::UpstreamUnavailable, Delivery::No, Reason::UpstreamAnswered),
    ]
    .into_iter()
    .enumerate()
    {
        let token = good(number);
        let answer = ScriptedAnswer { status, foreign, body: Some(body.into()), ..ScriptedAnswer::default() };
        world
            .simulator
            .add_fault(FaultRule::always(Trigger::DeviceToken(token.clone()), Fault::Answer(answer)));
        let result = world.send(push(&token)).await;
        assert_eq!((result.outcome(), result.delivery()), (outcome, delivery), "{result:?}");
        assert_eq!((result.reason(), result.attempts), (reason, 1), "{result:?}");
        assert_eq!(result.token_action(), proto::TokenAction::Keep, "{result:?}");
        assert!(result.retryable && !result.detail.is_empty(), "{result:?}");
        assert_eq!(result.upstream_reason, if body.is_empty() { "" } else { "Not ours" });
        assert_eq!(world.simulator.journal().by_device_token(&token).len(), 1);
    }
}

/// The head of APNs' answer says that it took the push, so whatever happens after it must not have the push sent again.
#[tokio::test]
async fn a_push_that_apns_named_is_accepted_whatever_becomes_of_the_body() {
    let limit = |config: &mut fanfare::config::Config| config.upstream.max_reply_bytes = 1000;
    let world = World::with(|builder| builder, limit).await;
    let body = |text: String| {
        Fault::Answer(ScriptedAnswer { body: Some(text.into()), pieces: 9, ..ScriptedAnswer::default() })
    };
    for (number, fault) in [
        body("x".repeat(100_000)),
        body("<html>".to_owned()),
        Fault::HeadersWithoutBody,
        Fault::ResetStream { code: 2, at: Phase::AfterAnswerHeaders },
        Fault::HangUp { how: HangUp::Fin, at: Phase::AfterAnswerHeaders },
        Fault::HangUp { how: HangUp::Reset, at: Phase::AfterAnswerHeaders },
    ]
    .into_iter()
    .enumerate()
    {
        let token = good(number);
        world.simulator.add_fault(FaultRule::always(Trigger::DeviceToken(token.clone()), fault.clone()));
        let mut push = within(push(&token), Duration::from_secs(1));
        push.options.as_mut().unwrap().repeatable = true;
        let result = world.send(push).await;
        assert_eq!(
            (result.outcome(), result.delivery(), result.attempts),
            (Outcome::Accepted, Delivery::Accepted, 1),
            "{fault:?} {result:?}"
        );
        assert!(!result.upstream_id.is_empty(), "{result:?}");
        assert_eq!(result.upstream_status, 200);
        assert_eq!(world.simulator.journal().by_device_token(&token).len(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn retry_after_is_honoured_and_a_short_one_waited_for() {
    let world = World::start().await;
    let answer = |seconds: &str| ScriptedAnswer {
        headers: vec![("retry-after".into(), seconds.into())],
        ..ScriptedAnswer::refusal(429, "TooManyRequests")
    };
    let rule = |token: String, answer| FaultRule::once(Trigger::DeviceToken(token), Fault::Answer(answer));
    world.simulator.add_fault(rule(good(1), answer("120")));
    let told = world.send(push(&good(1))).await;
    assert_eq!(told.retry_after.unwrap().seconds, 120);
    assert_eq!(told.attempts, 1);

    world.simulator.add_fault(rule(good(2), answer("1")));
    let waited = world.send(push(&good(2))).await;
    assert_eq!((waited.outcome(), waited.attempts), (proto::Outcome::Accepted, 2));
}
