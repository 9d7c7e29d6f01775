//! What single requests are answered.

use http::Request;
use uuid::Uuid;

use super::client::{Client, GOOD, PATIENCE, tls, tls_to};
use crate::journal::{RequestOutcome, digest};
use crate::{ApnsScriptedOutcome, Environment, Simulator, StoragePolicy};

#[tokio::test]
async fn a_good_token_is_accepted_and_the_id_comes_back() {
    let simulator = Simulator::builder().keep_bodies(1).start().await.unwrap();
    let mut client = Client::connect(&simulator).await;
    let mut request = client.request(GOOD);
    let id = Uuid::new_v4();
    request.headers_mut().insert("apns-id", id.to_string().parse().unwrap());
    let reply = client.push_request(request, "{}").await.unwrap();

    assert_eq!(reply.status, 200);
    assert_eq!(reply.headers["apns-id"], id.to_string());
    assert!(!reply.headers.contains_key("apns-unique-id"), "that is the sandbox's");
    assert!(reply.body.is_empty());

    let entry = simulator.journal().by_apns_id(id).remove(0);
    assert!(matches!(entry.outcome, RequestOutcome::Answered { status: 200, .. }));
    let reading = entry.read.unwrap();
    assert_eq!(reading.body.unwrap(), "{}");
    let headers: [(&str, &[u8]); 3] = [
        ("apns-topic", b"com.example.app"),
        ("apns-push-type", b"alert"),
        ("apns-id", id.to_string().leak().as_bytes()),
    ];
    assert_eq!(reading.digest, digest("POST", &format!("/3/device/{GOOD}"), &headers, b"{}"));
}

#[tokio::test]
async fn prefixes_and_set_fates_decide_the_answer() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut client = Client::connect(&simulator).await;

    let dead = client.push("dead0001").await.unwrap();
    assert_eq!(dead.status, 410);
    assert_eq!(dead.reason(), "Unregistered");
    let since = dead.json()["timestamp"].as_u64().unwrap();
    assert!(since > 1_500_000_000_000, "milliseconds");
    assert_eq!(dead.headers["content-type"], "application/json");

    assert_eq!(client.push("0bad0001").await.unwrap().reason(), "BadDeviceToken");
    assert_eq!(client.push("f10d0001").await.unwrap().status, 429);

    simulator.script_outcome(GOOD, ApnsScriptedOutcome::refusal(503, "ServiceUnavailable"));
    assert_eq!(client.push(GOOD).await.unwrap().status, 503);
}

#[tokio::test]
async fn the_sandbox_has_tokens_of_its_own_and_names_its_answers() {
    let simulator = Simulator::builder().start().await.unwrap();
    simulator.script_outcome(GOOD, ApnsScriptedOutcome::OnlyIn(Environment::Sandbox));
    let mut production = Client::connect(&simulator).await;
    assert_eq!(production.push(GOOD).await.unwrap().reason(), "BadDeviceToken");
    let tls = tls_to(&simulator, Environment::Sandbox, None).await.unwrap();
    let reply = Client::over(tls, production.token.clone()).await.push(GOOD).await.unwrap();
    assert_eq!(reply.status, 200);
    assert!(reply.headers.contains_key("apns-unique-id"));
}

#[tokio::test]
async fn malformed_requests_have_their_reasons() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut client = Client::connect(&simulator).await;
    for token in ["abc", "zz"] {
        assert_eq!(client.push(token).await.unwrap().reason(), "BadDeviceToken");
    }
    assert_eq!(client.push("").await.unwrap().reason(), "MissingDeviceToken");

    let request = Request::get("https://localhost/3/device/00").body(()).unwrap();
    let reply = client.push_request(request, "").await.unwrap();
    assert_eq!((reply.status.as_u16(), reply.reason().as_str()), (405, "MethodNotAllowed"));

    let request = Request::post("https://localhost/3/devices/00").body(()).unwrap();
    let reply = client.push_request(request, "").await.unwrap();
    assert_eq!((reply.status.as_u16(), reply.reason().as_str()), (404, "BadPath"));

    let mut request = client.request(GOOD);
    request.headers_mut().append("apns-topic", "com.example.app".parse().unwrap());
    assert_eq!(client.push_request(request, "{}").await.unwrap().reason(), "DuplicateHeaders");
}

#[tokio::test]
async fn a_payload_too_large_is_413() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut client = Client::connect(&simulator).await;
    let payload = format!("{{\"a\":\"{}\"}}", "x".repeat(40_000));
    let request = client.request(GOOD);
    let reply = client.push_request(request, &payload).await.unwrap();
    assert_eq!((reply.status.as_u16(), reply.reason().as_str()), (413, "PayloadTooLarge"));
    let reading = simulator.journal().by_device_token(GOOD).remove(0).read.unwrap();
    assert_eq!(reading.body_len, payload.len() as u64);
}

#[tokio::test]
async fn a_body_behind_a_tiny_window_arrives_whole() {
    let simulator = Simulator::builder().initial_window_size(16).keep_bodies(9).start().await.unwrap();
    let mut client = Client::trusted(&simulator).await;
    let payload = format!("{{\"a\":\"{}\"}}", "x".repeat(4000));
    let request = client.request("aa");
    assert_eq!(client.push_request(request, &payload).await.unwrap().status, 200);
    let reading = simulator.journal().by_device_token("aa").remove(0).read.unwrap();
    assert_eq!(reading.body.unwrap(), payload);
}

#[tokio::test]
async fn duplicates_are_visible() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut client = Client::connect(&simulator).await;
    for token in [GOOD, GOOD, "0001", "dead", "dead"] {
        client.push(token).await.unwrap();
    }
    simulator.journal().wait_for_answered(5, PATIENCE).await.unwrap();
    let duplicates = simulator.journal().duplicates();
    assert_eq!(duplicates.len(), 1, "a dead token is not delivered to, however often");
    assert_eq!(duplicates[GOOD], 2);
}

#[tokio::test]
async fn a_broadcast_needs_a_channel() {
    let simulator = Simulator::builder().start().await.unwrap();
    simulator.add_channel("com.example.app", "Y2hhbm5lbA==", StoragePolicy::Nothing);
    let token = simulator.provider_key().sign(simulator.clock().now_s()).unwrap();
    let mut client = Client::over(tls(&simulator, None).await.unwrap(), Some(token.clone())).await;
    let request = |channel: &str, expiration: &str| {
        Request::post("https://localhost/4/broadcasts/apps/com.example.app")
            .header("authorization", format!("Bearer {token}"))
            .header("apns-push-type", "liveactivity")
            .header("apns-channel-id", channel)
            .header("apns-expiration", expiration)
            .body(())
            .unwrap()
    };
    let sent = client.push_request(request("Y2hhbm5lbA==", "0"), "{}").await.unwrap();
    assert_eq!(sent.status, 200);
    assert!(sent.headers.contains_key("apns-request-id"));
    let kept = client.push_request(request("Y2hhbm5lbA==", "9"), "{}").await.unwrap();
    assert_eq!(kept.reason(), "BadExpirationDate");
    let unknown = client.push_request(request("b3RoZXI=", "0"), "{}").await.unwrap();
    assert_eq!((unknown.status.as_u16(), unknown.reason().as_str()), (400, "ChannelNotRegistered"));
}
