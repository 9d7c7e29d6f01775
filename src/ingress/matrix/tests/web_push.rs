//! What web apps that used sygnal read.

use super::*;
use crate::push::WebPushUrgency;

fn said(notification: &Value, data: &Value) -> Body {
    body(drafted(&request(notification, "key", data), web_push()).unwrap())
}

fn payload(body: &Body) -> Value {
    let payload = body.content.web_push.as_ref().unwrap().payload.as_ref().unwrap();
    serde_json::from_slice(payload).unwrap()
}

fn event() -> Value {
    json!({
        "event_id": "$event", "room_id": "!room:example.org", "type": "m.room.message", "sender": "@alice:example.org",
        "sender_display_name": "Alice", "room_name": "", "user_is_target": true, "membership": "invite",
        "content": {"msgtype": "m.text", "body": "hi", "formatted_body": "<b>hi</b>", "n": 5},
        "counts": {"unread": 2, "missed_calls": 0}, "prio": "low",
    })
}

#[test]
fn a_browser_reads_the_event_with_flat_counts() {
    let told = said(&event(), &json!({"default_payload": {"account": "a", "type": "own"}}));
    assert_eq!(
        payload(&told),
        json!({
            "account": "a", "event_id": "$event", "room_id": "!room:example.org", "type": "m.room.message",
            "sender": "@alice:example.org", "sender_display_name": "Alice", "user_is_target": true,
            "membership": "invite", "content": {"msgtype": "m.text", "body": "hi", "n": 5},
            "unread": 2, "missed_calls": 0,
        })
    );
    assert_eq!(told.content.web_push.unwrap().urgency, Some(WebPushUrgency::Low));
    assert_eq!(told.options.collapse_key, "");
    // A payload that is no object is ignored here, as sygnal ignores it.
    let told = said(&event(), &json!({"default_payload": 5}));
    assert_eq!(payload(&told)["event_id"], "$event");
}

#[test]
fn a_browser_may_ask_for_events_alone_and_for_the_last_of_each_room() {
    let told = said(&event(), &json!({"only_last_per_room": true, "events_only": true}));
    assert_eq!(told.options.collapse_key, "!room:example.org");
    let badge = json!({"counts": {"unread": 0}, "id": "", "sender": "", "type": null});
    assert_eq!(payload(&said(&badge, &json!({}))), json!({"unread": 0}));
    for (notification, data) in [(badge, json!({"events_only": true})), (json!({"counts": {}}), json!({}))] {
        let draft = drafted(&request(&notification, "key", &data), web_push());
        assert!(matches!(draft, Err(Fate::NothingToSay)));
    }
}

#[test]
fn what_is_too_long_for_a_browser_is_shortened() {
    let mut long = event();
    long["content"] = json!({"body": "🙂".repeat(5000), "ciphertext": "c".repeat(2001), "short": "s"});
    let told = payload(&said(&long, &json!({})));
    let content = told["content"].as_object().unwrap();
    assert_eq!((content.get("ciphertext"), &content["short"]), (None, &json!("s")));
    assert!(content["body"].as_str().unwrap().starts_with('🙂'));
    let bytes = said(&long, &json!({})).content.web_push.unwrap().payload.unwrap().len();
    assert!(bytes <= 3993 && bytes > 3980, "{bytes}");
    long["content"] = json!({"body": "a".repeat(5000)});
    let told = payload(&said(&long, &json!({})));
    let body = told["content"]["body"].as_str().unwrap();
    assert_eq!((body.chars().count(), body.ends_with('…')), (1000, true));
}
