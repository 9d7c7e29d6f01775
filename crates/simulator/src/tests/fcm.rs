//! What FCM answers, and that every fault of the wire strikes FCM too.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{PATIENCE, finish};
use super::google::{OTHER, PROJECT, Sender, code, detail};
use crate::journal::RequestOutcome;
use crate::{
    AfterGoAway, Fault, FaultRule, FcmRefusal, FcmScriptedOutcome, FcmSettings, GoAway, HangUp, LastId,
    Phase, Quota, Rate, RetryAfter, Service, Simulator, Trigger, fcm_scripted_words,
};

async fn sender() -> (Simulator, Sender) {
    let simulator = Simulator::builder().keep_bodies(9).start().await.unwrap();
    let sender = Sender::new(&simulator).await;
    (simulator, sender)
}

#[tokio::test]
async fn every_row_of_the_table_is_answered_so() {
    let (_simulator, mut sender) = sender().await;
    let table: Value = serde_json::from_str(include_str!("../../tests/data/fcm-fates.json")).unwrap();
    let rows = table["answers"].as_array().unwrap();
    for row in rows {
        let reply = sender.send_to(&format!("{}:APA91b", row["word"].as_str().unwrap())).await;
        assert_eq!(u64::from(reply.status.as_u16()), row["http"].as_u64().unwrap(), "{row}");
        let text = |value: Option<Value>, name: &str| value.map_or(Value::Null, |value| value[name].clone());
        assert_eq!(text(detail(&reply, "FcmError"), "errorCode"), row["code"], "{row}");
        assert_eq!(text(detail(&reply, "ApnsError"), "statusCode"), row["apns"][0], "{row}");
        assert_eq!(text(detail(&reply, "ApnsError"), "reason"), row["apns"][1], "{row}");
        assert_eq!(text(detail(&reply, "ErrorInfo"), "reason"), row["info"], "{row}");
        let first = |kind: &str, list: &str, name: &str| {
            detail(&reply, kind).map_or(Value::Null, |detail| detail[list][0][name].clone())
        };
        assert_eq!(first("BadRequest", "fieldViolations", "field"), row["field"], "{row}");
        assert_eq!(first("QuotaFailure", "violations", "subject"), row["quota"], "{row}");
        let retry_after = reply.headers.get("retry-after").map(|value| value.to_str().unwrap());
        let form = retry_after.map(|value| if value.contains("GMT") { "date" } else { "seconds" });
        assert_eq!(form, row["retry_after"].as_str(), "{row}");
        match row.get("status") {
            Some(status) => assert_eq!(reply.json()["error"]["status"], *status, "{row}"),
            None if reply.status == 200 => assert!(reply.json()["name"].is_string()),
            None => assert_eq!(reply.headers["content-type"], "text/html; charset=UTF-8", "{row}"),
        }
    }
    // Every word except the one that is never answered is in the table.
    for outcome in fcm_scripted_words().iter().filter(|row| row.outcome != FcmScriptedOutcome::Silent) {
        assert!(rows.iter().any(|row| row["word"] == outcome.word), "{}", outcome.word);
    }
}

