//! Matrix homeservers push to browsers.

use std::time::Duration;

use fanfare::ingress::matrix::{Dialect, Glob, WebPushDialect};
use fanfare_simulator::WebPushRefusal;
use serde_json::{Value, json};

use super::*;
use crate::matrix::{APP_ID, app as matrix_app, event, listener, notify, rejected};

async fn browsers(allowed: &[&str]) -> Browsers {
    let allowed_endpoints = allowed.iter().map(|text| Glob::of(text)).collect();
    let mut app = matrix_app(Dialect::WebPush(WebPushDialect { allowed_endpoints }));
    app.ttl = Some(Duration::from_secs(900));
    Browsers::with(|_| {}, |config| config.http.push(listener(app))).await
}

/// A device as a web app registers it: the public key is its pushkey, and the rest its data.
fn device(subscription: &Subscription) -> Value {
    let data = json!({
        "endpoint": subscription.endpoint, "auth": subscription.auth, "only_last_per_room": true,
        "default_payload": {"account": "a"},
    });
    json!({"app_id": APP_ID, "pushkey": subscription.p256dh, "data": data})
}

#[tokio::test]
async fn a_browser_reads_the_event_and_one_that_is_gone_is_rejected() {
    let browsers = browsers(&[]).await;
    let good = browsers.subscribe(Vendor::Mozilla);
    let fate = WebPushScriptedOutcome::Refused(WebPushRefusal::Gone);
    let gone = browsers.fated(host(Vendor::Mozilla), Vendor::Mozilla, fate);
    let told = notify(&browsers.world, &event("$one", &[device(&gone), device(&good)])).await;
    assert_eq!(rejected(&told), [&gone.p256dh]);
    let [read] = &browsers.got(&good)[..] else { panic!() };
    let read: Value = serde_json::from_slice(read).unwrap();
    let expected = json!({
        "account": "a", "event_id": "$one", "room_id": "!room:example.org", "type": "m.room.message",
        "sender": "@alice:example.org", "sender_display_name": "Alice", "room_name": "Mission Control",
        "content": {"msgtype": "m.text", "body": "hello"}, "unread": 1,
    });
    assert_eq!(read, expected);
    let [asked] = &browsers.asked(&good)[..] else { panic!() };
    assert_eq!(header(asked, "urgency").as_deref(), Some("normal"));
    assert_eq!(header(asked, "topic").map(|topic| topic.len()), Some(32), "a room has a topic of its own");
    let left: u64 = header(asked, "ttl").unwrap().parse().unwrap();
    assert!((800..=900).contains(&left), "{left}");
}

#[tokio::test]
async fn a_push_service_that_the_operator_does_not_allow_is_sent_nothing() {
    let browsers = browsers(&["*.push.apple.com"]).await;
    let (other, allowed) = (browsers.subscribe(Vendor::Mozilla), browsers.subscribe(Vendor::Apple));
    let told = notify(&browsers.world, &event("$one", &[device(&other), device(&allowed)])).await;
    assert_eq!(rejected(&told), [""; 0]);
    assert_eq!((browsers.asked(&other).len(), browsers.asked(&allowed).len()), (0, 1));
}
