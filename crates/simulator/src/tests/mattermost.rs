//! The Mattermost push proxy answers as the real one did, exchange by exchange.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::Reply;
use super::http1::{get, plain, post};
use crate::{ApnsScriptedOutcome, MattermostSettings, Service, Simulator};

pub(super) const SEND: &str = "/api/v1/send_push";

/// Makes a good push of an iOS app.
pub(super) fn push(device_id: &str) -> String {
    json!({ "platform": "apple", "server_id": "srv", "device_id": device_id, "type": "message", "message": "hi" })
        .to_string()
}

fn status(reply: &Reply) -> String {
    reply.json()["status"].as_str().unwrap().to_owned()
}

/// Returns what the APNs behind the real proxy answered in a case, by its name, such as `APNs 400 BadDeviceToken`.
fn outcome(case: &str) -> Option<ApnsScriptedOutcome> {
    let (status, reason) = case.strip_prefix("APNs ")?.split_at(3);
    let reason = match (status, reason.trim()) {
        ("200", _) => return None,
        ("429", "") => "TooManyRequests",
        ("503", "") => "ServiceUnavailable",
        (_, reason) => reason,
    };
    Some(ApnsScriptedOutcome::refusal(status.parse().unwrap(), reason))
}

/// Returns the body as it was posted. One that is not JSON is recorded as a string.
fn body_of(request: &Value) -> String {
    let mut request = request.clone();
    match &request {
        Value::String(raw) => return raw.clone(),
        Value::Null => return String::new(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {}
    }
    if request["message"] == "x repeated 5000 times" {
        request["message"] = "x".repeat(5000).into();
    }
    request.to_string()
}

#[tokio::test]
async fn every_recorded_exchange_of_the_real_proxy_comes_out_the_same() {
    let recorded: Value =
        serde_json::from_str(include_str!("../../tests/data/mattermost-push-proxy.json")).unwrap();
    let apple = vec![("apple".to_owned(), "com.example.app".to_owned())];
    let settings = MattermostSettings { apple, android: Vec::new(), ..MattermostSettings::default() };
    let simulator = Simulator::builder().mattermost(settings).start().await.unwrap();
    let mut line = plain(simulator.mattermost().address()).await;
    let exchanges = recorded["exchanges"].as_array().unwrap();
    for exchange in exchanges {
        let (case, options) = (exchange["case"].as_str().unwrap(), &exchange["request_options"]);
        if let Some(outcome) = outcome(case) {
            simulator.script_outcome(exchange["request"]["device_id"].as_str().unwrap(), outcome);
        }
        let path = options["path"].as_str().unwrap_or(SEND);
        let reply = if options["method"] == "GET" {
            get(&mut line, path, "").await
        } else {
            post(&mut line, path, &body_of(&exchange["request"])).await.unwrap()
        };
        let wanted = &exchange["response"];
        assert_eq!(u64::from(reply.status.as_u16()), wanted["status"].as_u64().unwrap(), "{case}");
        assert_eq!(reply.body, wanted["body"].as_str().unwrap(), "{case}");
        let mut headers = reply.headers;
        headers.remove("date");
        let headers: Value = headers
            .iter()
            .map(|(name, value)| (name.to_string(), Value::from(value.to_str().unwrap())))
            .collect();
        assert_eq!(headers, wanted["headers"], "{case}");
    }
    assert_eq!(exchanges.len(), 27);
    assert_asked(&simulator, &recorded);
}

/// Compares what the proxy asked of APNs: paths, the headers that are about the push, and bodies, of which the
/// recording cut a long one.
fn assert_asked(simulator: &Simulator, recorded: &Value) {
    let wanted = recorded["apns_requests_in_order"].as_array().unwrap();
    let asked = simulator.mattermost().proxied_requests();
    assert_eq!(asked.len(), wanted.len());
    for (asked, wanted) in asked.iter().zip(wanted) {
        assert_eq!(asked.path, wanted["path"].as_str().unwrap());
        for (name, value) in &asked.headers {
            assert_eq!(wanted["headers"][name], *value, "{name}");
        }
        assert_eq!(asked.body.to_string().len().to_string(), wanted["headers"]["content-length"]);
        match serde_json::from_str::<Value>(wanted["body"].as_str().unwrap()) {
            Ok(body) => assert_eq!(asked.body, body),
            Err(_) => assert_eq!(asked.body["aps"]["alert"]["body"], "x".repeat(2046)),
        }
    }
}

#[tokio::test]
async fn the_devices_are_those_of_apns_and_fcm() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut line = plain(simulator.mattermost().address()).await;
    for (device, wanted) in [
        ("600d", "OK"),
        ("dead", "REMOVE"),
        ("0bad", "REMOVE"),
        ("d1ff", "REMOVE"),
        ("a6ed", "FAIL"),
        ("f10d", "FAIL"),
        ("0503", "FAIL"),
        ("no hex", "REMOVE"),
    ] {
        assert_eq!(status(&post(&mut line, SEND, &push(device)).await.unwrap()), wanted, "{device}");
    }
    for (token, wanted, error) in [
        ("ok:1", "OK", Value::Null),
        ("unregistered:1", "REMOVE", Value::Null),
        ("mismatch:1", "REMOVE", Value::Null),
        ("internal:1", "FAIL", "Internal error encountered.".into()),
    ] {
        let push = json!({ "platform": "android_rn-v2", "server_id": "srv", "device_id": token }).to_string();
        let reply = post(&mut line, SEND, &push).await.unwrap();
        assert_eq!((status(&reply).as_str(), &reply.json()["error"]), (wanted, &error), "{token}");
    }
    let asked = simulator.mattermost().proxied_requests().pop().unwrap().body;
    assert_eq!(asked["message"]["android"]["priority"], "high");
    assert_eq!(asked["message"]["data"]["signature"], "NO_SIGNATURE");
    let entry = simulator.journal().by_device_token("dead").remove(0);
    assert_eq!(entry.service, Service::Mattermost);
    assert!(!entry.may_be_delivered(), "200, and not delivered");
    assert!(simulator.journal().by_device_token("ok:1")[0].may_be_delivered());
}

