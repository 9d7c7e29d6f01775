//! What fits into APNs and FCM, and what was not recorded.

use std::borrow::Cow;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::ingress::mattermost::kind::Kind;
use crate::ingress::mattermost::request::PushNotification;
use crate::ingress::mattermost::{apns, checks, emoji, fcm};

fn message(message: impl Into<Cow<'static, str>>) -> PushNotification<'static> {
    PushNotification {
        ack_id: "a".repeat(26).into(),
        platform: "apple_rn".into(),
        server_id: "srv".into(),
        device_id: "ab".into(),
        r#type: "message".into(),
        version: "v2".into(),
        message: message.into(),
        ..PushNotification::default()
    }
}

fn to_apns(notification: &PushNotification<'_>) -> (usize, Value) {
    let json = apns::payload(notification, Kind::of(notification), 2).json;
    (json.len(), serde_json::from_str(&json).unwrap())
}

/// The bytes that FCM counts, and the message.
fn to_fcm(notification: &PushNotification<'_>) -> (usize, Value) {
    let said: Value = serde_json::from_str(&fcm::message(notification, Kind::of(notification))).unwrap();
    let data = said["data"].as_object().unwrap();
    let counted = data.iter().map(|(key, value)| key.len() + value.as_str().unwrap().len()).sum();
    (counted, said)
}

/// The real proxy writes such messages six times as long, and both push services refuse them: nothing arrives.
#[test]
fn a_pasted_log_or_markup_arrives() {
    for text in ["<", "&", "\"", "\\", "\n", "\u{1}", "ü", "😄"] {
        let notification = message(text.repeat(2047 / text.len()));
        let (bytes, said) = to_apns(&notification);
        assert!(bytes <= 4096, "{text:?}: {bytes}");
        let shown = said["aps"]["alert"].as_str().unwrap();
        assert!(notification.message.starts_with(shown) && shown.len() > 500, "{text:?}: {}", shown.len());
        let (counted, said) = to_fcm(&notification);
        assert!(counted <= 4096, "{text:?}: {counted}");
        assert_eq!(said["data"]["message"], *notification.message, "FCM counts it unescaped");
    }
}

#[test]
fn what_else_is_long_leaves_less_for_the_message() {
    let notification =
        PushNotification { override_icon_url: "u".repeat(3000).into(), ..message("m".repeat(2000)) };
    let ((bytes, apns), (counted, fcm)) = (to_apns(&notification), to_fcm(&notification));
    assert_eq!((bytes, counted), (4096, 4096), "they are used whole");
    for shown in [&apns["aps"]["alert"], &fcm["data"]["message"]] {
        assert!((500..1000).contains(&shown.as_str().unwrap().len()), "{shown}");
    }
    // What does not fit without a message either is left for the desk to refuse.
    let notification = PushNotification { override_icon_url: "u".repeat(5000).into(), ..notification };
    assert_eq!(to_apns(&notification).1["aps"]["alert"], "");
    assert_eq!(to_fcm(&notification).1["data"]["message"], "");
}

#[test]
fn a_channel_has_a_title_only_in_the_second_version() {
    let named = PushNotification { channel_name: "Town".into(), ..message("hi") };
    assert_eq!(to_apns(&named).1["aps"]["alert"], serde_json::json!({ "title": "Town", "body": "hi" }));
    let first = PushNotification { version: "".into(), ..named };
    let said = to_apns(&first).1;
    assert_eq!((&said["aps"]["alert"], &said["channel_name"]), (&"hi".into(), &"Town".into()));
}

#[test]
fn a_badge_below_nothing_is_kept_and_any_other_is_said() {
    for (badge, kind, version, expected) in [
        (-1, "clear", 2, None),
        (0, "clear", 2, Some(1)),
        (0, "clear", 1, Some(0)),
        (4, "clear", 2, Some(4)),
        (0, "update_badge", 2, Some(0)),
        (-2, "message", 2, Some(-2)),
    ] {
        let notification = PushNotification { badge, r#type: kind.into(), ..message("") };
        let json = apns::payload(&notification, Kind::of(&notification), version).json;
        let said: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(said["aps"]["badge"].as_i64(), expected, "{badge} {kind} {version}");
    }
}

/// The members and their order are those of `PushNotification` in server/public v0.4.2.
#[test]
fn what_a_server_sends_is_read_in_the_plain_way() {
    let body = r#"{"ack_id":"a","platform":"apple_rn-v2","server_id":"s","device_id":"d","post_id":"p","category":"CAN_REPLY","message":"hi","badge":1,"team_id":"t","channel_id":"c","channel_name":"Town Square","type":"message","transport":"","sender_id":"u","sender_name":"ann","version":"v2","is_crt_enabled":false,"is_id_loaded":false,"signature":"x"}"#;
    let mut read = PushNotification::default();
    checks::notification(body, &mut read).unwrap();
    assert!(read.is_plain && read.badge == 1 && read.signature == "x", "{read:?}");
}

proptest! {
    #[test]
    fn what_was_read_in_either_way_is_said_as_it_was(text in "(\\PC|[\"\\\\\n\u{1}é]){1,60}", spaces in " ?") {
        let json = serde_json::to_string(&text).unwrap();
        let body = format!(
            r#"{{"server_id":"s","device_id":"d","post_id":{json},{spaces}"message":{json},"type":"message"}}"#
        );
        let mut read = PushNotification::default();
        checks::notification(&body, &mut read).unwrap();
        prop_assert_eq!(read.is_plain, spaces.is_empty() && !json.contains('\\'));
        let said = to_apns(&read).1;
        prop_assert_eq!((&said["aps"]["alert"], &said["post_id"]), (&json!(emoji::expand(&text)), &json!(text)));
    }

    #[test]
    fn every_message_fits(text in "(\\PC|[\"<\\n\u{1}😄]){0,2000}", voip: bool, id_loaded: bool) {
        let notification = PushNotification {
            transport: if voip { "voip".into() } else { "".into() },
            is_id_loaded: id_loaded,
            channel_name: text.clone().into(),
            ..message(text)
        };
        prop_assert!(to_apns(&notification).0 <= 4096);
        prop_assert!(to_fcm(&notification).0 <= 4096);
    }
}
