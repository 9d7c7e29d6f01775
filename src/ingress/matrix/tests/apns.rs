//! What apps that used sygnal read of APNs.

use super::*;
use crate::push::Priority;

const ROOM: &str = "!room:example.org";
const EVENT: &str = "$event";

/// An event of alice in a room, with what is given beside or over it.
fn event(more: &Value) -> Value {
    let mut event = json!({
        "event_id": EVENT, "room_id": ROOM, "type": "m.room.message", "sender": "@alice:example.org",
        "sender_display_name": "Alice", "counts": {"unread": 2, "missed_calls": 1}, "prio": "high",
    });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event
}

fn said(more: &Value, data: &Value) -> Value {
    payload(&request(&event(more), TOKEN, data), apns())
}

#[test]
fn each_kind_of_event_has_its_key_and_its_arguments() {
    let text = |kind, body| json!({"msgtype": kind, "body": body});
    let (video, voice) =
        (json!({"offer": {"sdp": "v=0\r\nm=video 9"}}), json!({"offer": {"sdp": "m=audio"}}));
    let named = "Mission";
    for (more, key, arguments) in [
        (
            json!({"content": text("m.text", "hi"), "room_name": named}),
            "MSG_FROM_USER_IN_ROOM_WITH_CONTENT",
            json!(["Alice", named, "hi"]),
        ),
        (
            json!({"content": text("m.text", "hi"), "room_alias": "#m"}),
            "MSG_FROM_USER_IN_ROOM_WITH_CONTENT",
            json!(["Alice", "#m", "hi"]),
        ),
        (json!({"content": text("m.notice", "hi")}), "MSG_FROM_USER_WITH_CONTENT", json!(["Alice", "hi"])),
        (json!({"room_name": named}), "MSG_FROM_USER_IN_ROOM", json!(["Alice", named])),
        (
            json!({"type": "m.room.encrypted", "room_name": named}),
            "MSG_FROM_USER_IN_ROOM",
            json!(["Alice", named]),
        ),
        (json!({"type": "m.room.encrypted"}), "MSG_FROM_USER", json!(["Alice"])),
        (
            json!({"content": text("m.image", "cat.png"), "room_name": named}),
            "IMAGE_FROM_USER_IN_ROOM",
            json!(["Alice", "cat.png", named]),
        ),
        (json!({"content": text("m.image", "cat.png")}), "IMAGE_FROM_USER", json!(["Alice", "cat.png"])),
        (
            json!({"content": text("m.emote", "waves"), "room_name": named}),
            "ACTION_FROM_USER_IN_ROOM",
            json!([named, "Alice", "waves"]),
        ),
        (json!({"content": text("m.emote", "waves")}), "ACTION_FROM_USER", json!(["Alice", "waves"])),
        (json!({"type": "m.call.invite", "content": video}), "VIDEO_CALL_FROM_USER", json!(["Alice"])),
        (json!({"type": "m.call.invite", "content": voice}), "VOICE_CALL_FROM_USER", json!(["Alice"])),
        (
            json!({"type": "m.room.member", "user_is_target": true, "membership": "invite", "room_name": named}),
            "USER_INVITE_TO_NAMED_ROOM",
            json!(["Alice", named]),
        ),
        (
            json!({"type": "m.room.member", "user_is_target": true, "content": {"membership": "invite"}}),
            "USER_INVITE_TO_CHAT",
            json!(["Alice"]),
        ),
        (json!({"type": "org.example.own"}), "MSG_FROM_USER", json!(["Alice"])),
        (json!({"sender_display_name": null}), "MSG_FROM_USER", json!(["@alice:example.org"])),
        (json!({"sender_display_name": null, "sender": ""}), "MSG_FROM_USER", json!([" "])),
    ] {
        let told = said(&more, &json!({}));
        let aps = json!({"alert": {"loc-key": key, "loc-args": arguments}, "badge": 3});
        assert_eq!(told, json!({"aps": aps, "room_id": ROOM, "event_id": EVENT}), "{more}");
    }
}

#[test]
fn the_apps_own_payload_lies_below() {
    let own = json!({"aps": {"mutable-content": 1, "alert": {"title": "New", "loc-key": "X"}, "badge": 99}, "room_id": 5, "cs": {"a": [1, null]}});
    let told = said(&json!({}), &json!({"default_payload": own}));
    let alert = json!({"title": "New", "loc-key": "MSG_FROM_USER", "loc-args": ["Alice"]});
    let aps = json!({"mutable-content": 1, "alert": alert, "badge": 3});
    assert_eq!(told, json!({"aps": aps, "room_id": ROOM, "event_id": EVENT, "cs": {"a": [1, null]}}));
    // Whatever cannot hold the event gives way to it.
    let told = said(&json!({}), &json!({"default_payload": {"aps": {"alert": "text"}}}));
    assert_eq!(told["aps"]["alert"]["loc-key"], "MSG_FROM_USER");
    let told = said(&json!({}), &json!({"default_payload": {"aps": []}}));
    assert_eq!(told["aps"]["badge"], 3);
}

