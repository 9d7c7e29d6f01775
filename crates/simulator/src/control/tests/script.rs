//! What a test in another language does: it scripts, waits, reads, and begins anew.

use std::time::Duration;

use serde_json::{Value, json};

use super::api::Api;
use crate::tests::client::{Client, GOOD};

async fn plain() -> Api {
    Api::start(|builder| builder).await
}

#[tokio::test]
async fn a_scripted_fault_strikes_as_often_as_it_says_and_is_gone() {
    let api = plain().await;
    let mut client = Client::connect(&api.simulator).await;
    let added = api.post("/v1/faults", &json!({ "fault": { "refuse": "unavailable" }, "times": 2 })).await;
    assert_eq!((added.status.as_u16(), &added.json["id"]), (201, &json!(1)));
    assert_eq!(client.push(GOOD).await.unwrap().status, 503);
    assert_eq!(api.get("/v1/faults/1").await["times"], 1);
    assert_eq!(client.push(GOOD).await.unwrap().status, 503);
    assert_eq!(client.push(GOOD).await.unwrap().status, 200);
    assert_eq!(api.call("GET", "/v1/faults/1", "").await.status, 404);
    assert_eq!(api.get("/v1/faults").await, json!({ "faults": [] }));
}

#[tokio::test]
async fn a_front_that_passed_a_push_on_may_have_delivered_it() {
    let api = plain().await;
    let mut client = Client::connect(&api.simulator).await;
    for passed_on in [true, false] {
        let front = json!({ "fault": { "front": { "status": 502, "passed_on": passed_on } } });
        assert_eq!(api.post("/v1/faults", &front).await.status, 201);
        let told = client.push(GOOD).await.unwrap();
        assert_eq!(
            (told.status.as_u16(), &told.headers["content-type"]),
            (502, &"text/html".parse().unwrap())
        );
    }
    let page = api.get("/v1/journal?wait=2&stage=settled").await;
    let seen =
        |at: usize| (page["entries"][at]["may_be_delivered"].clone(), page["entries"][at]["reason"].clone());
    assert_eq!(seen(0), (json!(true), json!("front: passed on")));
    assert_eq!(seen(1), (json!(false), json!("front: not passed on")));
}

#[tokio::test]
async fn the_journal_waits_filters_and_comes_in_pages() {
    let api = plain().await;
    let waiting = api.get("/v1/journal?wait=3&stage=settled&token=0a01");
    let pushing = async {
        let mut client = Client::connect(&api.simulator).await;
        for token in ["0a01", "0a02", "0a01", "0a01"] {
            client.push(token).await.unwrap();
        }
    };
    let (waited, ()) = tokio::join!(waiting, pushing);
    assert_eq!((&waited["reached"], waited["entries"].as_array().unwrap().len()), (&json!(true), 3));

    let numbers = |page: &Value| -> Vec<u64> {
        page["entries"].as_array().unwrap().iter().map(|entry| entry["number"].as_u64().unwrap()).collect()
    };
    let first = api.get("/v1/journal?limit=2&token=0a01&service=apns_production").await;
    assert_eq!((numbers(&first), &first["more"], &first["last"]), (vec![1, 3], &json!(true), &json!(3)));
    let second = api.get("/v1/journal?limit=2&token=0a01&after=3").await;
    assert_eq!((numbers(&second), &second["more"], &second["last"]), (vec![4], &json!(false), &json!(4)));
    let none = api.get("/v1/journal?service=fcm&after=4&wait=1&timeout=1ms").await;
    assert_eq!((numbers(&none), &none["reached"], &none["last"]), (vec![], &json!(false), &json!(4)));

    assert_eq!(api.call("DELETE", "/v1/journal", "").await.json, json!({ "removed": 4 }));
    assert_eq!(api.get("/v1/journal").await["entries"], json!([]));
}

