//! What is refused before it is sent.

use super::*;
use crate::provider::fcm::limits::MAX_PROJECT_ID_BYTES;

#[test]
fn a_project_id_stands_in_the_path() {
    for good in ["shop-1", "123456789", "example.com:shop", &"x".repeat(MAX_PROJECT_ID_BYTES)] {
        let fcm = Fcm::try_new(&FcmSettings { project_id: good.into() }).unwrap();
        let body = body(alert());
        let payload = fcm.encode(&body).unwrap();
        let message = addressed(&fcm, &body, &token(), &payload, at(ACCEPTED_AT)).unwrap();
        assert_eq!(message.request.path(), format!("/v1/projects/{good}/messages:send"));
    }
    for bad in ["", "a/b", "Shop", "a b", "ü", &"x".repeat(129)] {
        assert!(Fcm::try_new(&FcmSettings { project_id: bad.into() }).is_err(), "{bad}");
    }
}

#[test]
fn keys_that_fcm_uses_itself_are_refused_by_name() {
    for key in ["from", "message_type", "google.", "google.x", "gcm.", "gcm.notification.e"] {
        let field = format!("content.data[{key:?}]");
        assert_eq!(refused(data(&[(key, "1")])), (Reason::FieldInvalid, field), "{key}");
        let message = format!(r#"{{"data":{{"{key}":"1"}}}}"#);
        assert_eq!(
            refused(raw(&message)),
            (Reason::FieldInvalid, "content.fcm.message_json".into()),
            "{key}"
        );
        let refusal = sent(&body(data(&[(key, "1")])), &token()).unwrap_err();
        assert!(refusal.detail.contains(&format!("{key:?}")), "{refusal:?}");
    }
    assert!(
        sent(
            &body(data(&[
                ("From", "1"),
                ("googly", "1"),
                ("notification", "1"),
                ("agcm", "1"),
                ("google_place_id", "1"),
                ("googleEventId", "1"),
                ("gcmSenderId", "1"),
                ("googlemaps", "1")
            ])),
            &token()
        )
        .is_ok()
    );
}

#[test]
fn a_raw_message_names_no_target() {
    let field = || "content.fcm.message_json".to_owned();
    for key in ["token", "fid", "topic", "condition", "\\u0074oken"] {
        let message = format!(r#"{{"{key}":"x","data":{{}}}}"#);
        assert_eq!(refused(raw(&message)), (Reason::RawBodyInvalid, field()), "{key}");
    }
    for bad in
        ["[]", "7", "{", "{}{}", "x", r#"{"data":[]}"#, r#"{"data":{"a":1}}"#, r#"{"notification":"hi"}"#]
    {
        let refusal = sent(&body(raw(bad)), &token()).unwrap_err();
        assert_eq!((refusal.reason, &*refusal.field), (Reason::RawBodyInvalid, &*field()), "{bad}");
    }
}

#[test]
fn keys_and_values_count_and_topics_take_half() {
    let fits = |content: Content, target: &Target| match sent(&body(content), target) {
        Ok(_) => true,
        Err(refusal) => {
            assert_eq!(
                (refusal.outcome, refusal.reason),
                (Outcome::PayloadTooLarge, Reason::PayloadOverLimit)
            );
            assert!(refusal.detail.contains("expected at most") && refusal.detail.contains("found"));
            false
        }
    };
    // One byte of key, two of each letter; escapes of JSON do not count.
    let plain = |bytes: usize| data(&[("k", &"\"".repeat(bytes - 1))]);
    let accents = |bytes: usize| data(&[("kk", &"é".repeat((bytes - 2) / 2))]);
    let by_hand = |bytes: usize| raw(&format!(r#"{{"data":{{"k":"{}"}}}}"#, "x".repeat(bytes - 1)));
    let shown = |bytes: usize| {
        let notification = Notification { body: "x".repeat(bytes - "body".len()), ..Notification::default() };
        Content { notification: Some(notification), ..Content::default() }
    };
    let condition = Target::Condition("'a' in topics".into());
    for (target, limit) in [(token(), 4096), (topic(), 2048), (condition, 2048)] {
        assert!(fits(plain(limit), &target) && !fits(plain(limit + 1), &target));
        assert!(fits(accents(limit), &target) && !fits(accents(limit + 2), &target));
        assert!(fits(by_hand(limit), &target) && !fits(by_hand(limit + 1), &target));
        assert!(fits(shown(limit), &target) && !fits(shown(limit + 1), &target));
    }
    // A multicast is encoded once, and each target says what it takes.
    let body = body(plain(3000));
    let payload = fcm().encode(&body).unwrap();
    assert!(addressed(&fcm(), &body, &token(), &payload, at(0)).is_ok());
    assert_eq!(
        addressed(&fcm(), &body, &topic(), &payload, at(0)).unwrap_err().outcome,
        Outcome::PayloadTooLarge
    );
}

#[test]
fn options_are_what_fcm_says_of_them() {
    let with = |fcm| Content { fcm: Some(fcm), ..alert() };
    for color in ["red", "#12345", "#1234567", "#gggggg", "#12345é", "123456"] {
        let options = FcmContent { color: color.into(), ..FcmContent::default() };
        assert_eq!(
            refused(with(Box::new(options))),
            (Reason::FieldInvalid, "content.fcm.color".into()),
            "{color}"
        );
    }
    let label = |label: &str| FcmContent { analytics_label: label.into(), ..FcmContent::default() };
    let field = || "content.fcm.analytics_label".to_owned();
    assert!(sent(&body(with(Box::new(label(&"x".repeat(50))))), &token()).is_ok());
    assert_eq!(refused(with(Box::new(label(&"x".repeat(51))))), (Reason::FieldTooLarge, field()));
    assert_eq!(refused(with(Box::new(label("a b")))), (Reason::FieldInvalid, field()));
}

#[test]
fn something_must_be_for_fcm() {
    let nothing = (Reason::FieldRequired, "content".to_owned());
    assert_eq!(refused(Content::default()), nothing);
    assert_eq!(refused(typed(FcmContent { tag: "t".into(), ..FcmContent::default() })), nothing);
    let silent = FcmContent { channel_id: "c".into(), ..FcmContent::default() };
    let content = Content { fcm: Some(Box::new(silent)), ..data(&[("a", "1")]) };
    assert_eq!(refused(content), (Reason::FieldsConflict, "content.fcm.channel_id".into()));
    let no_activity = typed(FcmContent { live_activity_token: "act".into(), ..FcmContent::default() });
    assert_eq!(refused(no_activity), (Reason::FieldRequired, "content.apns.live_activity".into()));
    let mut too_large = live();
    too_large.apns.as_mut().unwrap().live_activity.as_mut().unwrap().content_state_json =
        format!(r#"{{"a":"{}"}}"#, "x".repeat(apns::MAX_PAYLOAD_BYTES));
    assert_eq!(refused(too_large), (Reason::PayloadOverLimit, "content".into()));
}