#[tokio::test]
async fn a_good_message_has_a_name_and_is_in_the_journal() {
    let (simulator, mut sender) = sender().await;
    let reply = sender.send_to("ok:APA91b").await;
    let name = reply.json()["name"].as_str().unwrap().to_owned();
    assert!(name.starts_with("projects/demo-project/messages/0:"), "{name}");
    let entry = simulator.journal().by_device_token("ok:APA91b").remove(0);
    assert_eq!(entry.service, Service::Fcm);
    assert!(entry.may_be_delivered());
    assert!(entry.read.unwrap().body.unwrap().starts_with(br#"{"message":"#));

    let dry = sender.post(PROJECT, r#"{"validateOnly":true,"message":{"token":"ok:dry"}}"#).await;
    assert_eq!(dry.json()["name"], "projects/demo-project/messages/fake_message_id");
    assert!(!simulator.journal().by_device_token("ok:dry")[0].may_be_delivered());
    let dead = sender.post(PROJECT, r#"{"validate_only":true,"message":{"token":"unregistered:1"}}"#).await;
    assert_eq!(dead.status, 404, "a dry run finds out about the token");
}

#[tokio::test]
async fn who_asks_is_checked_before_what_is_asked() {
    let (simulator, mut sender) = sender().await;
    let foreign = sender.post(OTHER, "not json").await;
    assert_eq!(foreign.status, 403);
    assert_eq!(detail(&foreign, "ErrorInfo").unwrap()["reason"], "IAM_PERMISSION_DENIED");
    let unknown = sender.post("no-project", "{}").await;
    assert_eq!((unknown.status.as_u16(), code(&unknown)), (404, None));
    let good = sender.token.clone();
    for token in ["", "ya29.other"] {
        sender.token = token.to_owned();
        let reply = sender.post(PROJECT, "{}").await;
        assert_eq!((reply.status.as_u16(), code(&reply)), (401, None));
        assert_eq!(reply.json()["error"]["status"], "UNAUTHENTICATED");
    }
    sender.token = good;
    assert_eq!(sender.send_to("ok:1").await.status, 200);
    simulator.fcm().revoke_access_tokens();
    assert_eq!(sender.send_to("ok:1").await.status, 401);
}

#[tokio::test]
async fn an_access_token_expires_by_the_clock() {
    let settings = FcmSettings { token_lifetime: Duration::from_secs(60), ..FcmSettings::default() };
    let simulator = Simulator::builder().fcm(settings).start().await.unwrap();
    let mut sender = Sender::new(&simulator).await;
    assert_eq!(sender.send_to("ok:1").await.status, 200);
    simulator.clock().advance(Duration::from_secs(61));
    assert_eq!(sender.send_to("ok:1").await.status, 401);
    assert_eq!(simulator.counters().access_tokens_issued, 1);
}

#[tokio::test]
async fn what_is_wrong_with_a_message_is_said_with_its_field() {
    let (_simulator, mut sender) = sender().await;
    let data = |bytes: usize| json!({ "k": "x".repeat(bytes - 1) });
    // Each row has the message, the status, whether FCM's own code comes along, and the field.
    let refused = [
        (json!({}), true, "message"),
        (json!({ "token": "a", "topic": "b" }), false, "message"),
        (json!({ "to": "a" }), false, "message"),
        (json!({ "token": "a b" }), true, ""),
        (json!({ "token": 7 }), false, "message.token"),
        (json!({ "token": "a", "data": { "k": 1 } }), false, "message.data[0].value"),
        (json!({ "token": "a", "data": { "from": "x" } }), true, "message.data"),
        (json!({ "token": "a", "data": { "message_type": "x" } }), true, "message.data"),
        (json!({ "token": "a", "data": { "gcm.x": "x" } }), true, "message.data"),
        (json!({ "token": "a", "android": { "data": { "google.x": "x" } } }), true, "message.data"),
        (json!({ "token": "a", "android": { "ttl": "2419201s" } }), true, "message.android.ttl"),
        (json!({ "token": "a", "android": { "ttl": "-1s" } }), true, "message.android.ttl"),
        (json!({ "token": "a", "android": { "ttl": "a day" } }), false, "message.android.ttl"),
        (json!({ "token": "a", "android": { "priority": "URGENT" } }), false, "message.android.priority"),
        (json!({ "topic": "/topics/a" }), true, "message.topic"),
        (json!({ "condition": "'a' in topics &&" }), true, "message.condition"),
        (
            json!({ "token": "a", "webpush": { "fcm_options": { "link": "http://a" } } }),
            true,
            "message.webpush.fcm_options.link",
        ),
        (json!({ "token": "a", "data": data(4097) }), true, ""),
        (json!({ "topic": "a", "data": data(2049) }), true, ""),
        (json!({ "token": "a", "data": data(100_000) }), true, ""),
    ];
    for (message, fcm, field) in refused {
        let reply = sender.send(&message).await;
        assert_eq!(reply.status, 400, "{message}");
        assert_eq!(reply.json()["error"]["status"], "INVALID_ARGUMENT", "{message}");
        assert_eq!(code(&reply).is_some(), fcm, "{message}");
        let named = detail(&reply, "BadRequest").map(|it| it["fieldViolations"][0]["field"].clone());
        assert_eq!(named.unwrap_or_else(|| "".into()), field, "{message}");
    }
    let accepted = [
        json!({ "token": "a", "data": data(4096) }),
        json!({ "topic": "a", "data": data(2048) }),
        json!({ "fid": "f" }),
        json!({ "condition": "'a' in topics && !('b' in topics)" }),
        json!({ "token": "a", "android": { "ttl": "2419200s", "collapseKey": "k", "priority": "high" } }),
        json!({ "token": "a", "apns": { "headers": { "apns-priority": "5" }, "payload": { "aps": {} } } }),
    ];
    for message in accepted {
        let reply = sender.send(&message).await;
        assert_eq!(reply.status, 200, "{message}: {reply:?}");
    }
    assert_eq!(sender.post(PROJECT, "{").await.status, 400);
}

#[tokio::test]
async fn tokens_belong_to_projects_and_set_fates_come_first() {
    let (simulator, mut sender) = sender().await;
    assert_eq!(sender.send_to("ok.demo-project:1").await.status, 200);
    let reply = sender.send_to("ok.other-project:1").await;
    assert_eq!((reply.status.as_u16(), code(&reply).unwrap().as_str()), (403, "SENDER_ID_MISMATCH"));
    let refusal = FcmRefusal::new(503, "UNAVAILABLE", "later").code("UNAVAILABLE");
    simulator.fcm().script_outcome("ok:2", FcmScriptedOutcome::Refused(refusal));
    assert_eq!(sender.send_to("ok:2").await.status, 503);
}

#[tokio::test]
async fn quotas_are_by_the_minute_of_projects_and_devices() {
    let (simulator, mut sender) = sender().await;
    simulator.fcm().set_device_quota(Quota { per_minute: 1, retry_after: RetryAfter::Seconds(60) });
    assert_eq!(sender.send_to("ok:1").await.status, 200);
    let over = sender.send_to("ok:1").await;
    assert_eq!((over.status.as_u16(), code(&over).unwrap().as_str()), (429, "QUOTA_EXCEEDED"));
    assert_eq!(over.headers["retry-after"], "60");
    assert_eq!(sender.send_to("ok:2").await.status, 200, "another device");
    simulator.fcm().set_project_quota(Quota { per_minute: 1, retry_after: RetryAfter::Absent });
    assert_eq!(sender.send_to("ok:3").await.status, 200);
    let over = sender.send_to("ok:4").await;
    assert_eq!(detail(&over, "QuotaFailure").unwrap()["violations"][0]["subject"], "project:demo-project");
    assert!(!over.headers.contains_key("retry-after"));
    simulator.clock().advance(Duration::from_secs(60));
    assert_eq!(sender.send_to("ok:1").await.status, 200, "a new minute");
}

#[tokio::test]
async fn a_rate_of_projects_fills_by_the_clock() {
    let (simulator, mut sender) = sender().await;
    let rate = Rate { per_second: 1, burst: 1, retry_after: RetryAfter::Seconds(1) };
    simulator.fcm().set_project_rate(Some(rate));
    assert_eq!(sender.send_to("ok:1").await.status, 200);
    let over = sender.send_to("ok:2").await;
    assert_eq!((over.status.as_u16(), code(&over).unwrap().as_str()), (429, "QUOTA_EXCEEDED"));
    assert_eq!(detail(&over, "QuotaFailure").unwrap()["violations"][0]["subject"], "project:demo-project");
    assert_eq!(over.headers["retry-after"], "1");
    simulator.clock().advance(Duration::from_secs(30));
    assert_eq!(sender.send_to("ok:3").await.status, 200);
    simulator.fcm().set_project_rate(None);
    assert_eq!(sender.send_to("ok:4").await.status, 200);
}

#[tokio::test]
async fn the_stream_limit_holds_from_the_start_and_goaway_speaks_plain_words() {
    let (simulator, mut sender) = sender().await;
    assert_eq!(simulator.connections()[0].limit, 100, "before any token was seen");
    let on_send = Trigger::PathPrefix("/v1/".to_owned());
    simulator.add_fault(FaultRule::always(on_send, Fault::Silence));
    let reason = Some("session_timed_out".to_owned());
    let goaway = GoAway { last: LastId::Exact(1), code: 0, reason, then: AfterGoAway::Drain };
    let request = sender.request(PROJECT);
    let waiting = sender.client.start_request(request, r#"{"message":{"token":"ok:1"}}"#).await;
    simulator.journal().wait_for_read(2, PATIENCE).await.unwrap();
    simulator.on_connection(1, &Fault::GoAway(goaway)).unwrap();
    let error = finish(waiting).await.unwrap_err().to_string();
    assert!(error.contains("session_timed_out") && !error.contains("reason"), "{error}");
}

#[tokio::test]
async fn faults_of_the_wire_strike_fcm_too() {
    let (simulator, mut sender) = sender().await;
    let on_token = |token: &str, fault| FaultRule::once(Trigger::DeviceToken(token.to_owned()), fault);
    let reset = Fault::ResetStream { code: 2, at: Phase::AfterBody };
    simulator.add_fault(on_token("ok:reset", reset));
    simulator.add_fault(on_token("ok:refused", Fault::RefuseThenClosed));
    simulator.add_fault(on_token("ok:gone", Fault::HangUp { how: HangUp::Reset, at: Phase::AfterBody }));
    for (token, outcome) in [("ok:reset", RequestOutcome::Reset(2)), ("ok:refused", RequestOutcome::Refused)]
    {
        let request = sender.request(PROJECT);
        let body = json!({ "message": { "token": token } }).to_string();
        sender.client.push_request(request, &body).await.unwrap_err();
        assert_eq!(simulator.journal().by_device_token(token)[0].outcome, outcome);
    }
    assert_eq!(sender.send_to("ok:1").await.status, 200, "the connection goes on");
    let request = sender.request(PROJECT);
    let body = json!({ "message": { "token": "ok:gone" } }).to_string();
    sender.client.push_request(request, &body).await.unwrap_err();
    assert_eq!(simulator.journal().by_device_token("ok:gone")[0].outcome, RequestOutcome::Unanswered);
}

#[tokio::test]
async fn topics_have_subscribers() {
    let (simulator, mut sender) = sender().await;
    let batch =
        json!({ "to": "/topics/news", "registration_tokens": ["ok:1", "unregistered:2"] }).to_string();
    let mut ask = async |what: &str, flag: bool| {
        let mut request = sender.request(PROJECT);
        *request.uri_mut() = format!("https://localhost/iid/v1:batch{what}").parse().unwrap();
        if flag {
            request.headers_mut().insert("access_token_auth", "true".parse().unwrap());
        }
        sender.client.push_request(request, &batch).await.unwrap()
    };
    assert_eq!(ask("Add", false).await.status, 401);
    assert_eq!(ask("Add", true).await.json()["results"], json!([{}, { "error": "NOT_FOUND" }]));
    assert_eq!(simulator.fcm().subscribers("news"), 1);
    ask("Remove", true).await;
    assert_eq!(simulator.fcm().subscribers("news"), 0);
}

#[tokio::test]
async fn a_path_that_is_none_is_a_page() {
    let (_simulator, mut sender) = sender().await;
    let mut request = sender.request(PROJECT);
    *request.uri_mut() = "https://localhost/batch".parse().unwrap();
    let reply = sender.client.push_request(request, "").await.unwrap();
    assert_eq!(
        (reply.status.as_u16(), &reply.headers["content-type"]),
        (404, &"text/html; charset=UTF-8".parse().unwrap())
    );
}
