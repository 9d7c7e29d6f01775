//! One app, its devices and its channels, as the tests of this folder know them.

mod answers;
mod payloads;
mod refusals;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fanfare_upstream::{Field, Indexing};
use proptest::prelude::*;

use super::*;
use crate::provider::{Message, Outgoing};
use crate::push::{
    ApnsContent, ApnsEnvironment, AppId, Body, Content, CriticalSound, DeviceToken, Expiry,
    InterruptionLevel, Labels, LiveActivity, LiveActivityEvent, LocalizedText, Notification, Options,
    Outcome, Priority, PushId, Reason, Refusal,
};

const ACCEPTED_AT: u64 = 1_700_000_000;
const UUID: &str = "7ac6fbe7-2f2b-4e43-8e4d-7f2a7c2e6b10";

fn settings() -> ApnsSettings {
    ApnsSettings {
        environment: ApnsEnvironment::Production,
        topics: vec!["com.example.shop".into(), "com.example.news".into()],
        certificate: false,
        unknown_push_types: false,
    }
}

fn apns() -> Apns {
    Apns::try_new(settings()).unwrap()
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn device(topic: Option<&str>) -> Target {
    let token = DeviceToken::parse("00ff".repeat(16)).unwrap();
    Target::Device(Device { token, environment: None, topic: topic.map(String::from) })
}

fn channel() -> Target {
    Target::Channel(Channel {
        channel_id: "dHN0LXNyY2gtY2hubA==".into(),
        environment: Some(ApnsEnvironment::Sandbox),
        topic: None,
    })
}

fn body(content: Content) -> Body {
    let app = AppId::parse("shop").unwrap();
    Body { app, content, options: Options::default(), accepted_at: at(ACCEPTED_AT), labels: Labels::new() }
}

fn alert() -> Content {
    Content {
        notification: Some(Notification { title: "Hi".into(), ..Notification::default() }),
        ..Content::default()
    }
}

fn typed(apns: ApnsContent) -> Content {
    Content { apns: Some(Box::new(apns)), ..Content::default() }
}

fn push_type(name: &str) -> ApnsContent {
    ApnsContent { push_type: name.into(), ..ApnsContent::default() }
}

fn activity(event: LiveActivityEvent) -> LiveActivity {
    LiveActivity {
        event,
        timestamp: None,
        content_state_json: r#"{"score": 2}"#.into(),
        stale_at: None,
        dismiss_at: None,
        attributes_type: String::new(),
        attributes_json: String::new(),
        input_push_token: false,
        input_push_channel: String::new(),
    }
}

fn live(live_activity: LiveActivity) -> Content {
    typed(ApnsContent { live_activity: Some(live_activity), ..ApnsContent::default() })
}

fn sent(apns: &Apns, body: &Body, target: &Target) -> Result<Message, Refusal> {
    let payload = apns.encode(body)?;
    addressed(apns, &PushId::parse(UUID.to_uppercase()).unwrap(), body, target, &payload)
}

fn addressed(
    apns: &Apns,
    id: &PushId,
    body: &Body,
    target: &Target,
    payload: &Payload,
) -> Result<Message, Refusal> {
    apns.address(&Outgoing { id, body, target, payload, sealed: &() }, at(ACCEPTED_AT))
}

fn json(content: Content) -> String {
    let message = sent(&apns(), &body(content), &device(None)).unwrap();
    String::from_utf8(message.request.body().to_vec()).unwrap()
}

/// The headers, a line each; what never comes again is marked.
fn headers(message: &Message) -> String {
    let line = |field: Field<'_>| {
        let mark = if field.indexing == Indexing::Repeats { "" } else { " !" };
        format!("{field:?}{mark}\n")
    };
    message.request.headers().map(line).collect()
}

fn header(message: &Message, name: &str) -> Option<String> {
    let field = message.request.headers().find(|field| field.name == name.as_bytes());
    field.map(|field| String::from_utf8(field.value.to_vec()).unwrap())
}