#[tokio::test]
async fn a_proxy_without_an_answer_of_apns_does_not_know() {
    let settings =
        MattermostSettings { send_timeout: Duration::from_millis(20), ..MattermostSettings::default() };
    let simulator = Simulator::builder().mattermost(settings).start().await.unwrap();
    let mut line = plain(simulator.mattermost().address()).await;
    let reply = post(&mut line, SEND, &push("deaf")).await.unwrap();
    assert_eq!(reply.body, "{\"error\":\"unknown transport error\",\"status\":\"FAIL\"}\n");
    assert!(simulator.journal().by_device_token("deaf")[0].may_be_delivered(), "it may have been");
}

#[tokio::test]
async fn more_than_so_many_in_a_second_are_429() {
    let settings = MattermostSettings { throttle_per_second: 2, ..MattermostSettings::default() };
    let simulator = Simulator::builder().mattermost(settings).start().await.unwrap();
    let mut line = plain(simulator.mattermost().address()).await;
    // Only the clock that the test moved may begin another second, so the real clock has to stay within one.
    let mut remaining = Vec::new();
    let denied = loop {
        let reply = post(&mut line, SEND, &push("600d")).await.unwrap();
        if reply.status == 429 {
            break reply;
        }
        remaining.push(reply.headers["x-ratelimit-remaining"].to_str().unwrap().to_owned());
        assert!(remaining.len() < 1000);
    };
    assert_eq!(remaining[remaining.len() - 2..], ["1", "0"]);
    assert_eq!(denied.body, "limit exceeded\n");
    assert_eq!(denied.headers["retry-after"], "1");
    assert_eq!(get(&mut line, "/version", "X-Forwarded-For: 10.0.0.9\r\n").await.status, 200, "another key");
    simulator.clock().advance(Duration::from_secs(1));
    assert_eq!(post(&mut line, SEND, &push("600d")).await.unwrap().status, 200);
}

#[tokio::test]
async fn what_apns_or_fcm_would_call_too_large_fails() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut line = plain(simulator.mattermost().address()).await;
    let of = |platform: &str, device: &str, message: &str| {
        json!({ "platform": platform, "server_id": "srv", "device_id": device, "type": "message",
            "message": message })
        .to_string()
    };
    // Go writes six bytes for one.
    let long = of("apple", "600d", &"<".repeat(2047));
    assert_eq!(post(&mut line, SEND, &long).await.unwrap().json()["error"], "unknown send response error");
    let short = of("apple", "600d", &"x".repeat(2047));
    assert_eq!(status(&post(&mut line, SEND, &short).await.unwrap()), "OK");
    let android = of("android", "ok:1", &"<".repeat(2047));
    assert_eq!(status(&post(&mut line, SEND, &android).await.unwrap()), "OK");
    let mut wide: Value = serde_json::from_str(&of("android", "ok:1", "hi")).unwrap();
    wide["override_icon_url"] = "x".repeat(4096).into();
    assert_eq!(post(&mut line, SEND, &wide.to_string()).await.unwrap().json()["error"], "Message is too big");
}

#[tokio::test]
async fn any_number_is_taken_unless_a_throttle_is_set() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut line = plain(simulator.mattermost().address()).await;
    for _ in 0..1000 {
        let reply = get(&mut line, "/version", "").await;
        assert_eq!(
            (reply.status.as_u16(), &reply.headers["x-ratelimit-remaining"]),
            (200, &"299".parse().unwrap())
        );
    }
}

#[tokio::test]
async fn an_acknowledgement_needs_its_fields() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut line = plain(simulator.mattermost().address()).await;
    for (ack, error) in [
        (json!({ "platform": "apple", "type": "message" }), "Failed because of missing ack Id"),
        (json!({ "id": "a", "type": "message" }), "Failed because of missing ack platform"),
        (json!({ "id": "a", "platform": "apple" }), "Failed because of missing ack type"),
    ] {
        let reply = post(&mut line, "/api/v1/ack", &ack.to_string()).await.unwrap();
        assert_eq!((status(&reply).as_str(), reply.json()["error"].as_str()), ("FAIL", Some(error)));
    }
}
