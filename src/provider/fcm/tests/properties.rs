//! What holds whatever is asked, and whatever is answered.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::value::RawValue;

use super::*;
use crate::provider::apns::strategies;
use crate::provider::fcm::response::classify;
use crate::provider::replies::reply;
use crate::provider::retry_after::MAX_RETRY_AFTER;
use crate::provider::{Retry, Verdict};

fn options() -> BoxedStrategy<Option<FcmContent>> {
    let text = || prop_oneof![3 => Just(String::new()), 1 => any::<String>(), 1 => "#[0-9a-f]{6}", 1 => "[a-z]{0,60}"];
    let message = prop_oneof![
        4 => Just(String::new()),
        1 => select(vec![
            "{}", "[]", "{\"token\":\"x\"}", "{\"data\":{\"from\":\"x\"}}", "{\"data\":{\"a\":7}}",
            "{\"apns\":{\"live_activity_token\":\"x\"},\"data\":null}", "{", "{\"notification\":{\"title\":null}}",
        ]).prop_map(String::from),
        1 => (any::<String>(), "[a-z]{0,6000}").prop_map(|(key, value)| {
            let key = serde_json::to_string(&key).unwrap();
            format!(r#"{{"data":{{{key}:"{value}"}},"notification":{{"body":"{value}"}}}}"#)
        }),
        1 => any::<String>(),
    ];
    let texts = (text(), text(), text(), text(), text());
    proptest::option::of((texts, message, any::<bool>()).prop_map(|(texts, message_json, direct_boot_ok)| {
        let (channel_id, color, analytics_label, live_activity_token, tag) = texts;
        FcmContent {
            channel_id,
            color,
            analytics_label,
            live_activity_token,
            tag,
            direct_boot_ok,
            message_json,
            ..FcmContent::default()
        }
    }))
    .boxed()
}

fn target() -> BoxedStrategy<Target> {
    let target = prop_oneof![
        "[!-~]{1,200}".prop_map(|token| Target::Token(RegistrationToken::parse(token).unwrap())),
        any::<String>().prop_map(Target::InstallationId),
        any::<String>().prop_map(Target::Topic),
        any::<String>().prop_map(Target::Condition),
    ];
    target.boxed()
}

/// What a caller wrote as JSON goes out as it is, and may hold an escape that is no character: not all of it can be
/// read as texts.
fn members(json: &[u8]) -> BTreeMap<String, &RawValue> {
    serde_json::from_slice(json).unwrap()
}

/// Keys and values of an object, counted from what was written.
fn counted(object: Option<&&RawValue>) -> usize {
    let object: serde_json::Value =
        object.map(|it| serde_json::from_str(it.get()).unwrap()).unwrap_or_default();
    let members = object.as_object().into_iter().flatten();
    members.map(|(key, value)| key.len() + value.as_str().unwrap_or_default().len()).sum()
}

proptest! {
    #[test]
    fn what_is_sent_names_one_target_and_stays_within_its_limit(
        body in strategies::body(), options in options(), target in target(), dry_run: bool, seconds: u32,
    ) {
        let mut body = body;
        body.content.fcm = options.map(Box::new);
        body.options.dry_run = dry_run;
        let Ok(payload) = fcm().encode(&body) else { return Ok(()) };
        let now = at(seconds.into());
        let Ok(message) = addressed(&fcm(), &body, &target, &payload, now) else { return Ok(()) };
        let json = members(message.request.body());
        prop_assert_eq!(json.contains_key("validate_only"), dry_run);
        let said = members(json["message"].get().as_bytes());
        let targets = ["token", "fid", "topic", "condition"];
        prop_assert_eq!(targets.iter().filter(|key| said.contains_key(**key)).count(), 1);
        let to_topics = said.contains_key("topic") || said.contains_key("condition");
        let limit = if to_topics { MAX_TOPIC_PAYLOAD_BYTES } else { MAX_PAYLOAD_BYTES };
        prop_assert!(counted(said.get("data")) + counted(said.get("notification")) <= limit);
    }

    #[test]
    fn classify_never_panics(
        status in 100u16..1000,
        live_activity_token: bool,
        wait in prop_oneof!["[0-9]{0,40}", "[ -~]{0,40}"],
        seconds: u32,
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..400),
            "[{\\[\"a-z:0-9,@\\]}]{0,60}".prop_map(String::into_bytes),
            (".{0,300}", ".{0,80}", any::<i64>(), ".{0,80}").prop_map(|(code, message, apns, name)| {
                let [code, message, name] = [code, message, name].map(|it| serde_json::to_string(&it).unwrap());
                format!(
                    r#"{{"name":{name},"error":{{"status":{code},"message":{message},"details":[
                    {{"@type":"x/google.firebase.fcm.v1.FcmError","errorCode":{code}}},
                    {{"@type":"x/google.firebase.fcm.v1.ApnsError","statusCode":{apns},"reason":{message}}}]}}}}"#
                ).into_bytes()
            }),
        ],
    ) {
        let reply = reply(status, &[("retry-after", &wait)], body);
        let context = ReplyContext { live_activity_token, ..ReplyContext::default() };
        let verdict = classify(&reply, context, at(seconds.into()));
        prop_assert!(verdict.upstream_reason.len() <= Verdict::MAX_REASON_BYTES);
        prop_assert!(verdict.upstream_id.len() <= Verdict::MAX_REASON_BYTES);
        prop_assert!(verdict.retry.wait().is_none_or(|wait| wait <= MAX_RETRY_AFTER));
        prop_assert!(verdict.retryable != (verdict.retry == Retry::Never));
        prop_assert_eq!(verdict.outcome == Outcome::Accepted, status == 200 && !verdict.upstream_id.is_empty());
        prop_assert!(verdict.outcome != Outcome::UpstreamUnavailable || verdict.retry.wait() >= Some(Duration::from_secs(10)));
    }
}
