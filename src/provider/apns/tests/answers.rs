//! What answers mean.

use fanfare_upstream::Head;
use proptest::prelude::*;

use super::*;
use crate::provider::apns::response::{classify, head_decides, upstream_id};
use crate::provider::replies::reply;
use crate::provider::retry_after::MAX_RETRY_AFTER;
use crate::provider::{Front502, Heal, Refuses, Reply, Retry, Verdict};
use crate::push::TokenAction;

/// Every answer that Apple documents, written from its pages; the end-to-end suite reads it too.
const ANSWERS: &str = include_str!("../../../../tests/data/apns-answers.json");

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
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

fn classified(reply: &Reply) -> Verdict {
    classify(reply, Front502::default(), UNIX_EPOCH)
}

fn refused(status: u16, reason: &str) -> Verdict {
    classified(&reply(status, &[], format!(r#"{{"reason":"{reason}"}}"#)))
}

#[test]
fn every_documented_answer_means_what_the_page_says() {
    let answers: Vec<Answer> = serde_json::from_str(ANSWERS).unwrap();
    for answer in answers {
        let body = if answer.reason.is_empty() {
            String::new()
        } else {
            format!(r#"{{"reason":"{}"}}"#, answer.reason)
        };
        let id = if answer.upstream == "apns" { "apns-id" } else { "apns-request-id" };
        let verdict = classified(&reply(answer.status, &[(id, "an-id")], body));
        assert_eq!(verdict.outcome.name().to_uppercase(), answer.outcome, "{answer:?}");
        assert_eq!(format!("{:?}", verdict.token_action).to_uppercase(), answer.token_action, "{answer:?}");
        assert_eq!(verdict.retryable, answer.retryable, "{answer:?}");
        assert_eq!(verdict.retry.wait().map(|wait| wait.as_secs()), answer.retry_after_s, "{answer:?}");
        assert_eq!(verdict.upstream_reason, answer.reason, "{answer:?}");
        assert_eq!(verdict.upstream_id, "an-id", "{answer:?}");
        let accepted = verdict.outcome == Outcome::Accepted;
        assert_eq!(accepted, answer.delivery == "ACCEPTED", "{answer:?}");
        assert_eq!(verdict.detail.is_empty(), accepted, "{answer:?}");
        assert!(!answer.source.is_empty());
    }
}

#[test]
fn a_refusal_says_whether_it_concerns_the_credential_the_topic_or_the_push_alone() {
    let of_credential = [
        "ExpiredProviderToken",
        "UnrelatedKeyIdInToken",
        "InvalidProviderToken",
        "MissingProviderToken",
        "BadCertificate",
        "BadCertificateEnvironment",
        "BadEnvironmentKeyIdInToken",
        "BadEnvironmentKeyInToken",
        "Forbidden",
        "ANewReason",
    ];
    for reason in of_credential {
        assert_eq!(refused(403, reason).refuses, Refuses::Credential, "{reason}");
    }
    for (status, reason) in [(403, "TopicMismatch"), (400, "TopicDisallowed")] {
        assert_eq!(refused(status, reason).refuses, Refuses::Topic, "{reason}");
    }
    for (status, reason) in [
        (400, "FeatureNotEnabled"),
        (400, "CannotCreateChannelConfig"),
        (400, "BadDeviceToken"),
        (400, "DeviceTokenNotForTopic"),
        (410, "Unregistered"),
        (429, "TooManyProviderTokenUpdates"),
        (503, "ServiceUnavailable"),
    ] {
        assert_eq!(refused(status, reason).refuses, Refuses::Nothing, "{reason}");
    }
    // A page comes from something in front of APNs, which judges no credential.
    let page = classified(&reply(403, &[("apns-id", "an-id")], "<html>".to_owned()));
    assert_eq!(page.refuses, Refuses::Nothing);
}

#[test]
fn what_is_broken_is_mended_before_the_next_try() {
    let seconds = Duration::from_secs;
    for (status, reason, heal, retry) in [
        (403, "ExpiredProviderToken", Heal::RenewAndRetire, Retry::Once),
        (403, "UnrelatedKeyIdInToken", Heal::Retire, Retry::Once),
        (400, "IdleTimeout", Heal::Retire, Retry::OnceThen(seconds(1))),
        (503, "ServiceUnavailable", Heal::Retire, Retry::OnceThen(seconds(900))),
        (503, "Shutdown", Heal::Retire, Retry::OnceThen(seconds(900))),
        (500, "InternalServerError", Heal::Nothing, Retry::After(seconds(900))),
        (429, "TooManyRequests", Heal::Nothing, Retry::After(seconds(30))),
        (429, "TooManyProviderTokenUpdates", Heal::HoldToken, Retry::After(seconds(1200))),
        (403, "InvalidProviderToken", Heal::Nothing, Retry::Never),
    ] {
        let verdict = refused(status, reason);
        assert_eq!((verdict.heal, verdict.retry), (heal, retry), "{reason}");
    }
}

#[test]
fn an_unknown_reason_is_read_by_its_status_and_kept() {
    for (status, outcome) in [
        (400, Outcome::InvalidPush),
        (403, Outcome::Credential),
        (404, Outcome::InvalidPush),
        (410, Outcome::Unregistered),
        (413, Outcome::PayloadTooLarge),
        (429, Outcome::RateLimited),
        (502, Outcome::UpstreamUnavailable),
        (999, Outcome::UpstreamUnavailable),
        (204, Outcome::Unconfirmed),
        (302, Outcome::Internal),
    ] {
        let verdict = refused(status, "New");
        assert_eq!((verdict.outcome, verdict.upstream_reason.as_str()), (outcome, "New"), "{status}");
    }
    // A reason under another status than its own deletes nothing.
    assert_eq!(refused(400, "Unregistered").token_action, TokenAction::Keep);
    assert_eq!(refused(400, &"é".repeat(200)).upstream_reason, "é".repeat(128));
}

#[test]
fn a_body_that_is_not_apns_json_says_nothing() {
    for body in [
        "",
        "<html>",
        "null",
        "[]",
        r#"["Shutdown",null]"#,
        r#"{"reason":7}"#,
        r#"{"reason":"Shutdown""#,
        "\u{0}",
    ] {
        let verdict = classified(&reply(503, &[], body));
        assert_eq!(
            (verdict.outcome, verdict.retry),
            (Outcome::UpstreamUnavailable, Retry::After(Duration::from_secs(900))),
            "{body}"
        );
    }
}

#[test]
fn a_push_was_taken_where_apns_named_it_and_only_there() {
    for (name, body) in
        [("apns-id", ""), ("apns-id", "<html>"), ("apns-request-id", "{\"reason\":\"BadTopic\"}")]
    {
        let verdict = classified(&reply(200, &[(name, "an-id")], body));
        assert_eq!((verdict.outcome, &*verdict.upstream_reason), (Outcome::Accepted, ""), "{body}");
    }
    for body in ["", "<title>Blocked</title>", "{}", r#"{"reason":"New"}"#, r#"{"reason":"BadDeviceToken"}"#]
    {
        let verdict = classified(&reply(200, &[], body));
        assert_eq!(
            (verdict.outcome, verdict.reason),
            (Outcome::Unconfirmed, Reason::AnswerUnreadable),
            "{body}"
        );
        assert_eq!((verdict.retryable, verdict.retry), (true, Retry::IfRepeatable));
    }
    let head = |status: u16, name| {
        let Reply { status, fields, .. } = reply(status, &[(name, "an-id")], "");
        Head { status, fields }
    };
    assert!(head_decides(&head(200, "apns-id")) && head_decides(&head(200, "apns-request-id")));
    assert!(!head_decides(&head(200, "date")) && !head_decides(&head(400, "apns-id")));
}

#[test]
fn what_a_front_answers_is_not_the_word_of_apns() {
    let page = "<html><title>Access denied</title></html>";
    for (status, headers, outcome) in [
        (502, &[][..], Outcome::Unconfirmed),
        (504, &[], Outcome::Unconfirmed),
        (502, &[("apns-id", "an-id")], Outcome::Unconfirmed),
        (400, &[], Outcome::UpstreamUnavailable),
        (403, &[], Outcome::UpstreamUnavailable),
        (404, &[], Outcome::UpstreamUnavailable),
        (408, &[], Outcome::UpstreamUnavailable),
        (410, &[("apns-id", "an-id")], Outcome::UpstreamUnavailable),
        (413, &[], Outcome::PayloadTooLarge),
        (429, &[], Outcome::RateLimited),
        (500, &[], Outcome::UpstreamUnavailable),
        (503, &[], Outcome::UpstreamUnavailable),
        (302, &[], Outcome::Internal),
    ] {
        let verdict = classified(&reply(status, headers, page));
        assert_eq!((verdict.outcome, &*verdict.upstream_reason), (outcome, "Access denied"), "{status}");
        assert_eq!(verdict.token_action, TokenAction::Keep, "{status}");
    }
    // Without a word APNs alone can have named the push.
    assert_eq!(classified(&reply(502, &[("apns-id", "an-id")], "")).outcome, Outcome::UpstreamUnavailable);
    assert_eq!(classified(&reply(502, &[], "")).outcome, Outcome::Unconfirmed);
    for (status, outcome) in [(502, Outcome::UpstreamUnavailable), (504, Outcome::Unconfirmed)] {
        assert_eq!(classify(&reply(status, &[], page), Front502::NotSent, UNIX_EPOCH).outcome, outcome);
    }
}

#[test]
fn the_time_of_a_410_is_in_milliseconds() {
    let since = |timestamp: &str| {
        let body = format!(r#"{{"reason":"Unregistered","timestamp":{timestamp}}}"#);
        let verdict = classified(&reply(410, &[], body));
        assert_eq!(verdict.upstream_reason, "Unregistered");
        verdict.token_invalid_since
    };
    assert_eq!(since("1454948015990"), Some(UNIX_EPOCH + Duration::from_millis(1_454_948_015_990)));
    for odd in ["-1", "1.5", "18446744073709551615", "99999999999999999999999", "\"1\"", "null"] {
        assert_eq!(since(odd), None, "{odd}");
    }
}

#[test]
fn retry_after_replaces_the_wait() {
    let wait = |status, reason| {
        let body = format!(r#"{{"reason":"{reason}"}}"#);
        classified(&reply(status, &[("retry-after", "7")], body)).retry
    };
    assert_eq!(wait(503, "Shutdown"), Retry::After(Duration::from_secs(7)));
    assert_eq!(wait(429, "TooManyRequests"), Retry::After(Duration::from_secs(7)));
    assert_eq!(wait(400, "BadTopic"), Retry::Never);
    assert_eq!(wait(403, "ExpiredProviderToken"), Retry::Once);
}

proptest! {
    #[test]
    fn classify_never_panics(
        status in 100u16..1000,
        name in prop::sample::select(vec!["apns-id", "apns-request-id", "retry-after", "date"]),
        value in prop::collection::vec(prop_oneof![Just(b' '), 0x20u8..0x7f, 0x80u8..], 0..80),
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..400),
            "[{\\[\"a-z:0-9,\\]}]{0,40}".prop_map(String::into_bytes),
            (".{0,300}", any::<i128>()).prop_map(|(reason, timestamp)| {
                let reason = serde_json::to_string(&reason).unwrap();
                format!(r#"{{"reason":{reason},"timestamp":{timestamp}}}"#).into_bytes()
            }),
        ],
    ) {
        let mut reply = reply(status, &[], body);
        reply.fields.push(name, value.trim_ascii(), Indexing::Varies).unwrap();
        let verdict = classified(&reply);
        prop_assert!(verdict.upstream_reason.len() <= Verdict::MAX_REASON_BYTES);
        prop_assert!(verdict.retry.wait().is_none_or(|wait| wait <= MAX_RETRY_AFTER));
        let named = !upstream_id(&reply.fields).is_empty();
        prop_assert_eq!(verdict.outcome == Outcome::Accepted, status == 200 && named);
    }
}

#[test]
fn a_refusal_names_the_field_that_is_at_fault() {
    for (status, reason, field) in [
        (400, "BadCollapseId", "options.collapse_key"),
        (400, "BadTopic", "target.apns.topic"),
        (400, "BadDeviceToken", "target.apns.token"),
        (413, "PayloadTooLarge", "content"),
        (403, "InvalidProviderToken", ""),
        (410, "Unregistered", ""),
    ] {
        assert_eq!(refused(status, reason).field, field, "{reason}");
    }
}
