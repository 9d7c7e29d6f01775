//! The targets and the content of pushes, as they arrive at FCM.

use fanfare::proto::{self, Delivery, Outcome, Reason, TokenAction};
use fanfare_simulator::FcmSettings;
use serde_json::{Value, json};

use crate::dry_runs::{assert_refused_alike, expired};

use super::{PROJECT, asked, json, push, to, world};

/// More bytes than the gateway adds to data.
const ADDED: usize = 64;

fn target(field: &str, value: &str) -> proto::FcmTarget {
    let value = value.to_owned();
    let mut target = proto::FcmTarget::default();
    match field {
        "token" => target.registration_token = value,
        "fid" => target.fid = value,
        "topic" => target.topic = value,
        "condition" => target.condition = value,
        other => panic!("{other}"),
    }
    target
}

fn data(bytes: usize) -> proto::Content {
    let data = [("k".to_owned(), "x".repeat(bytes - 1))].into();
    proto::Content { data, ..proto::Content::default() }
}

#[tokio::test]
async fn each_kind_of_target_arrives_under_its_own_name() {
    let world = world(FcmSettings::default()).await;
    let targets = [
        ("token", "ok:APA91b"),
        ("fid", "cAdGpUnTR0yF0b3oMo3e"),
        ("topic", "news"),
        ("condition", "'news' in topics && !('sport' in topics)"),
    ];
    for (number, (field, value)) in targets.into_iter().enumerate() {
        let result = world.send(to(target(field, value))).await;
        assert_eq!((result.outcome(), result.attempts), (Outcome::Accepted, 1), "{field} {result:?}");
        assert_eq!((result.delivery(), result.upstream_status), (Delivery::Accepted, 200));
        assert!(result.upstream_id.starts_with(&format!("projects/{PROJECT}/messages/")), "{result:?}");
        let sent = asked(&world, "/v1/").remove(number);
        assert_eq!(&*sent.path, format!("/v1/projects/{PROJECT}/messages:send"));
        assert_eq!(sent.header("content-type"), Some(&b"application/json"[..]));
        assert!(sent.header("authorization").unwrap().starts_with(b"Bearer ya29."));
        let body = json(&sent);
        assert_eq!(body["message"][field], value);
        assert_eq!(body["message"]["notification"], json!({ "title": "Hello", "body": "World" }));
        assert_eq!(body.get("validate_only"), None);
    }
    assert_eq!(world.simulator.counters().connections_opened, 1);
}

#[tokio::test]
async fn a_dry_run_is_checked_by_fcm_and_delivers_nothing() {
    let world = world(FcmSettings::default()).await;
    let dry = |token| {
        let options = proto::Options { dry_run: true, ..proto::Options::default() };
        proto::Push { options: Some(options), ..push(token) }
    };
    let good = world.send(dry("ok:1")).await;
    assert_eq!((good.outcome(), good.delivery()), (Outcome::Validated, Delivery::No), "{good:?}");
    let dead = world.send(dry("unregistered:1")).await;
    assert_eq!(
        (dead.outcome(), dead.token_action()),
        (Outcome::Unregistered, TokenAction::Delete),
        "{dead:?}"
    );
    let sent = asked(&world, "/v1/");
    assert!(sent.len() == 2 && sent.iter().all(|entry| json(entry)["validate_only"] == true));
    assert!(!sent[0].may_be_delivered());
}

#[tokio::test]
async fn what_is_too_large_is_refused_at_home_and_what_fits_is_taken() {
    let world = world(FcmSettings::default()).await;
    for (field, value, most) in [("token", "ok:1", 4096), ("topic", "news", 2048)] {
        let sized = |bytes| proto::Push { content: Some(data(bytes)), ..to(target(field, value)) };
        // Google does not say whether the bytes that the gateway adds for Apple's devices count, so room is left for them.
        let fits = world.send(sized(most - ADDED)).await;
        assert_eq!(fits.outcome(), Outcome::Accepted, "{fits:?}");
        let before = asked(&world, "/v1/").len();
        let large = world.send(sized(most + 1)).await;
        assert_eq!((large.outcome(), large.reason()), (Outcome::PayloadTooLarge, Reason::PayloadOverLimit));
        assert_eq!((large.delivery(), large.attempts, &*large.field), (Delivery::No, 0, "content"));
        assert!(large.detail.contains(&format!("found {}", most + 1)), "{}", large.detail);
        assert_eq!(asked(&world, "/v1/").len(), before);
    }
}

