//! Which requests are understood, and what the others are answered.

use super::*;
use crate::ingress::matrix::answer::Told;
use crate::ingress::matrix::settings::MAX_DEVICES;

fn refused(body: &str) -> (u16, &'static str, String) {
    let Err(bad) = Notification::read(body.as_bytes()) else { panic!("{body}") };
    let Told::Error(status, errcode, error) = bad.told() else { panic!("{body}") };
    (status.as_u16(), errcode, error)
}

#[test]
fn a_request_that_cannot_be_understood_is_told_why() {
    for (body, status, errcode, error) in [
        ("", 400, "M_NOT_JSON", "EOF"),
        ("{", 400, "M_NOT_JSON", "EOF"),
        ("{} {}", 400, "M_NOT_JSON", "trailing"),
        ("[]", 400, "M_BAD_JSON", "invalid type: sequence, expected an object at line 1 column 0"),
        ("null", 400, "M_BAD_JSON", "invalid type: null, expected an object at line 1 column 4"),
        ("\"a\"", 400, "M_BAD_JSON", "invalid type: string"),
        ("{}", 400, "M_MISSING_PARAM", "expected notification"),
        (r#"{"notification":null}"#, 400, "M_MISSING_PARAM", "expected notification"),
        (r#"{"notification":5}"#, 400, "M_BAD_JSON", "notification: invalid type: integer"),
        (r#"{"notification":[[{"app_id":"a","pushkey":"k"}]]}"#, 400, "M_BAD_JSON", "expected an object"),
        (
            r#"{"notification":{"devices":[["a","k"]]}}"#,
            400,
            "M_BAD_JSON",
            "devices[0]: invalid type: sequence",
        ),
        (r#"{"notification":{}}"#, 400, "M_MISSING_PARAM", "notification.devices"),
        (r#"{"notification":{"devices":{}}}"#, 400, "M_BAD_JSON", "notification.devices: invalid type: map"),
        (r#"{"notification":{"devices":[]}}"#, 400, "M_BAD_JSON", "found none"),
        (r#"{"notification":{"devices":[{"pushkey":"k"}]}}"#, 400, "M_MISSING_PARAM", "app_id"),
        (r#"{"notification":{"devices":[{"app_id":"a"}]}}"#, 400, "M_MISSING_PARAM", "pushkey"),
        (
            r#"{"notification":{"devices":[{"app_id":7,"pushkey":"k"}]}}"#,
            400,
            "M_BAD_JSON",
            "notification.devices[0].app_id: invalid type: integer",
        ),
    ] {
        let told = refused(body);
        assert_eq!((told.0, told.1), (status, errcode), "{body}: {}", told.2);
        assert!(told.2.contains(error), "{body}: {}", told.2);
    }
    let devices = vec![json!({"app_id": "a", "pushkey": "k"}); MAX_DEVICES + 1];
    let told = refused(&json!({"notification": {"devices": devices}}).to_string());
    assert_eq!((told.0, told.1), (413, "M_TOO_LARGE"));
}

/// A request that is refused is repeated for a day, and the pushes of its user wait behind it. Whoever is in a room writes the
/// content of its events.
#[test]
fn whatever_an_event_says_its_request_is_understood() {
    let (digits, depth) = ("9".repeat(400), "[".repeat(200) + &"]".repeat(200));
    for odd in [&*digits, "1e999", &depth, r#""\ud800""#, r#"{"a":"\udc00\ud800"}"#] {
        let content = format!(r#"{{"body":"Hi","msgtype":"m.text","odd":{odd}}}"#);
        let device =
            format!(r#"{{"app_id":"a","pushkey":"k","data":{{"odd":{odd},"format":"event_id_only"}}}}"#);
        let body = format!(
            r#"{{"notification":{{"event_id":"$1","sender":{odd},"user_is_target":{odd},"counts":{odd},"content":{content},"devices":[{device}]}}}}"#
        );
        let (notification, devices) = Notification::read(body.as_bytes()).unwrap();
        assert_eq!((notification.event(), notification.sender.as_deref()), (Some("$1"), None), "{odd}");
        assert_eq!(notification.content.as_ref().unwrap()["body"], "Hi", "{odd}");
        assert_eq!(devices[0].text("format"), Some("event_id_only"), "{odd}");
    }
}

#[test]
fn no_refusal_repeats_a_pushkey() {
    for found in [r#"["secret"]"#, r#"{"secret":"secret"}"#] {
        let told =
            refused(&format!(r#"{{"notification":{{"devices":[{{"app_id":"a","pushkey":{found}}}]}}}}"#));
        assert!(!told.2.contains("secret"), "{}", told.2);
    }
    let told = refused(r#"{"notification":{"devices":["secret \" key"]}}"#);
    assert_eq!(
        told.2,
        "notification.devices[0]: invalid type: string …, expected an object at line 1 column 43"
    );
}

#[test]
fn whatever_has_another_type_than_expected_is_absent() {
    let body = br#"{"notification":{"type":null,"sender":"","id":"","room_id":7,"prio":[],"content":"x",
        "user_is_target":"yes","counts":{"unread":-1,"missed_calls":"2"},"unknown":{"a":[1]},
        "devices":[{"app_id":"a","pushkey":"k","data":[],"tweaks":{"sound":null},"pushkey_ts":1.5}]}}"#;
    let (notification, devices) = Notification::read(body).unwrap();
    assert_eq!(notification.event_type(), None);
    assert_eq!((notification.event(), notification.room_id.as_deref()), (None, None));
    assert_eq!(notification.counts.badge(), None);
    assert!(!notification.user_is_target && notification.content.is_none() && !notification.is_low());
    assert!(devices[0].data.is_empty());
    for counts in [r#"null"#, r#"5"#, r#"[]"#] {
        let body =
            format!(r#"{{"notification":{{"counts":{counts},"devices":[{{"app_id":"a","pushkey":"k"}}]}}}}"#);
        assert_eq!(Notification::read(body.as_bytes()).unwrap().0.counts.badge(), None);
    }
}

#[test]
fn the_same_event_to_the_same_device_has_the_same_id_and_no_other_has() {
    let event = |event: &str, pushkey: &str| {
        let request = request(&json!({"event_id": event, "room_id": "!r"}), pushkey, &json!({}));
        drafted(&request, fcm()).unwrap()
    };
    let first = event("$1", "key");
    assert_eq!(first.id, event("$1", "key").id);
    assert!(first.id != event("$2", "key").id && first.id != event("$1", "other").id);
    assert!(first.id.len() <= 128 && first.id.is_ascii());
    assert!(body(first).options.once);
    let badge = request(&json!({"counts": {"unread": 2}, "id": "", "event_id": ""}), "key", &json!({}));
    let badge = drafted(&badge, fcm()).unwrap();
    assert_eq!(badge.id, "");
    assert!(!body(badge).options.once, "two updates of a badge are two pushes");
}
