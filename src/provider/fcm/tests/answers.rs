//! What FCM's answers mean.

use std::collections::BTreeMap;

use super::*;
use crate::provider::fcm::response::classify;
use crate::provider::{Heal, Refuses, Reply, Retry, Verdict, replies};
use crate::push::{Reason, TokenAction};

/// Every answer that Firebase documents, written from its pages.
const ANSWERS: &str = include_str!("../../../../tests/data/fcm-answers.json");

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    upstream: String,
    status: u16,
    headers: BTreeMap<String, String>,
    body: serde_json::Value,
    reason: String,
    outcome: String,
    token_action: String,
    retryable: bool,
    retry_after_s: Option<u64>,
    delivery: String,
    source: String,
}

fn reply(status: u16, body: &str) -> Reply {
    replies::reply(status, &[], body.to_owned())
}

fn error(status: u16, details: &str) -> Verdict {
    let body = format!(r#"{{"error":{{"status":"S","message":"m","details":[{details}]}}}}"#);
    classify(&reply(status, &body), ReplyContext::default(), at(0))
}

fn code(code: &str) -> String {
    format!(r#"{{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"{code}"}}"#)
}

fn apns_said(status: u16, reason: &str) -> String {
    format!(
        r#"{{"@type":"type.googleapis.com/google.firebase.fcm.v1.ApnsError","statusCode":{status},"reason":"{reason}"}}"#
    )
}

#[test]
fn every_documented_answer_means_what_the_page_says() {
    let answers: Vec<Answer> = serde_json::from_str(ANSWERS).unwrap();
    assert!(answers.len() > 35, "{} rows", answers.len());
    for answer in answers {
        let body = answer.body.as_str().map_or_else(|| answer.body.to_string(), str::to_owned);
        let headers: Vec<_> =
            answer.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let reply = replies::reply(answer.status, &headers, body);
        let verdict = classify(&reply, ReplyContext::default(), at(ACCEPTED_AT));
        assert_eq!(answer.upstream, "fcm");
        assert_eq!(verdict.outcome.name().to_uppercase(), answer.outcome, "{answer:?}");
        assert_eq!(format!("{:?}", verdict.token_action).to_uppercase(), answer.token_action, "{answer:?}");
        assert_eq!(verdict.retryable, answer.retryable, "{answer:?}");
        assert_eq!(verdict.retry.wait().map(|wait| wait.as_secs()), answer.retry_after_s, "{answer:?}");
        assert_eq!(verdict.upstream_reason, answer.reason, "{answer:?}");
        let accepted = verdict.outcome == Outcome::Accepted;
        assert_eq!(accepted, answer.delivery == "ACCEPTED", "{answer:?}");
        assert_eq!(verdict.detail.is_empty(), accepted, "{answer:?}");
        assert!(!answer.source.is_empty());
    }
}

#[test]
fn a_refusal_concerns_the_credential_only_where_fcm_names_nothing_of_the_message() {
    for status in [401, 403, 404] {
        assert_eq!(error(status, "").refuses, Refuses::Credential, "{status}");
    }
    assert_eq!(classify(&reply(401, ""), ReplyContext::default(), at(0)).refuses, Refuses::Credential);
    for (status, name) in [
        (401, "THIRD_PARTY_AUTH_ERROR"),
        (403, "SENDER_ID_MISMATCH"),
        (403, "A_NEW_CODE"),
        (404, "UNREGISTERED"),
        (429, "QUOTA_EXCEEDED"),
        (503, "UNAVAILABLE"),
    ] {
        assert_eq!(error(status, &code(name)).refuses, Refuses::Nothing, "{name}");
    }
    for status in [403, 404] {
        let page = classify(&reply(status, "<html>"), ReplyContext::default(), at(0));
        assert_eq!(page.refuses, Refuses::Nothing, "a page of something in front of FCM, {status}");
    }
}

#[test]
fn the_name_of_an_accepted_message_is_kept() {
    let accepted = |body| classify(&reply(200, body), ReplyContext::default(), at(0));
    let verdict = accepted(r#"{"name":"projects/shop-1/messages/0:1%2"}"#);
    assert_eq!(verdict.upstream_id, "projects/shop-1/messages/0:1%2");
}

#[test]
fn a_200_without_the_name_of_a_message_is_no_acceptance() {
    let unregistered =
        format!(r#"{{"error":{{"code":404,"status":"NOT_FOUND","details":[{}]}}}}"#, code("UNREGISTERED"));
    let page = "<html><head><title>Access to this site is blocked</title></head></html>";
    for (body, reason) in [
        ("", ""),
        (page, "Access to this site is blocked"),
        (&unregistered, "UNREGISTERED"),
        (r#"{"name":""}"#, ""),
        (r#"{"name":7}"#, ""),
        (r#"{"name":null}"#, ""),
        ("{}", ""),
    ] {
        let verdict = classify(&reply(200, body), ReplyContext::default(), at(0));
        assert_eq!(
            (verdict.outcome, verdict.reason),
            (Outcome::Unconfirmed, Reason::AnswerUnreadable),
            "{body}"
        );
        assert_eq!((verdict.token_action, verdict.retryable), (TokenAction::Keep, true), "{body}");
        assert_eq!((verdict.retry, &*verdict.upstream_reason), (Retry::IfRepeatable, reason), "{body}");
    }
}

#[test]
fn a_page_is_not_an_answer_of_fcm() {
    let page = "<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>";
    for (status, outcome, wait) in [
        (400, Outcome::UpstreamUnavailable, Some(60)),
        (401, Outcome::UpstreamUnavailable, Some(60)),
        (403, Outcome::UpstreamUnavailable, Some(60)),
        (404, Outcome::UpstreamUnavailable, Some(60)),
        (405, Outcome::UpstreamUnavailable, Some(60)),
        (451, Outcome::UpstreamUnavailable, Some(60)),
        (429, Outcome::RateLimited, Some(60)),
        (500, Outcome::UpstreamUnavailable, Some(10)),
        (502, Outcome::UpstreamUnavailable, Some(10)),
        (503, Outcome::UpstreamUnavailable, Some(10)),
        (504, Outcome::Unconfirmed, Some(10)),
    ] {
        let verdict = classify(&reply(status, page), ReplyContext::default(), at(0));
        assert_eq!((verdict.outcome, verdict.token_action), (outcome, TokenAction::Keep), "{status}");
        assert_eq!(verdict.retry.wait().map(|wait| wait.as_secs()), wait, "{status}");
        assert_eq!((verdict.heal, verdict.retryable), (Heal::Nothing, true), "{status}");
        assert_eq!(verdict.upstream_reason, "Error 404 (Not Found)!!1", "{status}");
    }
}

#[test]
fn an_error_in_an_array_is_still_fcms() {
    let body =
        format!(r#"[{{"error":{{"code":404,"status":"NOT_FOUND","details":[{}]}}}}]"#, code("UNREGISTERED"));
    let verdict = classify(&reply(404, &body), ReplyContext::default(), at(0));
    assert_eq!((verdict.outcome, &*verdict.upstream_reason), (Outcome::Unregistered, "UNREGISTERED"));
    let not_found = r#"[{"error":{"code":404,"message":"m","status":"NOT_FOUND"}}]"#;
    assert_eq!(classify(&reply(404, not_found), ReplyContext::default(), at(0)).outcome, Outcome::Credential);
}

#[test]
fn the_field_and_the_sentence_reach_the_caller() {
    let violation = |field: &str, description: &str| {
        format!(
            r#"{{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{{"field":"{field}","description":"{description}"}}]}}"#
        )
    };
    let told = |status: u16, message: &str, details: &str, raw_message| {
        let body = format!(r#"{{"error":{{"status":"S","message":"{message}","details":[{details}]}}}}"#);
        let verdict =
            classify(&reply(status, &body), ReplyContext { raw_message, ..ReplyContext::default() }, at(0));
        (verdict.field.into_owned(), verdict.detail.into_owned())
    };
    let sentence = "Invalid value at 'message.android.data[2].value' (TYPE_STRING), 1";
    let (field, detail) = told(400, sentence, &violation("message.android.data[2].value", sentence), true);
    assert_eq!(
        (&*field, &*detail),
        ("content.fcm.message_json", &*format!("FCM does not take the message; FCM says: {sentence}"))
    );
    let (field, detail) = told(
        400,
        "Request contains an invalid argument.",
        &violation("message.android.ttl", "Too long"),
        false,
    );
    assert_eq!(field, "options.ttl");
    assert!(
        detail.ends_with("Request contains an invalid argument.: message.android.ttl: Too long"),
        "{detail}"
    );
    let (field, _) = told(400, "m", &violation("message.token", "Invalid registration token"), false);
    assert_eq!(field, "target.fcm.registration_token");
    let info = r#"{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"SERVICE_DISABLED"}"#;
    let (field, detail) = told(403, "Firebase Cloud Messaging API is disabled.", info, false);
    assert!(
        detail.ends_with("FCM says: SERVICE_DISABLED: Firebase Cloud Messaging API is disabled."),
        "{detail}"
    );
    assert_eq!(field, "", "a credential is no field of the push");
    let auth = [code("THIRD_PARTY_AUTH_ERROR"), apns_said(403, "BadEnvironmentKeyInToken")].join(",");
    assert!(told(401, "Auth error", &auth, false).1.contains("BadEnvironmentKeyInToken: Auth error"));
    assert_eq!(told(400, "Android message is too big", "", false).0, "content");
    assert_eq!(told(400, "Topic name is malformed", "", false).0, "target.fcm.topic");
    let (_, detail) = told(400, &"é".repeat(1000), "", false);
    assert!(detail.len() < 400, "{detail}");
}

#[test]
fn only_an_access_token_that_fcm_refuses_is_renewed() {
    let renewed = error(401, "");
    assert_eq!((renewed.heal, renewed.retry), (Heal::Renew, Retry::Once));
    for other in ["THIRD_PARTY_AUTH_ERROR", "APNS_AUTH_ERROR", "BRAND_NEW"] {
        let verdict = error(401, &code(other));
        assert_eq!((verdict.heal, verdict.retry), (Heal::Nothing, Retry::Never), "{other}");
    }
    assert_eq!(error(403, "").heal, Heal::Nothing);
}

#[test]
fn a_dead_live_activity_deletes_no_registration_token() {
    let verdict = |status, details: &str, live_activity_token| {
        let body = format!(r#"{{"error":{{"status":"S","details":[{details}]}}}}"#);
        let context = ReplyContext { live_activity_token, ..ReplyContext::default() };
        let verdict = classify(&reply(status, &body), context, at(0));
        (verdict.outcome, verdict.token_action)
    };
    let gone = (Outcome::Unregistered, TokenAction::Delete);
    let fault = (Outcome::InvalidPush, TokenAction::Keep);
    let unregistered = [code("UNREGISTERED"), apns_said(410, "Unregistered")].join(",");
    assert_eq!(verdict(404, &unregistered, false), gone);
    assert_eq!(verdict(404, &unregistered, true), fault);
    let hidden = [code("INVALID_ARGUMENT"), apns_said(410, "Unregistered")].join(",");
    assert_eq!(verdict(400, &hidden, false), gone);
    assert_eq!(verdict(400, &hidden, true), fault);
    // What FCM says without APNs is about the registration token.
    assert_eq!(verdict(404, &code("UNREGISTERED"), true), gone);
}

#[test]
fn a_code_under_another_status_than_its_own_deletes_nothing() {
    for status in [400, 403, 429, 500] {
        assert_eq!(error(status, &code("UNREGISTERED")).token_action, TokenAction::Keep, "{status}");
    }
    assert_eq!(error(404, &code("SENDER_ID_MISMATCH")).token_action, TokenAction::Keep);
}

#[test]
fn a_quota_is_told_by_its_kind() {
    let said = |subject: &str| {
        let details = format!(
            r#"{},{{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{{"subject":"{subject}"}}]}}"#,
            code("QUOTA_EXCEEDED")
        );
        error(429, &details).detail
    };
    assert!(said("Device quota").contains("device"));
    assert!(said("topic:news").contains("topic"));
    assert!(said("project:1").contains("project"));
    assert!(said("?").starts_with("FCM asks to slow down"));
}

#[test]
fn an_odd_part_takes_no_other_away() {
    let odd = [
        r#"{"error":{"status":7,"message":{},"details":[7,null,{"@type":7},{"@type":"x","errorCode":1},CODE]}}"#,
        r#"{"name":[],"error":{"details":[CODE,{"@type":"a/google.rpc.BadRequest","fieldViolations":7}]}}"#,
        r#"{"error":{"details":[{"@type":"google.rpc.QuotaFailure","violations":[{"subject":1}]},CODE]}}"#,
    ];
    for body in odd {
        let verdict = classify(
            &reply(404, &body.replace("CODE", &code("UNREGISTERED"))),
            ReplyContext::default(),
            at(0),
        );
        assert_eq!(verdict.outcome, Outcome::Unregistered, "{body}");
    }
    // An array is no object, though its elements could be read as members.
    for body in [r#"[["projects/p/messages/1",null]]"#, r#"{"error":["a","b",[]]}"#] {
        let verdict = classify(&reply(200, body), ReplyContext::default(), at(0));
        assert_eq!(verdict.outcome, Outcome::Unconfirmed, "{body}");
    }
    for (status, outcome) in [
        (204, Outcome::Unconfirmed),
        (302, Outcome::Internal),
        (405, Outcome::Internal),
        (408, Outcome::UpstreamUnavailable),
        (413, Outcome::PayloadTooLarge),
        (418, Outcome::InvalidPush),
        (599, Outcome::UpstreamUnavailable),
    ] {
        let verdict = error(status, &code("NEW"));
        assert_eq!((verdict.outcome, verdict.upstream_reason.as_str()), (outcome, "NEW"), "{status}");
    }
}
