//! What bodies become, and that nothing makes encoding or classifying panic.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::provider::{Heal, Message, Reply, Retry};
use crate::push::{
    ApnsChannel, ApnsContent, ApnsDevice, AppId, Body, Content, CriticalSound, DeviceToken, Expiry,
    InterruptionLevel, LiveActivity, LiveActivityEvent, LocalizedText, Notification, Options, Outcome,
    Priority, PushId, Reason, Refusal,
};

const ACCEPTED_AT: u64 = 1_790_000_000;

fn apns() -> Apns {
    Apns::try_new(ApnsSettings {
        environment: ApnsEnvironment::Production,
        topics: vec!["com.example.app".into(), "com.example.other".into()],
        certificate: false,
        unknown_push_types: false,
    })
    .unwrap()
}

fn device() -> Target {
    Target::Apns(ApnsDevice {
        token: DeviceToken::parse("ab12".into()).unwrap(),
        environment: None,
        topic: None,
    })
}

fn channel() -> Target {
    Target::ApnsChannel(ApnsChannel { channel_id: "Y2g=".into(), environment: None, topic: None })
}

fn body(content: Content, options: Options) -> Body {
    let accepted_at = SystemTime::UNIX_EPOCH + Duration::from_secs(ACCEPTED_AT);
    Body { app: AppId::parse("shop").unwrap(), content, options, accepted_at }
}

fn message(apns: &Apns, body: &Body, target: &Target) -> Result<Message, Refusal> {
    let payload = apns.encode(body, target)?;
    apns.address(&payload, body, &PushId::parse("order-17".into()).unwrap(), target)
}

/// The payload and headers of a body, one header a line.
fn said(content: Content, options: Options) -> String {
    let body = Arc::new(body(content, options));
    show(&message(&apns(), &body, &device()).unwrap())
}

fn show(message: &Message) -> String {
    let mut lines = vec![message.path.to_string()];
    lines.extend(message.headers.iter().map(|(name, value)| {
        let shown = if value.is_sensitive() { " (sensitive)" } else { "" };
        format!("{name}: {}{shown}", String::from_utf8_lossy(value.as_bytes()))
    }));
    lines.push(String::from_utf8(message.body.to_vec()).unwrap());
    lines.join("\n")
}

fn alert() -> Notification {
    Notification { title: "Hello".into(), body: "World".into(), ..Notification::default() }
}

