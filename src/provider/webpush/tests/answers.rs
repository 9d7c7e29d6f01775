//! What answers mean.

use super::*;
use crate::provider::webpush::response::classify;
use crate::provider::{Front502, Heal, Refuses, Reply, Retry, Verdict, replies};
use crate::push::{Reason, TokenAction};

/// Every answer that the vendors document or have been seen to give; the end-to-end suite reads it too.
const ANSWERS: &str = include_str!("../../../../tests/data/webpush-answers.json");

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    upstream: String,
    vendor: String,
    status: u16,
    headers: std::collections::BTreeMap<String, String>,
    body: serde_json::Value,
    reason: String,
    id: String,
    outcome: String,
    token_action: String,
    retryable: bool,
    retry_after_s: Option<u64>,
    delivery: String,
    source: String,
}

fn vendor(name: &str) -> Vendor {
    match name {
        "mozilla" => Vendor::Mozilla,
        "google" => Vendor::Google,
        "apple" => Vendor::Apple,
        "microsoft" => Vendor::Microsoft,
        "other" => Vendor::Other,
        other => panic!("{other}"),
    }
}

fn reply(status: u16, headers: &[(&str, &str)], body: &str) -> Reply {
    replies::reply(status, headers, body.to_owned())
}

fn said(vendor: Vendor, status: u16, body: &str) -> Verdict {
    classify(&reply(status, &[], body), vendor, Front502::Unknown, UNIX_EPOCH)
}

#[test]
fn every_known_answer_means_what_its_vendor_says() {
    let answers: Vec<Answer> = serde_json::from_str(ANSWERS).unwrap();
    assert!(answers.len() > 60, "{} rows", answers.len());
    for answer in answers {
        let body = answer.body.as_str().map_or_else(|| answer.body.to_string(), str::to_owned);
        let headers: Vec<_> =
            answer.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let reply = reply(answer.status, &headers, &body);
        // A host that an operator lists may speak as any of them.
        for vendor in [vendor(&answer.vendor), Vendor::Other] {
            let verdict = classify(&reply, vendor, Front502::Unknown, at(ACCEPTED_AT));
            assert_eq!(answer.upstream, "web_push");
            assert_eq!(verdict.outcome.name().to_uppercase(), answer.outcome, "{vendor:?} {answer:?}");
            assert_eq!(
                format!("{:?}", verdict.token_action).to_uppercase(),
                answer.token_action,
                "{answer:?}"
            );
            assert_eq!(verdict.retryable, answer.retryable, "{answer:?}");
            assert_eq!(verdict.refuses, Refuses::Nothing, "it concerns one subscription: {answer:?}");
            assert_eq!(verdict.retry.wait().map(|wait| wait.as_secs()), answer.retry_after_s, "{answer:?}");
            assert_eq!(verdict.upstream_reason, answer.reason, "{answer:?}");
            assert_eq!(verdict.upstream_id, answer.id, "{answer:?}");
            let accepted = verdict.outcome == Outcome::Accepted;
            assert_eq!(accepted, answer.delivery == "ACCEPTED", "{answer:?}");
            assert_eq!(verdict.detail.is_empty(), accepted, "{answer:?}");
            assert!(!answer.source.is_empty());
        }
    }
}

