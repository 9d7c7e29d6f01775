//! What is wrong with a call, as its caller is told.

use http::{Method, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};

use super::{JSON, LINES, answer, call, post, push, request, world};
use crate::harness::good;

/// Posts a text that is wrong, and returns status, reason, field, line, column and detail.
async fn wrong(world: &crate::harness::World, body: &str) -> (u16, String, String, Value, Value, String) {
    let (status, fields, said) =
        answer(world, "/v1/pushes", &[("content-type", JSON)], body.to_owned()).await;
    assert_eq!(fields["content-type"], "application/problem+json");
    assert_eq!((&said["type"], &said["status"]), (&json!("about:blank"), &json!(status.as_u16())), "{said}");
    assert_eq!(said["title"], status.canonical_reason().unwrap());
    let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
    (
        status.as_u16(),
        text("reason"),
        text("field"),
        said["line"].clone(),
        said["column"].clone(),
        text("detail"),
    )
}

#[tokio::test]
async fn a_mistake_in_json_says_where_it_is_and_what_was_expected() {
    let world = world(|_| {}).await;
    let (mut said, mut expected) = (Vec::new(), Vec::new());
    for (body, field, (line, column), what) in [
        ("", "", (1, 1), "this is no JSON: EOF while parsing a value"),
        ("[]", "", (1, 1), "expected an object, found a list"),
        ("{\"app\":\"shop\",", "", (1, 14), "this is no JSON: EOF while parsing a value"),
        ("{\n \"app\": \"shop\"\n \"id\": 1}", "", (3, 2), "this is no JSON: expected `,` or `}`"),
        ("{} {}", "", (1, 4), "this is no JSON: trailing characters"),
        ("{\n \"app\": 7}", "app", (2, 9), "expected a string, found a number"),
        ("{\"titel\": \"x\"}", "titel", (1, 8), "there is no such member"),
        ("\u{feff}{\"titel\": \"x\"}", "titel", (1, 8), "there is no such member"),
        ("{\"titel\": 1e999}", "", (1, 15), "this is no JSON: number out of range"),
        ("\"app\": \"shop\"", "", (1, 6), "this is no JSON: trailing characters"),
        (
            "{\"content\": {\"notification\": {\"titel\": \"x\"}}}",
            "content.notification.titel",
            (1, 37),
            "there is no such member (did you mean `title`?)",
        ),
        (
            "{\"options\": {\"priority\": \"HIGH\"}}",
            "options.priority",
            (1, 31),
            "expected one of PRIORITY_UNSPECIFIED, PRIORITY_HIGH, PRIORITY_NORMAL, PRIORITY_LOW, found another string",
        ),
        (
            "{\"options\": {\"ttl\": \"an hour\"}}",
            "options.ttl",
            (1, 29),
            "expected a duration in seconds such as \"3.5s\", found another string",
        ),
        (
            "{\"options\": {\"ttl\": 60}}",
            "options.ttl",
            (1, 22),
            "expected a duration in seconds such as \"3.5s\", found a number",
        ),
        (
            "{\"options\": {\"expireAt\": \"tomorrow\"}}",
            "options.expireAt",
            (1, 35),
            "expected a moment such as \"2026-01-31T08:00:00Z\", found another string",
        ),
        ("{\"labels\": {\"a\": [1]}}", "labels.a", (1, 17), "expected a string, found a list"),
        ("{\"labels\": 1}", "labels", (1, 12), "expected an object, found a number"),
        (
            "{\"content\": {\"webPush\": {\"payload\": \"%%%\"}}}",
            "content.webPush.payload",
            (1, 41),
            "expected bytes as base64 in a string, found another string",
        ),
        (
            "{\"pushes\": [{}],\n \"multicasts\": [{\"addressees\": [{}, {\"target\": 1}]}]}",
            "multicasts[0].addressees[1].target",
            (2, 48),
            "expected an object, found a number",
        ),
        ("{\"pushes\": 1}", "pushes", (1, 12), "expected a list, found a number"),
        ("{\"pushes\": [], \"titel\": 1}", "titel", (1, 22), "there is no such member"),
    ] {
        let (status, reason, at, found_line, found_column, detail) = wrong(&world, body).await;
        assert_eq!((status, reason.as_str(), at.as_str()), (400, "FIELD_INVALID", field), "{body}: {detail}");
        let colon = if field.is_empty() { "" } else { ": " };
        said.push((body, (found_line, found_column), detail));
        expected.push((
            body,
            (json!(line), json!(column)),
            format!("line {line}, column {column}: {field}{colon}{what}"),
        ));
    }
    assert_eq!(said, expected);
}