fn refused(content: Content, target: &Target) -> (Reason, String) {
    let refusal = sent(&apns(), &body(content), target).unwrap_err();
    assert!(!refusal.detail.is_empty());
    (refusal.reason, refusal.field.into_owned())
}

fn localized(key: &str, arguments: &[&str]) -> Option<Box<LocalizedText>> {
    let arguments = arguments.iter().map(ToString::to_string).collect();
    Some(Box::new(LocalizedText { key: key.into(), arguments }))
}

#[test]
fn every_push_type_has_its_topic() {
    for (name, topic) in [
        ("alert", "com.example.shop"),
        ("background", "com.example.shop"),
        ("voip", "com.example.shop.voip"),
        ("complication", "com.example.shop.complication"),
        ("fileprovider", "com.example.shop.pushkit.fileprovider"),
        ("mdm", "com.example.shop"),
        ("location", "com.example.shop.location-query"),
        ("liveactivity", "com.example.shop.push-type.liveactivity"),
        ("pushtotalk", "com.example.shop.voip-ptt"),
        ("widgets", "com.example.shop.push-type.widgets"),
        ("controls", "com.example.shop.push-type.controls"),
    ] {
        let payload_json = r#"{"aps":{}}"#.into();
        let content = typed(ApnsContent { payload_json, ..push_type(name) });
        let message = sent(&apns(), &body(content), &device(None)).unwrap();
        assert!(headers(&message).contains(&format!("apns-push-type: {name}\n")), "{name}");
        assert!(headers(&message).contains(&format!("apns-topic: {topic}\n")), "{name}");
    }
}

#[test]
fn an_unknown_push_type_passes_where_the_operator_says_so() {
    let mut content = alert();
    content.apns = Some(Box::new(push_type("holograms")));
    let field = "content.apns.push_type".to_owned();
    assert_eq!(refused(content.clone(), &device(None)), (Reason::FieldInvalid, field.clone()));
    let apns = Apns::try_new(ApnsSettings { unknown_push_types: true, ..settings() }).unwrap();
    let message = sent(&apns, &body(content.clone()), &device(None)).unwrap();
    assert!(headers(&message).contains("apns-push-type: holograms\n"));
    assert!(headers(&message).contains("apns-topic: com.example.shop\n"));
    content.apns = Some(Box::new(push_type("two words")));
    assert_eq!(sent(&apns, &body(content), &device(None)).unwrap_err().field, field);
}

#[test]
fn a_push_with_a_provider_token_has_room_for_its_headers() {
    let mut body = body(alert());
    body.options.expiry = Expiry::At(at(ACCEPTED_AT));
    body.options.collapse_key = "x".repeat(43);
    let message = sent(&apns(), &body, &device(None)).unwrap();
    let each = message.request.headers().map(|field| field.name.len() + field.value.len() + 4);
    // A provider token with its name and its scheme.
    let authorization = 210;
    assert!(each.sum::<usize>() + authorization <= headers::HEADERS_ROOM);
}

