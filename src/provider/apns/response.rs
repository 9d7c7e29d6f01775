//! What an answer of APNs means. Never fails, whatever the bytes.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use serde_json::value::RawValue;

use super::answers::meaning;
use super::headers::{APNS_ID, APNS_REQUEST_ID};
use crate::provider::retry_after::retry_after;
use crate::provider::{Reply, Verdict, cut};
use crate::push::Outcome;

/// What an answer that came at `now` means. APNs documents no `Retry-After`; where one comes
/// nonetheless it counts more than the table.
#[must_use]
pub fn classify(reply: &Reply, now: SystemTime) -> Verdict {
    let said = Said::read(reply.body());
    let verdict = meaning(reply.status().as_u16(), &said.reason).verdict(&said.reason);
    let gone = verdict.outcome == Outcome::Unregistered;
    Verdict {
        retry: verdict.retry.asked_to_wait(retry_after(reply.headers(), now)),
        upstream_id: upstream_id(reply.headers()),
        token_invalid_since: if gone { said.timestamp } else { None },
        ..verdict
    }
}

/// The last second of the year 9999, which is also the last that the contract's Timestamp can say.
const LAST_MILLISECOND: u64 = 253_402_300_799_999;

/// What the body of an answer says.
#[derive(Default)]
struct Said {
    reason: String,
    timestamp: Option<SystemTime>,
}

impl Said {
    /// A body that is not the JSON of APNs says nothing.
    fn read(body: &[u8]) -> Self {
        // As of every push that was taken.
        if body.is_empty() {
            return Self::default();
        }
        /// Each member is read by itself, so that an odd one does not take the other away.
        #[derive(serde::Deserialize)]
        struct Members<'a> {
            #[serde(borrow)]
            reason: Option<&'a RawValue>,
            #[serde(borrow)]
            timestamp: Option<&'a RawValue>,
        }
        let Ok(members) = serde_json::from_slice::<Members<'_>>(body) else { return Self::default() };
        Self {
            reason: members.reason.and_then(read).unwrap_or_default(),
            timestamp: members.timestamp.and_then(read).and_then(since_epoch),
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(value: &RawValue) -> Option<T> {
    serde_json::from_str(value.get()).ok()
}

/// Milliseconds since the Unix epoch.
///
/// Source: Apple, "Handling notification responses from APNs".
fn since_epoch(milliseconds: u64) -> Option<SystemTime> {
    let sensible = milliseconds <= LAST_MILLISECOND;
    sensible.then(|| UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds))).flatten()
}

/// `apns-id`; for a broadcast `apns-request-id`.
fn upstream_id(headers: &HeaderMap) -> String {
    let named = headers.get(APNS_ID).or_else(|| headers.get(APNS_REQUEST_ID));
    let id = named.and_then(|id| id.to_str().ok()).unwrap_or_default();
    cut(id, Verdict::MAX_REASON_BYTES).to_owned()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::provider::retry_after::MAX_RETRY_AFTER;
    use crate::provider::{Heal, Retry};
    use crate::push::TokenAction;

    /// Every answer that Apple documents, written from its pages; the end-to-end suite reads it too.
    const ANSWERS: &str = include_str!("../../../tests/data/apns-answers.json");

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

    fn reply(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Reply {
        let mut reply = http::Response::builder().status(status);
        for (name, value) in headers {
            reply = reply.header(*name, *value);
        }
        reply.body(body.into()).unwrap()
    }

    fn refused(status: u16, reason: &str) -> Verdict {
        classify(&reply(status, &[], format!(r#"{{"reason":"{reason}"}}"#)), UNIX_EPOCH)
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
            let verdict = classify(&reply(answer.status, &[(id, "an-id")], body), UNIX_EPOCH);
            assert_eq!(verdict.outcome.name().to_uppercase(), answer.outcome, "{answer:?}");
            assert_eq!(
                format!("{:?}", verdict.token_action).to_uppercase(),
                answer.token_action,
                "{answer:?}"
            );
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
            (204, Outcome::Internal),
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
        for body in ["", "<html>", "null", "[]", r#"{"reason":7}"#, r#"{"reason":"Shutdown""#, "\u{0}"] {
            let verdict = classify(&reply(503, &[], body), UNIX_EPOCH);
            assert_eq!(
                (verdict.outcome, verdict.upstream_reason.as_str()),
                (Outcome::UpstreamUnavailable, ""),
                "{body}"
            );
        }
    }

    #[test]
    fn the_time_of_a_410_is_in_milliseconds() {
        let since = |timestamp: &str| {
            let body = format!(r#"{{"reason":"Unregistered","timestamp":{timestamp}}}"#);
            let verdict = classify(&reply(410, &[], body), UNIX_EPOCH);
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
            classify(&reply(status, &[("retry-after", "7")], body), UNIX_EPOCH).retry
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
            let value = http::HeaderValue::from_bytes(&value).unwrap();
            let reply = http::Response::builder().status(status).header(name, value).body(body.into()).unwrap();
            let verdict = classify(&reply, UNIX_EPOCH);
            prop_assert!(verdict.upstream_reason.len() <= Verdict::MAX_REASON_BYTES);
            prop_assert!(verdict.retry.wait().is_none_or(|wait| wait <= MAX_RETRY_AFTER));
            prop_assert_eq!(verdict.outcome == Outcome::Accepted, status == 200);
        }
    }
}