#[tokio::test]
async fn data_alone_shows_nothing() {
    let world = world(FcmSettings::default()).await;
    let order = [("order".to_owned(), "17".to_owned())].into();
    let content = proto::Content { data: order, ..proto::Content::default() };
    let result = world.send(proto::Push { content: Some(content), ..push("ok:1") }).await;
    assert_eq!(result.outcome(), Outcome::Accepted, "{result:?}");
    let message = json(&asked(&world, "/v1/")[0])["message"].clone();
    assert_eq!(message["data"], json!({ "order": "17" }));
    assert_eq!((message.get("notification"), &message["android"]["notification"]), (None, &Value::Null));
}

fn raw(message_json: String) -> proto::Push {
    let fcm = proto::FcmOptions { message_json, ..proto::FcmOptions::default() };
    let content = proto::Content { fcm: Some(Box::new(fcm)), ..proto::Content::default() };
    proto::Push { content: Some(content), ..push("ok:1") }
}

#[tokio::test]
async fn a_null_in_a_raw_message_is_not_there() {
    let world = world(FcmSettings::default()).await;
    let nulls = r#"{"notification":null,"android":null,"apns":null,"webpush":null,"data":{"a":"1"}}"#;
    let result = world.send(raw(nulls.to_owned())).await;
    assert_eq!(result.outcome(), Outcome::Accepted, "{result:?}");
    assert_eq!(json(&asked(&world, "/v1/")[0])["message"]["token"], "ok:1");
}

#[tokio::test]
async fn keys_that_are_fcms_own_are_refused_by_name() {
    let world = world(FcmSettings::default()).await;
    for key in ["from", "message_type", "google.x", "gcm.notification.e"] {
        let content = proto::Content { data: [(key.to_owned(), String::new())].into(), ..Default::default() };
        let result = world.send(proto::Push { content: Some(content), ..push("ok:1") }).await;
        assert_eq!((result.outcome(), result.reason()), (Outcome::InvalidPush, Reason::FieldInvalid));
        assert_eq!(result.field, format!("content.data[{key:?}]"));
        let json = serde_json::json!({ "data": { key: "" } }).to_string();
        let result = world.send(raw(json)).await;
        assert_eq!((result.outcome(), &*result.field), (Outcome::InvalidPush, "content.fcm.message_json"));
    }
    assert!(asked(&world, "/v1/").is_empty());
    for key in ["google_place_id", "googleEventId", "gcmSenderId", "googlemaps"] {
        let content =
            proto::Content { data: [(key.to_owned(), "x".to_owned())].into(), ..Default::default() };
        let result = world.send(proto::Push { content: Some(content), ..push("ok:1") }).await;
        assert_eq!(result.outcome(), Outcome::Accepted, "{key} {result:?}");
        let result = world.send(raw(serde_json::json!({ "data": { key: "x" } }).to_string())).await;
        assert_eq!(result.outcome(), Outcome::Accepted, "{key} {result:?}");
    }
}

#[tokio::test]
async fn a_dry_run_that_the_gateway_refuses_does_not_reach_fcm() {
    let world = world(FcmSettings::default()).await;
    let bad = vec![
        push(""),
        to(target("topic", "no topic")),
        proto::Push { content: Some(data(5000)), ..push("ok:1") },
        expired(push("ok:1")),
        raw(r#"{"token":"x"}"#.to_owned()),
    ];
    assert_refused_alike(&world, bad).await;
    assert!(asked(&world, "/v1/").is_empty());
}