#[test]
fn an_event_alone_is_what_the_app_says_it_is() {
    let own = json!({"aps": {"mutable-content": 1, "alert": {"loc-key": "SINGLE_UNREAD", "loc-args": []}}});
    let alone = json!({"event_id": EVENT, "room_id": ROOM, "counts": {"unread": 2}, "prio": "high"});
    let request = request(&alone, TOKEN, &json!({"format": "event_id_only", "default_payload": own}));
    let mut expected = own;
    expected
        .as_object_mut()
        .unwrap()
        .extend(json!({"event_id": EVENT, "room_id": ROOM, "unread_count": 2}).as_object().unwrap().clone());
    assert_eq!(payload(&request, apns()), expected);
    let quiet = payload(&request, ApnsDialect { badge_counts: false, ..apns() });
    assert_eq!(quiet.get("unread_count"), None);
}

#[test]
fn a_badge_comes_without_what_the_app_shows_of_events() {
    let own = json!({"default_payload": {"aps": {"alert": {"loc-key": "SINGLE_UNREAD"}}}});
    let badge = json!({"counts": {"unread": 0}, "id": "", "type": null, "sender": ""});
    let request = request(&badge, TOKEN, &own);
    assert_eq!(payload(&request, apns()), json!({"aps": {"badge": 0}}));
    let nothing = drafted(&request, ApnsDialect { badge_counts: false, ..apns() });
    assert!(matches!(nothing, Err(Fate::NothingToSay)));
}

#[test]
fn neither_an_alert_nor_a_badge_sends_nothing() {
    for more in [
        json!({"type": "m.room.member", "counts": {}}),
        json!({"type": null, "event_id": "", "counts": null}),
    ] {
        let request = request(&event(&more), TOKEN, &json!({}));
        assert!(matches!(drafted(&request, apns()), Err(Fate::NothingToSay)), "{more}");
    }
}

#[test]
fn priority_follows_from_prio_and_from_what_there_is_to_show() {
    let priority = |more: &Value, data: &Value, push_type: &str| {
        let dialect = ApnsDialect { push_type: push_type.to_owned(), ..apns() };
        let said = body(drafted(&request(&event(more), TOKEN, data), dialect).unwrap());
        assert_eq!(said.content.apns.unwrap().push_type, push_type);
        said.options.priority.unwrap()
    };
    let nothing = json!({});
    assert_eq!(priority(&nothing, &nothing, ""), Priority::High);
    assert_eq!(priority(&json!({"prio": "low"}), &nothing, ""), Priority::Normal);
    assert_eq!(priority(&json!({"prio": null}), &nothing, ""), Priority::High);
    assert_eq!(priority(&nothing, &nothing, "background"), Priority::Normal);
    let silent = json!({"type": null});
    assert_eq!(priority(&silent, &nothing, ""), Priority::Normal, "a background push has priority 5");
    assert_eq!(priority(&silent, &json!({"default_payload": {"aps": {"alert": "New"}}}), ""), Priority::High);
    assert_eq!(priority(&silent, &nothing, "voip"), Priority::High);
}

#[test]
fn long_texts_are_shortened_by_whole_characters_until_apns_takes_them() {
    let bytes = |more: &Value, data: &Value| {
        let body = body(drafted(&request(&event(more), TOKEN, data), apns()).unwrap());
        body.content.apns.unwrap().payload_json
    };
    for c in ["a", "ä", "🙂", "\"", "\u{1}"] {
        let long =
            json!({"room_name": "Mission", "content": {"msgtype": "m.text", "body": c.repeat(20_000)}});
        let json = bytes(&long, &json!({}));
        assert!(json.len() <= 4096 && json.len() > 4080, "{c:?}: {}", json.len());
        let told: Value = serde_json::from_str(&json).unwrap();
        let arguments = told["aps"]["alert"]["loc-args"].as_array().unwrap();
        assert_eq!((&arguments[0], &arguments[1]), (&json!("Alice"), &json!("Mission")));
        assert!(c.repeat(20_000).starts_with(arguments[2].as_str().unwrap()));
    }
    let names = json!({"sender_display_name": "x".repeat(5000), "room_name": "y".repeat(5000)});
    let told: Value = serde_json::from_str(&bytes(&names, &json!({}))).unwrap();
    assert_eq!(told["aps"]["alert"]["loc-args"][0].as_str().unwrap().len(), 1024);
    let own = json!({"default_payload": {"aps": {"alert": "n".repeat(9000)}}});
    let json = bytes(&json!({"type": null}), &own);
    assert_eq!(json.len(), 4096);
    // What the app itself wants to find is not cut, so this one is refused as too large.
    let own = json!({"default_payload": {"own": "n".repeat(9000)}});
    assert!(bytes(&json!({}), &own).len() > 9000);
}