#[tokio::test]
async fn a_fate_that_is_set_is_met_by_every_service_until_it_is_unset() {
    let api = plain().await;
    let mut client = Client::connect(&api.simulator).await;
    let set = api.call("PUT", "/v1/fates/apns/0a01", r#"{"like":"dead"}"#).await;
    assert_eq!(set.status, 200, "{}", set.json);
    assert_eq!(client.push("0A01").await.unwrap().status, 410);
    assert_eq!(api.call("DELETE", "/v1/fates/apns/0a01", "").await.status, 204);
    assert_eq!(client.push("0a01").await.unwrap().status, 200);
    assert_eq!(api.call("DELETE", "/v1/fates/apns/0a01", "").await.status, 404);

    let made = api.post("/v1/subscriptions", &json!({ "vendor": "mozilla" })).await.json;
    let endpoint: String =
        form_urlencoded::byte_serialize(made["endpoint"].as_str().unwrap().as_bytes()).collect();
    let outcome = format!("/v1/fates/web_push/{endpoint}");
    assert_eq!(api.call("PUT", &outcome, r#"{"like":"gone"}"#).await.status, 200);
    assert_eq!(api.get("/v1/fates").await["fates"][0]["service"], "web_push");
    assert_eq!(api.call("PUT", "/v1/fates/web_push/%2Fnowhere", r#""good""#).await.status, 404);
    assert_eq!(api.call("PUT", "/v1/fates/fcm/ok%3A1", r#"{"like":"unregistered"}"#).await.status, 200);
    assert_eq!(api.call("DELETE", "/v1/fates", "").await.status, 204);
    assert_eq!(api.get("/v1/fates").await, json!({ "fates": [] }));
}

#[tokio::test]
async fn tokens_that_were_seen_expire_and_new_ones_are_good() {
    let api = plain().await;
    let mut old = Client::connect(&api.simulator).await;
    assert_eq!(old.push(GOOD).await.unwrap().status, 200);
    assert_eq!(api.post("/v1/tokens/expire", &json!({})).await.json["provider_tokens"], 1);
    assert_eq!(old.push(GOOD).await.unwrap().reason(), "ExpiredProviderToken");
    let mut new = Client::connect(&api.simulator).await;
    assert_eq!(new.push(GOOD).await.unwrap().status, 200);

    let key = format!("/v1/provider-keys/{}", api.simulator.provider_key().key_id);
    assert_eq!(api.call("PUT", &key, r#"{"revoked":true}"#).await.status, 200);
    assert_eq!(new.push(GOOD).await.unwrap().reason(), "InvalidProviderToken");
    assert_eq!(api.call("PUT", "/v1/provider-keys/KEY9", r#"{"revoked":true}"#).await.status, 404);
}

#[tokio::test]
async fn a_reset_begins_anew() {
    let api = plain().await;
    let mut client = Client::connect(&api.simulator).await;
    client.push(GOOD).await.unwrap();
    api.post("/v1/faults", &json!({ "fault": "silence", "times": "always" })).await;
    api.call("PUT", "/v1/fates/apns/0a01", r#"{"like":"dead"}"#).await;
    api.post("/v1/clock", &json!({ "forward": "2h" })).await;
    api.post("/v1/channels", &json!({})).await;
    assert_eq!(api.post("/v1/reset", &json!({})).await.status, 204);
    assert_eq!(client.push("0a01").await.unwrap().status, 200);
    let page = api.get("/v1/journal?wait=1&stage=settled").await;
    assert_eq!(page["entries"][0]["number"], 1, "requests are counted anew");
    let counters = api.get("/v1/counters").await;
    assert_eq!((&counters["requests_arrived"], &counters["connections_open"]), (&json!(1), &json!(1)));
    assert_eq!(api.get("/v1/clock").await["ahead_ms"], 0);
    assert_eq!(api.get("/v1/channels").await, json!({ "channels": [] }));
}

#[tokio::test]
async fn an_open_connection_is_struck_by_its_number() {
    let api = plain().await;
    let mut client = Client::connect(&api.simulator).await;
    client.push(GOOD).await.unwrap();
    let path = "/v1/connections/1/faults";
    let refused = api.post(path, &json!({ "fault": "silence" })).await;
    assert_eq!(refused.status, 400);
    assert_eq!(api.post(path, &json!({ "fault": { "goaway": { "reason": "Shutdown" } } })).await.status, 204);
    let ended = tokio::time::timeout(Duration::from_secs(30), client.driver).await.unwrap();
    ended.unwrap().unwrap();
    assert_eq!(api.get("/v1/counters").await["goaways_sent"], 1);
    assert_eq!(
        api.post("/v1/connections/99/faults", &json!({ "fault": { "goaway": {} } })).await.status,
        404
    );
}

#[tokio::test]
async fn a_bad_request_is_told_the_field_what_was_found_and_what_is_expected() {
    let api = plain().await;
    let rule = |rule: Value| ("POST", "/v1/faults", rule.to_string());
    let get = |query: &'static str| ("GET", query, String::new());
    for ((method, path, body), status, field, found, expected) in [
        (rule(json!({ "fault": "silent" })), 400, "fault", "`silent`", "one of `answer`"),
        (rule(json!({ "fault": { "delay": 5 } })), 400, "fault.delay", "integer `5`", "a duration"),
        (rule(json!({ "fault": "silence", "times": 0 })), 400, "times", "integer `0`", "a number from 1 on"),
        (rule(json!({ "fault": "silence", "time": 1 })), 400, "time", "unknown field `time`", "`times`"),
        (rule(json!({ "when": { "service": "apns" }, "fault": "silence" })), 400, "when.service", "", "fcm"),
        (
            rule(json!({ "when": { "probability": 2 }, "fault": "silence" })),
            400,
            "when.probability",
            "2",
            "0 to 1",
        ),
        (rule(json!({ "fault": { "delay": "25h" } })), 400, "fault.delay", "1day 1h", "at most 24h"),
        (
            rule(json!({ "fault": { "answer": { "status": 99 } } })),
            400,
            "fault.answer.status",
            "99",
            "200 to 599",
        ),
        (
            rule(json!({ "fault": { "answer": { "headers": [["a b", ""]] } } })),
            400,
            "fault.answer.headers[0]",
            "\"a b\"",
            "the name of an HTTP header",
        ),
        (get("/v1/journal?limit=0"), 400, "limit", "0", "1 to 1000"),
        (get("/v1/journal?wait=many"), 400, "wait", "\"many\"", "a whole number"),
        (get("/v1/journal?timeout=2h"), 400, "timeout", "\"2h\"", "at most 1m"),
        (get("/v1/journal?apns_id=x"), 400, "apns_id", "\"x\"", "a UUID"),
        (get("/v1/journal?page=2"), 400, "page", "does not exist", "after, service"),
        (get("/v1/journal?after=1&after=2"), 400, "after", "twice", "once"),
        (("PUT", "/v1/fates/apns/0a01", r#"{"like":"worse"}"#.into()), 400, "like", "\"worse\"", "dead"),
        (
            ("PUT", "/v1/fates/fcm/ok%3A1", r#"{"only_in":"sandbox"}"#.into()),
            400,
            "fate",
            "only_in",
            "of APNs alone",
        ),
        (("PUT", "/v1/fates/wns/1", r#""good""#.into()), 400, "service", "\"wns\"", "apns, fcm or web_push"),
        (("POST", "/v1/clock", r#"{"forward":"400days"}"#.into()), 400, "forward", "1year", "366 days"),
        (
            ("POST", "/v1/channels", r#"{"bundle_id":"x"}"#.into()),
            400,
            "bundle_id",
            "\"x\"",
            "com.example.app",
        ),
        (("POST", "/v1/channels", r#"{"channel_id":"?"}"#.into()), 400, "channel_id", "\"?\"", "base64"),
    ] {
        let told = api.call(method, path, body.clone()).await;
        assert_eq!(
            (told.status.as_u16(), &told.json["field"]),
            (status, &json!(field)),
            "{body} {}",
            told.json
        );
        assert_eq!(told.headers["content-type"], "application/problem+json");
        let (said, wanted) = (told.json["found"].as_str(), told.json["expected"].as_str());
        assert!(said.unwrap_or_default().contains(found), "{path} {body} {}", told.json);
        assert!(wanted.unwrap_or_default().contains(expected), "{path} {body} {}", told.json);
        assert!(told.json["detail"].as_str().unwrap().contains(field), "{}", told.json);
    }
    for (body, status) in
        [("{", 400), ("{\"fault\":\"silence\"} x", 400), (&*" ".repeat(70_000), 413), ("", 400)]
    {
        assert_eq!(api.call("POST", "/v1/faults", body.to_owned()).await.status.as_u16(), status);
    }
    assert_eq!(api.call("GET", "/v2/journal", "").await.status, 404);
    assert_eq!(api.get("/v1/faults").await, json!({ "faults": [] }), "nothing bad was taken");
}