#[tokio::test]
async fn a_mistake_repeats_no_value() {
    let world = world(|_| {}).await;
    for body in [
        "{\"app\": {\"a-secret\": 1}}",
        "{\"target\": \"a-secret\"}",
        "{\"target\": {\"apns\": \"a-secret\"}}",
        "{\"options\": {\"priority\": \"a-secret\"}}",
        "{\"options\": {\"ttl\": \"a-secret\"}}",
        "{\"id\": \"a-secret",
        "{\"content\": {\"notification\": {\"badge\": \"a-secret\"}}}",
    ] {
        let (.., detail) = wrong(&world, body).await;
        assert!(!detail.contains("a-secret"), "{body}: {detail}");
    }
}

#[tokio::test]
async fn a_call_has_one_to_a_thousand_items() {
    let world = world(|_| {}).await;
    let (status, said) = post(&world, &json!({"pushes": []})).await;
    assert_eq!((status, &said["reason"]), (StatusCode::BAD_REQUEST, &json!("FIELD_REQUIRED")), "{said}");
    let many: Vec<_> = (0..1001).map(|_| json!({})).collect();
    let (status, said) = post(&world, &json!({"pushes": many})).await;
    assert_eq!((status, &said["reason"]), (StatusCode::BAD_REQUEST, &json!("FIELD_TOO_LARGE")), "{said}");
    assert_eq!(said["field"], "pushes");
}

#[tokio::test]
async fn a_push_and_what_is_not_in_pushes_are_bounded() {
    let world = world(|config| config.http[0].json.as_mut().unwrap().max_push_bytes = 1000).await;
    let mut large = push(&good(1));
    large["id"] = json!("large");
    large["content"]["notification"]["body"] = json!("x".repeat(1000));
    let bytes = large.to_string().len();
    let detail = format!("expected a push of at most 1000 bytes (http.json.max_push_bytes), found {bytes}");
    let (status, said) = post(&world, &large).await;
    assert_eq!((status, &said["detail"]), (StatusCode::PAYLOAD_TOO_LARGE, &json!(detail)));
    let (status, said) = post(&world, &json!({"pushes": [push(&good(0)), large]})).await;
    let (first, second) = (&said["results"][0], &said["results"][1]);
    assert_eq!((status, &first["outcome"]), (StatusCode::OK, &json!("OUTCOME_ACCEPTED")));
    assert_eq!((&second["reason"], &second["detail"]), (&json!("REASON_FIELD_TOO_LARGE"), &json!(detail)));
    assert_eq!(second["id"], "large");
    // Each of them has no items, and takes many times its bytes once it is read.
    let many: Vec<_> = (0..64_000).map(|_| json!({})).collect();
    let (status, said) = post(&world, &json!({"multicasts": many})).await;
    assert_eq!(
        (status, &said["reason"]),
        (StatusCode::PAYLOAD_TOO_LARGE, &json!("FIELD_TOO_LARGE")),
        "{said}"
    );
}

#[tokio::test]
async fn bodies_answers_methods_and_paths_are_those_that_there_are() {
    let world = world(|_| {}).await;
    let body = || Full::new(push(&good(1)).to_string().into());
    let gzip = ("content-encoding", "gzip");
    for (method, path, fields, expected, reason) in [
        (Method::POST, "/v1/pushes", vec![("content-type", "text/plain")], 415, json!("NOT_SUPPORTED")),
        (Method::POST, "/v1/pushes", vec![], 415, json!("NOT_SUPPORTED")),
        (Method::POST, "/v1/pushes", vec![("content-type", JSON), gzip], 415, json!("NOT_SUPPORTED")),
        (
            Method::POST,
            "/v1/pushes",
            vec![("content-type", JSON), ("accept", "text/html")],
            406,
            json!("NOT_SUPPORTED"),
        ),
        (Method::POST, "/v1/batch", vec![("content-type", JSON)], 415, json!("NOT_SUPPORTED")),
        (
            Method::POST,
            "/v1/batch",
            vec![("content-type", LINES), ("accept", JSON)],
            406,
            json!("NOT_SUPPORTED"),
        ),
        (Method::GET, "/v1/pushes", vec![], 405, Value::Null),
        (Method::POST, "/v1/openapi.json", vec![], 405, Value::Null),
        (Method::POST, "/v1/push", vec![("content-type", JSON)], 404, Value::Null),
    ] {
        let answer = call(&world, request(method.clone(), path, &fields, body())).await;
        assert_eq!(answer.status().as_u16(), expected, "{method} {path} {fields:?}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        assert_eq!(expected == 405, answer.headers().contains_key("allow"));
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let said: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(said["reason"], reason, "{method} {path} {said}");
    }
    assert_eq!(world.simulator.journal().arrived(), 0);
}

#[tokio::test]
async fn the_description_is_served_to_anybody() {
    let world = world(|_| {}).await;
    let answer = call(&world, request(Method::GET, "/v1/openapi.json", &[], Full::default())).await;
    assert_eq!(answer.headers()["content-type"], JSON);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, include_str!("../../../docs/openapi.json"));
}