#[test]
fn another_vendors_words_say_nothing() {
    // 406 is throttling at WNS alone, as 404 of a path is Apple's.
    assert_eq!(said(Vendor::Mozilla, 406, "").outcome, Outcome::InvalidPush);
    assert_eq!(said(Vendor::Mozilla, 404, r#"{"reason":"BadPath"}"#).outcome, Outcome::Unregistered);
    assert_eq!(said(Vendor::Google, 400, r#"{"errno":108}"#).token_action, TokenAction::Keep);
    let blocked = reply(410, &[("x-wns-error-description", "Domain Blocked")], "");
    assert_eq!(
        classify(&blocked, Vendor::Microsoft, Front502::Unknown, UNIX_EPOCH).outcome,
        Outcome::Credential
    );
    assert_eq!(
        classify(&blocked, Vendor::Apple, Front502::Unknown, UNIX_EPOCH).outcome,
        Outcome::Unregistered
    );
}

#[test]
fn what_is_broken_is_mended_for_the_next_push() {
    let seconds = Duration::from_secs;
    for (vendor, status, body, heal, retry) in [
        (Vendor::Mozilla, 401, r#"{"errno":109,"message":"x"}"#, Heal::Renew, Retry::Never),
        (
            Vendor::Mozilla,
            401,
            r#"{"errno":109,"message":"VAPID public key mismatch"}"#,
            Heal::Nothing,
            Retry::Never,
        ),
        (Vendor::Mozilla, 503, r#"{"errno":202}"#, Heal::Nothing, Retry::OnceThen(seconds(10))),
        (Vendor::Apple, 403, r#"{"reason":"BadJwtToken"}"#, Heal::Renew, Retry::Never),
        (Vendor::Apple, 400, r#"{"reason":"IdleTimeout"}"#, Heal::Retire, Retry::OnceThen(seconds(1))),
        (Vendor::Apple, 503, r#"{"reason":"Shutdown"}"#, Heal::Retire, Retry::After(seconds(10))),
        (Vendor::Google, 403, "", Heal::Renew, Retry::Never),
        (Vendor::Google, 403, "invalid push subscription endpoint", Heal::Nothing, Retry::Never),
        (Vendor::Microsoft, 401, "", Heal::Renew, Retry::Never),
    ] {
        let verdict = said(vendor, status, body);
        assert_eq!((verdict.heal, verdict.retry), (heal, retry), "{vendor:?} {status} {body}");
    }
}

#[test]
fn a_redirect_is_never_followed() {
    for status in [300, 301, 302, 303, 307, 308] {
        let redirect = reply(status, &[("location", "https://169.254.169.254/")], "");
        let verdict = classify(&redirect, Vendor::Other, Front502::Unknown, UNIX_EPOCH);
        assert_eq!(
            (verdict.outcome, verdict.retry),
            (Outcome::UpstreamUnavailable, Retry::Never),
            "{status}"
        );
        assert_eq!((verdict.token_action, &*verdict.upstream_id), (TokenAction::Keep, ""));
    }
}

#[test]
fn a_wait_is_seconds_or_a_date() {
    let wait = |status, headers: &[(&str, &str)]| {
        classify(&reply(status, headers, ""), Vendor::Microsoft, Front502::Unknown, UNIX_EPOCH).retry.wait()
    };
    let dates = [("retry-after", "Sun, 06 Nov 1994 08:51:37 GMT"), ("date", "Sun, 06 Nov 1994 08:49:37 GMT")];
    for status in [406, 429, 500, 503] {
        assert_eq!(wait(status, &[("retry-after", "7")]), Some(Duration::from_secs(7)), "{status}");
        assert_eq!(wait(status, &dates), Some(Duration::from_secs(120)), "{status}");
    }
    assert_eq!(wait(410, &[("retry-after", "7")]), None);
}

#[test]
fn an_odd_part_takes_no_other_away() {
    for body in [
        r#"{"errno":"109","message":7,"reason":"VapidPkHashMismatch"}"#,
        r#"{"errno":-1,"message":{},"reason":"VapidPkHashMismatch"}"#,
    ] {
        assert_eq!(said(Vendor::Apple, 403, body).token_action, TokenAction::Quarantine, "{body}");
    }
    for body in ["", "null", "[]", r#"[108,"m","r"]"#, r#"{"errno":10"#, "\u{0}", "{}"] {
        assert_eq!(said(Vendor::Mozilla, 404, body).outcome, Outcome::Unregistered, "{body}");
    }
}

#[test]
fn a_page_deletes_and_accepts_nothing() {
    let page = "<html><head><title>Access to this site is blocked</title></head></html>";
    for vendor in [Vendor::Mozilla, Vendor::Google, Vendor::Apple, Vendor::Microsoft, Vendor::Other] {
        for status in [400, 401, 403, 404, 405, 410] {
            let verdict = said(vendor, status, page);
            assert_eq!(
                (verdict.outcome, verdict.token_action, verdict.heal),
                (Outcome::UpstreamUnavailable, TokenAction::Keep, Heal::Nothing),
                "{vendor:?} {status}"
            );
            assert_eq!(verdict.upstream_reason, "Access to this site is blocked");
        }
        for status in [200, 201, 202] {
            let ok = said(vendor, status, page);
            assert_eq!(
                (ok.outcome, ok.reason),
                (Outcome::Unconfirmed, Reason::AnswerUnreadable),
                "{vendor:?} {status}"
            );
        }
    }
    // Google's own older answers are pages.
    for title in ["NotRegistered", "push subscription has unsubscribed or expired."] {
        let page = format!("<HTML><HEAD><TITLE>{title}</TITLE></HEAD></HTML>");
        assert_eq!(said(Vendor::Google, 410, &page).outcome, Outcome::Unregistered);
    }
    assert_eq!(
        said(Vendor::Google, 404, "<title>Error 404 (Not Found)!!1</title>").token_action,
        TokenAction::Keep
    );
}

#[test]
fn a_bare_200_is_an_acceptance_where_the_push_service_shows_itself() {
    let outcome = |vendor, headers: &[(&str, &str)], body| {
        classify(&reply(200, headers, body), vendor, Front502::Unknown, UNIX_EPOCH).outcome
    };
    assert_eq!(outcome(Vendor::Mozilla, &[], ""), Outcome::Accepted);
    assert_eq!(
        outcome(Vendor::Mozilla, &[("location", "https://push.test/m/1")], "<html>"),
        Outcome::Accepted
    );
    assert_eq!(outcome(Vendor::Microsoft, &[("x-wns-status", "received")], "{}"), Outcome::Accepted);
    assert_eq!(
        outcome(Vendor::Other, &[], r#"{"id":"x","event":"message","topic":"up1"}"#),
        Outcome::Accepted
    );
    for (vendor, body) in [
        (Vendor::Other, r#"{"error":"no"}"#),
        (Vendor::Other, "[null,null,null]"),
        (Vendor::Other, "welcome"),
        (Vendor::Google, r#"{"id":"x"}"#),
    ] {
        assert_eq!(outcome(vendor, &[], body), Outcome::Unconfirmed, "{body}");
    }
}

#[test]
fn a_front_may_have_passed_the_push_on() {
    for status in [502, 504] {
        for body in ["", "<html><title>Bad Gateway</title></html>", "upstream timed out"] {
            assert_eq!(said(Vendor::Apple, status, body).outcome, Outcome::Unconfirmed, "{status} {body}");
        }
        assert_eq!(said(Vendor::Mozilla, status, r#"{"errno":902}"#).outcome, Outcome::UpstreamUnavailable);
        let reply = reply(status, &[], "");
        let not_sent = classify(&reply, Vendor::Google, Front502::NotSent, UNIX_EPOCH).outcome;
        assert_eq!(not_sent == Outcome::UpstreamUnavailable, status == 502);
    }
}

#[test]
fn their_words_reach_the_caller() {
    let words = |status, headers: &[(&str, &str)], body| {
        classify(&reply(status, headers, body), Vendor::Other, Front502::Unknown, UNIX_EPOCH)
    };
    let quota = r#"{"code":42908,"http":429,"error":"limit reached: daily message quota reached"}"#;
    assert_eq!(words(429, &[], quota).upstream_reason, "limit reached: daily message quota reached");
    let inactive = r#"{"code":50701,"error":"cannot publish to UnifiedPush topic without previously active subscriber"}"#;
    let verdict = words(507, &[], inactive);
    assert_eq!(verdict.outcome, Outcome::UpstreamUnavailable);
    assert_eq!(
        verdict.upstream_reason,
        "cannot publish to UnifiedPush topic without previously active subscriber"
    );
    let challenge = r#"Bearer error="invalid_request",error_description="Malformed Crypto-Key Value""#;
    assert_eq!(
        words(401, &[("www-authenticate", challenge)], "").upstream_reason,
        "Malformed Crypto-Key Value"
    );
    let expired = r#"{"errno":109,"message":"Request did not validate Invalid bearer token: Auth expired"}"#;
    assert_eq!(
        words(401, &[], expired).upstream_reason,
        "109: Request did not validate Invalid bearer token: Auth expired"
    );
}