#[test]
fn a_payload_over_the_limit_is_not_sent() {
    let sized = |name: &str, bytes: usize| {
        let payload_json = format!(r#"{{"aps":{{"event":"end"}},"x":"{}"}}"#, "x".repeat(bytes - 30));
        assert_eq!(payload_json.len(), bytes);
        body(typed(ApnsContent { payload_json, ..push_type(name) }))
    };
    let (phone, many) = (device(None), channel());
    let fits = |name, bytes, target: &Target| sent(&apns(), &sized(name, bytes), target).is_ok();
    assert!(fits("alert", 4096, &phone) && !fits("alert", 4097, &phone));
    assert!(fits("voip", 5120, &phone) && !fits("voip", 5121, &phone));
    assert!(fits("", 5120, &many) && !fits("", 5121, &many));
    let refusal = sent(&apns(), &sized("alert", 4097), &device(None)).unwrap_err();
    assert_eq!((refusal.outcome, refusal.reason), (Outcome::PayloadTooLarge, Reason::PayloadOverLimit));
    assert_eq!(refusal.detail, "the payload has 4097 bytes; APNs takes 4096");
    // A multicast is encoded once, and says so to the device alone, which takes less than the channel.
    let body = sized("", 5000);
    let payload = apns().encode(&body).unwrap();
    let to = |target: &Target| addressed(&apns(), &PushId::random(), &body, target, &payload);
    assert_eq!(to(&device(None)).unwrap_err().outcome, Outcome::PayloadTooLarge);
    assert!(to(&channel()).is_ok());
}

#[test]
fn a_collapse_key_that_apns_cannot_take_becomes_its_digest() {
    let id = |key: &str| {
        let mut body = body(alert());
        body.options.collapse_key = key.into();
        let message = sent(&apns(), &body, &device(None)).unwrap();
        header(&message, "apns-collapse-id").unwrap()
    };
    assert_eq!(id("order 17"), "order 17");
    assert_eq!(id(&"x".repeat(64)), "x".repeat(64));
    for key in [&"x".repeat(65), "é", " x", "x\n", "x\ty"] {
        assert_eq!(id(key).len(), 43, "{key:?}");
    }
    // SHA-256 of "é" by another hand.
    assert_eq!(id("é"), DIGEST_OF_E_ACUTE);
}

/// `printf é | openssl dgst -sha256 -binary | basenc --base64url`, without its padding.
const DIGEST_OF_E_ACUTE: &str = "SplVfkAzw1Od4utlRyAXytX5VX96BiWgnxw_biumnEw";

#[test]
fn an_expiry_is_epoch_seconds_and_never_0_by_chance() {
    let expiration = |expiry| {
        let mut body = body(alert());
        body.options.expiry = expiry;
        let message = sent(&apns(), &body, &device(None)).unwrap();
        header(&message, "apns-expiration")
    };
    assert_eq!(expiration(Expiry::Default), None);
    assert_eq!(expiration(Expiry::NoStore).as_deref(), Some("0"));
    assert_eq!(expiration(Expiry::At(at(7) + Duration::from_millis(999))).as_deref(), Some("7"));
    assert_eq!(expiration(Expiry::At(UNIX_EPOCH - Duration::from_secs(9))).as_deref(), Some("1"));
}

proptest! {
    #[test]
    fn what_is_sent_is_valid_json_within_the_limit(
        body in strategies::body(),
        target in strategies::target(),
        id in "[!-~]{1,64}",
        certificate: bool,
        unknown_push_types: bool,
    ) {
        let apns = Apns::try_new(ApnsSettings { certificate, unknown_push_types, ..settings() }).unwrap();
        let id = PushId::parse(id).unwrap();
        let Ok(payload) = apns.encode(&body) else { return Ok(()) };
        let again = apns.encode(&body).unwrap();
        prop_assert_eq!(&payload.json, &again.json);
        let Ok(message) = addressed(&apns, &id, &body, &target, &payload) else { return Ok(()) };
        prop_assert!(message.request.body().len() <= MAX_VOIP_PAYLOAD_BYTES);
        let raw = body.content.apns.as_deref().is_some_and(|apns| !apns.payload_json.is_empty());
        let members: std::collections::BTreeMap<String, &serde_json::value::RawValue> =
            serde_json::from_slice(message.request.body()).unwrap();
        prop_assert!(raw || members.contains_key("aps"));
        let mut names: Vec<_> = message.request.headers().map(|field| field.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        prop_assert_eq!(names.len(), count, "a repeated header is refused by APNs");
        for name in ["apns-push-type", "apns-priority", "content-type"] {
            prop_assert!(names.contains(&name.as_bytes()));
        }
    }
}
