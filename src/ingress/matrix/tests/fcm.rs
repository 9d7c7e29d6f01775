//! What apps that used sygnal read of FCM.

use super::*;
use crate::push::Priority;

fn message(notification: &Value, data: &Value, dialect: FcmDialect) -> Value {
    let body = body(drafted(&request(notification, "token", data), dialect).unwrap());
    serde_json::from_str(&body.content.fcm.unwrap().message_json).unwrap()
}

fn event() -> Value {
    json!({
        "event_id": "$event", "room_id": "!room", "type": "m.room.message", "sender": "@alice:example.org",
        "sender_display_name": "Alice", "room_name": "Mission", "room_alias": "#mission", "prio": "high",
        "content": {"msgtype": "m.text", "body": "hi", "format": null, "n": 5, "m.relates_to": {}},
        "counts": {"unread": 2, "missed_calls": 1}, "user_is_target": true,
    })
}

#[test]
fn an_event_is_data_of_texts() {
    let own =
        json!({"default_payload": {"cs": "s3cret", "number": 5, "list": [1], "none": null, "type": "own"}});
    let data = json!({
        "cs": "s3cret", "number": "5", "list": "[1]", "event_id": "$event", "room_id": "!room",
        "type": "m.room.message", "sender": "@alice:example.org", "sender_display_name": "Alice",
        "room_name": "Mission", "room_alias": "#mission", "content_msgtype": "m.text", "content_body": "hi",
        "prio": "high", "unread": "2", "missed_calls": "1",
    });
    assert_eq!(message(&event(), &own, fcm()), json!({"data": data, "android": {"priority": "high"}}));
}

#[test]
fn options_of_the_operator_lie_below() {
    let options = json!({
        "android": {"ttl": "60s", "priority": "normal"},
        "apns": {"payload": {"aps": {"content-available": 1}}}, "data": {"gone": "x"},
    });
    let dialect = FcmDialect { options: options.as_object().unwrap().clone(), badge_counts: false };
    let told = message(&event(), &json!({}), dialect);
    assert_eq!(told["android"], json!({"ttl": "60s", "priority": "high"}));
    assert_eq!(told["apns"], options["apns"]);
    assert_eq!((told["data"].get("gone"), told["data"].get("unread")), (None, None));
}

#[test]
fn low_is_normal_at_fcm() {
    let mut low = event();
    low["prio"] = "low".into();
    let told = message(&low, &json!({}), fcm());
    assert_eq!((&told["android"]["priority"], &told["data"]["prio"]), (&json!("normal"), &json!("normal")));
    let body = body(drafted(&request(&low, "token", &json!({})), fcm()).unwrap());
    assert_eq!((body.options.priority, body.options.collapse_key.as_str()), (Some(Priority::Normal), ""));
}

#[test]
fn a_number_alone_is_said_unless_it_is_zero() {
    let badge = |unread: u32| json!({"counts": {"unread": unread}, "id": "", "sender": "", "type": null});
    let told = message(&badge(3), &json!({"default_payload": {"cs": "s3cret"}}), fcm());
    assert_eq!(told["data"], json!({"cs": "s3cret", "prio": "high", "sender": "", "unread": "3"}));
    for (unread, badge_counts) in [(0, true), (3, false)] {
        let draft =
            drafted(&request(&badge(unread), "token", &json!({})), FcmDialect { badge_counts, ..fcm() });
        assert!(matches!(draft, Err(Fate::NothingToSay)));
    }
}

#[test]
fn long_texts_are_shortened_until_fcm_takes_them_and_ids_stay_whole() {
    let long = |length: usize| {
        let mut event = event();
        event["content"] = json!({"body": "ä".repeat(length), "formatted_body": "b".repeat(length), "c": "c".repeat(length), "d": "d".repeat(length)});
        event["room_name"] = "r".repeat(length).into();
        event
    };
    let told = message(&long(600), &json!({}), fcm());
    assert_eq!(
        told["data"]["content_body"].as_str().unwrap().len(),
        1023,
        "1024 bytes with …, between characters"
    );
    let told = message(&long(3000), &json!({}), fcm());
    let data = told["data"].as_object().unwrap();
    let bytes: usize = data.iter().map(|(key, value)| key.len() + value.as_str().unwrap().len()).sum();
    assert!(bytes <= 4096 && bytes > 4080, "{bytes}");
    assert_eq!((&data["event_id"], &data["sender_display_name"]), (&json!("$event"), &json!("Alice")));
}
