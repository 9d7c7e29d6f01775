//! What a push proxy's answers mean.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::provider::mattermost::response::classify;
use crate::provider::replies::reply;
use crate::provider::retry_after::MAX_RETRY_AFTER;
use crate::provider::{Front502, Refuses, Verdict};
use crate::push::TokenAction;

/// Every answer of the proxy and of what stands before it, written from its source.
const ANSWERS: &str = include_str!("../../../../tests/data/mattermost-answers.json");

/// Exchanges of the real proxy; its `source` says how they were recorded.
const RECORDED: &str = include_str!("../../../../crates/simulator/tests/data/mattermost-push-proxy.json");

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    upstream: String,
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
    reason: String,
    outcome: String,
    token_action: String,
    retryable: bool,
    retry_after_s: Option<u64>,
    delivery: String,
    source: String,
}

fn verdict(status: u16, headers: &BTreeMap<String, String>, body: &str) -> Verdict {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    classify(&reply(status, &headers, body.to_owned()), Front502::default(), UNIX_EPOCH)
}

fn delivery(outcome: Outcome) -> &'static str {
    if outcome == Outcome::Accepted {
        "ACCEPTED"
    } else if outcome == Outcome::Unconfirmed {
        "MAYBE"
    } else {
        "NO"
    }
}

#[test]
fn every_answer_means_what_its_source_says() {
    let answers: Vec<Answer> = serde_json::from_str(ANSWERS).unwrap();
    assert!(answers.len() > 20, "{} rows", answers.len());
    for answer in answers {
        let verdict = verdict(answer.status, &answer.headers, &answer.body);
        assert_eq!(answer.upstream, "mattermost");
        assert_eq!(verdict.outcome.name().to_uppercase(), answer.outcome, "{answer:?}");
        assert_eq!(format!("{:?}", verdict.token_action).to_uppercase(), answer.token_action, "{answer:?}");
        assert_eq!(verdict.retryable, answer.retryable, "{answer:?}");
        assert_eq!(
            verdict.refuses,
            Refuses::Nothing,
            "a proxy judges no credential of the gateway's: {answer:?}"
        );
        assert_eq!(verdict.retry.wait().map(|wait| wait.as_secs()), answer.retry_after_s, "{answer:?}");
        assert_eq!(verdict.upstream_reason, answer.reason, "{answer:?}");
        assert_eq!(delivery(verdict.outcome), answer.delivery, "{answer:?}");
        assert_eq!(verdict.detail.is_empty(), verdict.outcome == Outcome::Accepted, "{answer:?}");
        assert!(!answer.source.is_empty());
    }
}

#[test]
fn an_odd_part_takes_no_other_away() {
    let outcome = |body: &str| verdict(200, &BTreeMap::new(), body).outcome;
    for error in ["7", "null", "{}", "[\"a\"]"] {
        assert_eq!(outcome(&format!(r#"{{"status":"OK","error":{error}}}"#)), Outcome::Accepted, "{error}");
        assert_eq!(outcome(&format!(r#"{{"status":"REMOVE","error":{error}}}"#)), Outcome::Unregistered);
        assert_eq!(outcome(&format!(r#"{{"status":"FAIL","error":{error}}}"#)), Outcome::Unconfirmed);
    }
    assert_eq!(outcome("\u{feff}{\"status\":\"OK\"}"), Outcome::Accepted);
    for body in [r#"["OK",null]"#, r#"{"status":["OK"]}"#, r#"{"status":null}"#, r#"{"status":"ok"}"#] {
        assert_eq!(outcome(body), Outcome::Unconfirmed, "{body}");
    }
}

#[test]
fn a_front_that_refuses_a_push_says_nothing_of_it() {
    for status in [400, 402, 410, 421, 425, 431, 451, 499] {
        for body in ["", "<html><title>Blocked</title></html>", r#"{"message":"Blocked"}"#] {
            let verdict = verdict(status, &BTreeMap::new(), body);
            assert_eq!(
                (verdict.outcome, verdict.token_action, verdict.retryable),
                (Outcome::UpstreamUnavailable, TokenAction::Keep, true),
                "{status} {body}"
            );
        }
    }
}

#[test]
fn what_the_real_proxy_answered_has_its_verdict() {
    #[derive(serde::Deserialize)]
    struct Recorded {
        exchanges: Vec<Exchange>,
    }
    #[derive(serde::Deserialize)]
    struct Exchange {
        case: String,
        response: Response,
    }
    #[derive(serde::Deserialize)]
    struct Response {
        status: u16,
        headers: BTreeMap<String, String>,
        body: String,
    }
    let recorded: Recorded = serde_json::from_str(RECORDED).unwrap();
    assert_eq!(recorded.exchanges.len(), 27);
    for Exchange { case, response } in recorded.exchanges {
        let (outcome, token_action, retryable) = match case.as_str() {
            "APNs 200"
            | "type clear"
            | "type update_badge"
            | "id loaded"
            | "type session"
            | "type test"
            | "apple with -v2 suffix"
            | "message of 5000 characters"
            | "ack" => (Outcome::Accepted, TokenAction::Keep, false),
            "APNs 400 BadDeviceToken"
            | "APNs 410 Unregistered"
            | "APNs 400 DeviceTokenNotForTopic"
            | "APNs 400 MissingDeviceToken" => (Outcome::Unregistered, TokenAction::Delete, false),
            "APNs 413 PayloadTooLarge" | "APNs 403 ExpiredProviderToken" | "APNs 429" | "APNs 503" => {
                (Outcome::UpstreamUnavailable, TokenAction::Keep, true)
            }
            "no device id"
            | "no server id"
            | "unknown platform"
            | "android not configured"
            | "apple_rn not configured" => (Outcome::InvalidPush, TokenAction::Keep, false),
            "bad json" | "empty body" => (Outcome::Internal, TokenAction::Keep, false),
            "root" | "version" => (Outcome::Unconfirmed, TokenAction::Keep, true),
            "GET on send_push" => (Outcome::Credential, TokenAction::Keep, false),
            other => panic!("{other} has no verdict here"),
        };
        let verdict = verdict(response.status, &response.headers, &response.body);
        let found = (verdict.outcome, verdict.token_action, verdict.retryable);
        assert_eq!(found, (outcome, token_action, retryable), "{case}");
    }
}

proptest! {
    #[test]
    fn classify_never_panics(
        status in 100u16..1000,
        wait in prop_oneof!["[0-9]{0,40}", "[ -~]{0,40}"],
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..400),
            "[{\\[\"a-z:0-9,\\]}]{0,60}".prop_map(String::into_bytes),
            any::<String>().prop_map(String::into_bytes),
            ("OK|REMOVE|FAIL|.{0,9}", "unknown transport error|.{0,300}").prop_map(|(status, error)| {
                let [status, error] = [status, error].map(|it| serde_json::to_string(&it).unwrap());
                format!(r#"{{"status":{status},"error":{error}}}"#).into_bytes()
            }),
        ],
    ) {
        let says_ok = status == 200 && serde_json::from_slice::<BTreeMap<String, String>>(&body)
            .is_ok_and(|members| members.get("status").is_some_and(|word| word == "OK"));
        let reply = reply(status, &[("retry-after", &wait)], body);
        let verdict = classify(&reply, Front502::default(), UNIX_EPOCH);
        prop_assert!(verdict.upstream_reason.len() <= Verdict::MAX_REASON_BYTES);
        prop_assert!(verdict.retry.wait().is_none_or(|wait| wait <= MAX_RETRY_AFTER));
        prop_assert_eq!(verdict.outcome == Outcome::Accepted, says_ok);
    }
}