#[test]
fn a_full_notification() {
    let notification = Notification {
        title: "Title".into(),
        subtitle: "Subtitle".into(),
        body: "Body \"quoted\" \u{1f514}".into(),
        image: "https://example.com/a.png".into(),
        sound: "chime".into(),
        badge: Some(0),
        category: "REPLY".into(),
        thread: "t1".into(),
        ..Notification::default()
    };
    let content = Content {
        notification: Some(notification),
        data: [("k".to_owned(), "v".to_owned())].into(),
        apns: Some(ApnsContent {
            content_available: true,
            interruption_level: Some(InterruptionLevel::TimeSensitive),
            relevance_score: Some(0.5),
            target_content_id: "w".into(),
            filter_criteria: "f".into(),
            ..ApnsContent::default()
        }),
        ..Content::default()
    };
    let options = Options {
        priority: Some(Priority::Normal),
        expiry: Expiry::At(SystemTime::UNIX_EPOCH + Duration::from_millis(1_800_000_000_999)),
        collapse_key: "news".into(),
        ..Options::default()
    };
    insta::assert_snapshot!(said(content, options), @r#"
    /3/device/ab12
    content-type: application/json
    apns-push-type: alert
    apns-priority: 5
    apns-expiration: 1800000000 (sensitive)
    apns-collapse-id: news (sensitive)
    apns-topic: com.example.app
    apns-id: e8363a91-fc1b-501d-849d-4af301098609 (sensitive)
    {"aps":{"alert":{"title":"Title","subtitle":"Subtitle","body":"Body \"quoted\" 🔔"},"badge":0,"sound":"chime","thread-id":"t1","category":"REPLY","content-available":1,"mutable-content":1,"target-content-id":"w","interruption-level":"time-sensitive","relevance-score":0.5,"filter-criteria":"f"},"image":"https://example.com/a.png","k":"v"}
    "#);
}

#[test]
fn localised_texts_replace_plain_ones() {
    let text = |key: &str| Some(LocalizedText { key: key.into(), arguments: vec!["a".into()] });
    let notification = Notification {
        title: "plain".into(),
        title_localized: text("T"),
        subtitle_localized: text("S"),
        body_localized: text("B"),
        ..Notification::default()
    };
    let content = Content { notification: Some(notification), ..Content::default() };
    insta::assert_snapshot!(said(content, Options::default()), @r#"
    /3/device/ab12
    content-type: application/json
    apns-push-type: alert
    apns-priority: 10
    apns-topic: com.example.app
    apns-id: e8363a91-fc1b-501d-849d-4af301098609 (sensitive)
    {"aps":{"alert":{"title-loc-key":"T","title-loc-args":["a"],"subtitle-loc-key":"S","subtitle-loc-args":["a"],"loc-key":"B","loc-args":["a"]}}}
    "#);
}

#[test]
fn data_alone_is_a_background_push() {
    let content = Content { data: [("k".to_owned(), "v".to_owned())].into(), ..Content::default() };
    let options = Options { expiry: Expiry::NoStore, ..Options::default() };
    insta::assert_snapshot!(said(content, options), @r#"
    /3/device/ab12
    content-type: application/json
    apns-push-type: background
    apns-priority: 5
    apns-expiration: 0 (sensitive)
    apns-topic: com.example.app
    apns-id: e8363a91-fc1b-501d-849d-4af301098609 (sensitive)
    {"aps":{"content-available":1},"k":"v"}
    "#);
}

#[test]
fn a_live_activity_starts() {
    let activity = LiveActivity {
        event: LiveActivityEvent::Start,
        timestamp: None,
        content_state_json: r#"{"score": "2:1"}"#.into(),
        stale_at: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)),
        dismiss_at: None,
        attributes_type: "Match".into(),
        attributes_json: r#"{"home":"A"}"#.into(),
        input_push_token: true,
        input_push_channel: String::new(),
    };
    let apns = ApnsContent { live_activity: Some(activity), ..ApnsContent::default() };
    let content = Content { notification: Some(alert()), apns: Some(apns), ..Content::default() };
    insta::assert_snapshot!(said(content, Options::default()), @r#"
    /3/device/ab12
    content-type: application/json
    apns-push-type: liveactivity
    apns-priority: 10
    apns-topic: com.example.app.push-type.liveactivity
    apns-id: e8363a91-fc1b-501d-849d-4af301098609 (sensitive)
    {"aps":{"alert":{"title":"Hello","body":"World"},"timestamp":1790000000,"event":"start","content-state":{"score": "2:1"},"stale-date":1800000000,"attributes-type":"Match","attributes":{"home":"A"},"input-push-token":1}}
    "#);
}

#[test]
fn a_broadcast_has_its_own_path_and_no_topic() {
    let activity = LiveActivity {
        event: LiveActivityEvent::End,
        timestamp: Some(SystemTime::UNIX_EPOCH - Duration::from_secs(5)),
        content_state_json: String::new(),
        stale_at: None,
        dismiss_at: None,
        attributes_type: String::new(),
        attributes_json: String::new(),
        input_push_token: false,
        input_push_channel: String::new(),
    };
    let apns_content = ApnsContent { live_activity: Some(activity), ..ApnsContent::default() };
    let body = body(Content { apns: Some(apns_content), ..Content::default() }, Options::default());
    insta::assert_snapshot!(show(&message(&apns(), &body, &channel()).unwrap()), @r#"
    /4/broadcasts/apps/com.example.app
    content-type: application/json
    apns-push-type: liveactivity
    apns-priority: 10
    apns-channel-id: Y2g=
    apns-request-id: e8363a91-fc1b-501d-849d-4af301098609 (sensitive)
    {"aps":{"timestamp":0,"event":"end"}}
    "#);
}

#[test]
fn each_push_type_has_its_topic() {
    let mut seen = Vec::new();
    for name in [
        "alert",
        "background",
        "voip",
        "complication",
        "fileprovider",
        "mdm",
        "location",
        "pushtotalk",
        "widgets",
        "controls",
    ] {
        let apns_content = ApnsContent { push_type: name.into(), ..ApnsContent::default() };
        let body = body(
            Content { notification: Some(alert()), apns: Some(apns_content), ..Content::default() },
            Options::default(),
        );
        let message = message(&apns(), &body, &device()).unwrap();
        let header = |wanted: &str| {
            let found = message.headers.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.to_str().unwrap().to_owned()).unwrap()
        };
        assert_eq!(header("apns-push-type"), name);
        seen.push(header("apns-topic"));
    }
    // Source: Apple, "Sending notification requests to APNs", on apns-push-type and apns-topic.
    assert_eq!(
        seen,
        [
            "com.example.app",
            "com.example.app",
            "com.example.app.voip",
            "com.example.app.complication",
            "com.example.app.pushkit.fileprovider",
            "com.example.app",
            "com.example.app.location-query",
            "com.example.app.voip-ptt",
            "com.example.app.push-type.widgets",
            "com.example.app.push-type.controls",
        ]
    );
}

fn refusal(content: Content, options: Options, target: &Target) -> (String, Reason) {
    let refusal = message(&apns(), &body(content, options), target).unwrap_err();
    assert!(refusal.detail.starts_with("expected"), "{refusal:?}");
    (refusal.field.into_owned(), refusal.reason)
}

#[test]
fn what_cannot_be_said_names_its_field() {
    let with = |apns| Content { notification: Some(alert()), apns: Some(apns), ..Content::default() };
    let plain = || Content { notification: Some(alert()), ..Content::default() };
    let none = Options::default;
    let typed = |push_type: &str| ApnsContent { push_type: push_type.into(), ..ApnsContent::default() };
    let data = |key: &str| [(key.to_owned(), String::new())].into();
    for (content, target, field, reason) in [
        (with(typed("hologram")), device(), "content.apns.push_type", Reason::FieldInvalid),
        (with(typed("liveactivity")), device(), "content.apns.live_activity", Reason::FieldRequired),
        (plain(), channel(), "content.apns.push_type", Reason::FieldInvalid),
        (Content { data: data("aps"), ..plain() }, device(), "content.data[aps]", Reason::FieldInvalid),
        (
            with(ApnsContent { relevance_score: Some(1.5), ..ApnsContent::default() }),
            device(),
            "content.apns.relevance_score",
            Reason::FieldInvalid,
        ),
        (
            with(ApnsContent {
                critical_sound: Some(CriticalSound { name: String::new(), volume: Some(f64::NAN) }),
                ..ApnsContent::default()
            }),
            device(),
            "content.apns.critical_sound.volume",
            Reason::FieldInvalid,
        ),
        (
            with(ApnsContent { payload_json: "\"text\"".into(), ..ApnsContent::default() }),
            device(),
            "content.apns.payload_json",
            Reason::RawBodyInvalid,
        ),
    ] {
        assert_eq!(refusal(content, none(), &target), (field.to_owned(), reason));
    }
    let high = Options { priority: Some(Priority::High), ..Options::default() };
    let silent = Content { data: data("k"), ..Content::default() };
    assert_eq!(refusal(silent, high, &device()), ("options.priority".into(), Reason::FieldInvalid));
}

#[test]
fn voip_has_the_larger_limit() {
    let of = |push_type: &str, bytes: usize| {
        let payload_json = format!("{{\"x\":\"{}\"}}", "y".repeat(bytes - 8));
        let apns_content =
            ApnsContent { push_type: push_type.into(), payload_json, ..ApnsContent::default() };
        message(
            &apns(),
            &body(Content { apns: Some(apns_content), ..Content::default() }, Options::default()),
            &device(),
        )
        .map(|message| message.body.len())
        .map_err(|refusal| refusal.outcome)
    };
    assert_eq!((of("alert", 4096), of("alert", 4097)), (Ok(4096), Err(Outcome::PayloadTooLarge)));
    assert_eq!((of("voip", 5120), of("voip", 5121)), (Ok(5120), Err(Outcome::PayloadTooLarge)));
}

#[test]
fn a_collapse_key_that_apns_cannot_take_is_replaced_by_its_digest() {
    let of = |key: &str| {
        let options = Options { collapse_key: key.to_owned(), ..Options::default() };
        let content = Content { notification: Some(alert()), ..Content::default() };
        let text = said(content, options);
        let line = text.lines().find(|line| line.starts_with("apns-collapse-id")).unwrap().to_owned();
        line.trim_start_matches("apns-collapse-id: ").trim_end_matches(" (sensitive)").to_owned()
    };
    assert_eq!(of(&"k".repeat(64)), "k".repeat(64));
    // printf kkk…(65) | sha256sum, in base64url.
    assert_eq!(of(&"k".repeat(65)).len(), 43);
    assert_eq!(of("tägliche Nachrichten").len(), 43);
    assert_eq!(of(" padded").len(), 43);
    assert_eq!(of("abc\u{7f}"), of("abc\u{7f}"));
}

#[derive(Deserialize)]
struct Row {
    status: u16,
    reason: Option<String>,
    outcome: String,
    retryable: bool,
}

fn reply(status: u16, body: impl Into<bytes::Bytes>) -> Reply {
    http::Response::builder().status(status).body(body.into()).unwrap()
}

#[test]
fn every_documented_reason_has_its_meaning() {
    let rows: Vec<Row> = serde_json::from_str(include_str!("../../../tests/data/apns-answers.json")).unwrap();
    for row in rows {
        let body =
            row.reason.as_ref().map(|reason| format!(r#"{{"reason":"{reason}"}}"#)).unwrap_or_default();
        let verdict = classify(&reply(row.status, body));
        assert_eq!(verdict.outcome.name().to_uppercase(), row.outcome, "{} {:?}", row.status, row.reason);
        assert_eq!(verdict.retryable, row.retryable, "{} {:?}", row.status, row.reason);
    }
}

#[test]
fn what_is_broken_is_mended() {
    let heal = |status, reason: &str| {
        let verdict = classify(&reply(status, format!(r#"{{"reason":"{reason}"}}"#)));
        (verdict.heal, verdict.retry)
    };
    let seconds = Duration::from_secs;
    assert_eq!(heal(403, "ExpiredProviderToken"), (Heal::RenewAndRetire, Retry::Once));
    assert_eq!(heal(403, "UnrelatedKeyIdInToken"), (Heal::Retire, Retry::Once));
    assert_eq!(heal(503, "Shutdown"), (Heal::Retire, Retry::OnceThen(seconds(900))));
    assert_eq!(heal(400, "IdleTimeout"), (Heal::Retire, Retry::OnceThen(seconds(1))));
    assert_eq!(heal(429, "TooManyProviderTokenUpdates"), (Heal::HoldToken, Retry::After(seconds(1200))));
    assert_eq!(heal(403, "InvalidProviderToken"), (Heal::Nothing, Retry::Never));
}

#[test]
fn the_moment_of_a_410_is_in_milliseconds_and_never_panics() {
    let since = |ms: &str| {
        let body = format!(r#"{{"reason":"Unregistered","timestamp":{ms}}}"#);
        classify(&reply(410, body)).token_invalid_since
    };
    let expected = SystemTime::UNIX_EPOCH + Duration::from_millis(1_790_000_000_123);
    assert_eq!(since("1790000000123"), Some(expected));
    assert_eq!(since("18446744073709551615"), None);
    // A timestamp of another shape spoils the body, and the status still speaks.
    let odd = classify(&reply(410, r#"{"reason":"Unregistered","timestamp":"soon"}"#));
    assert_eq!((odd.outcome, odd.token_invalid_since), (Outcome::Unregistered, None));
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["", "\\PC{0,40}", any::<String>()]
}

prop_compose! {
    fn any_notification()(
        texts in proptest::array::uniform8(text()), badge: Option<u32>, key in text(),
        arguments in proptest::collection::vec(text(), 0..3), localized: bool,
    ) -> Notification {
        let [title, subtitle, body, image, sound, category, thread, _] = texts;
        let body_localized = localized.then_some(LocalizedText { key, arguments });
        Notification {
            title, subtitle, body, image, sound, badge, category, thread,
            title_localized: None, subtitle_localized: None, body_localized,
        }
    }
}

prop_compose! {
    fn any_apns()(
        push_type in prop_oneof![text(), Just("voip".to_owned()), Just("liveactivity".to_owned()), Just("background".to_owned())],
        mutable_content: bool, content_available: bool, relevance_score: Option<f64>, volume: Option<f64>,
        payload_json in prop_oneof![Just(String::new()), text(), Just("{\"aps\":{}}".to_owned())],
        activity: Option<bool>, state in prop_oneof![text(), Just("{}".to_owned())], offset: i32, seconds: u64,
    ) -> ApnsContent {
        let moment = if offset < 0 {
            SystemTime::UNIX_EPOCH.checked_sub(Duration::from_secs(seconds))
        } else {
            SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
        };
        ApnsContent {
            push_type, mutable_content, content_available, relevance_score, payload_json,
            critical_sound: volume.map(|volume| CriticalSound { name: String::new(), volume: Some(volume) }),
            live_activity: activity.map(|starts| LiveActivity {
                event: if starts { LiveActivityEvent::Start } else { LiveActivityEvent::Update },
                timestamp: moment, content_state_json: state.clone(), stale_at: moment, dismiss_at: None,
                attributes_type: "T".into(), attributes_json: state, input_push_token: starts,
                input_push_channel: String::new(),
            }),
            ..ApnsContent::default()
        }
    }
}

proptest! {
    #[test]
    fn whatever_is_encoded_is_json_within_the_limit(
        notification in proptest::option::of(any_notification()), apns_content in proptest::option::of(any_apns()),
        data in proptest::collection::btree_map(text(), text(), 0..4), collapse_key in text(), to_channel: bool,
        seconds: u64,
    ) {
        let expiry = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        let options = Options {
            collapse_key, expiry: expiry.map_or(Expiry::Default, Expiry::At), ..Options::default()
        };
        let body = body(Content { notification, data, apns: apns_content, ..Content::default() }, options);
        let target = if to_channel { channel() } else { device() };
        if let Ok(message) = message(&apns(), &body, &target) {
            prop_assert!(message.body.len() <= 5120);
            let json: serde_json::Value = serde_json::from_slice(&message.body).unwrap();
            prop_assert!(json.is_object());
            let names: std::collections::HashSet<_> = message.headers.iter().map(|(name, _)| name).collect();
            prop_assert_eq!(names.len(), message.headers.len());
        }
    }

    #[test]
    fn no_answer_makes_classifying_panic(
        status in 100_u16..1000, body: Vec<u8>, reason in text(), raw: bool, header: Vec<u8>,
    ) {
        let body = if raw { body } else { serde_json::json!({ "reason": reason }).to_string().into_bytes() };
        let mut reply = reply(status, body);
        for name in ["retry-after", "apns-id"] {
            if let Ok(value) = http::HeaderValue::from_bytes(&header) {
                reply.headers_mut().insert(name, value);
            }
        }
        let verdict = classify(&reply);
        prop_assert!(verdict.upstream_reason.len() <= 256);
        prop_assert_eq!(verdict.outcome == Outcome::Accepted, status == 200);
    }
}
