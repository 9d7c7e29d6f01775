//! Calls over HTTP: each ingress makes its pushes a part of the caller's trace.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::*;
use crate::harness::{SOON, until};
use crate::matrix::pushkey;

/// One listener that serves every ingress.
const LISTENER: &str = "[[http]]\nlisten = \"127.0.0.1:0\"\nserve = [\"json\", \"mattermost\", \"matrix\"]\n\
                        [http.mattermost.platforms]\napple_rn = \"shop\"\n\
                        [http.matrix.apps.\"com.example.ios\"]\napp = \"shop\"\n";

/// The address of the HTTP listener, which the log tells. A line may come after what it tells of.
async fn address(gateway: &Operated) -> String {
    until(|| gateway.log().contains("\"serving\"")).await;
    let log = gateway.log();
    let line = log.lines().find(|line| line.contains("\"serving\"")).expect("a gateway says that it serves");
    line.split_once("\"http\":\"[").unwrap().1.split_once(']').unwrap().0.to_owned()
}

/// Posts a body as a caller that has a span, and returns the status of the answer.
async fn post(to: &str, path: &str, media_type: &str, flags: &str, body: &str) -> u16 {
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: push.example:8066\r\nconnection: close\r\ncontent-type: {media_type}\r\n\
         traceparent: 00-{TRACE}-{CALLER}-{flags}\r\ntracestate: shop=1\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(SOON, stream.read_to_string(&mut answer)).await.expect("an answer comes").unwrap();
    answer.split(' ').nth(1).unwrap_or_else(|| panic!("an answer has a status: {answer:?}")).parse().unwrap()
}

/// A push as JSON.
fn json_push(token: &str) -> serde_json::Value {
    json!({"app": "shop", "target": {"apns": {"token": token}}, "content": {"notification": {"title": "Hello"}}})
}

/// The span of the one call that came to this path.
async fn call_to(collector: &Collector, route: &str) -> Span {
    let [call] = collector.spans(&format!("POST {route}"), 1).await.try_into().unwrap();
    assert_eq!((hex(&call.trace_id), hex(&call.parent_span_id)), (TRACE.to_owned(), CALLER.to_owned()));
    assert_eq!((call.trace_state.as_str(), kind(&call)), ("shop=1", SpanKind::Server));
    for (key, value) in [
        ("http.request.method", "POST"),
        ("http.route", route),
        ("url.path", route),
        ("url.scheme", "http"),
        ("network.protocol.version", "1.1"),
        ("server.address", "push.example"),
        ("server.port", "8066"),
        ("fanfare.caller", "anyone"),
    ] {
        assert_eq!(attribute(&call, key).as_deref(), Some(value), "{key} of {call:?}");
    }
    call
}

fn status(span: &Span) -> Option<String> {
    attribute(span, "http.response.status_code")
}

#[tokio::test]
async fn a_call_over_http_is_a_part_of_its_callers_trace_with_its_pushes_below_it() {
    let collector = loopback().await;
    let (folder, _simulator) = traced(collector.address, &format!("sample_ratio = 0.0\n{LISTENER}")).await;
    let gateway = Operated::start(folder.path(), &[]).await;
    let to = address(&gateway).await;
    let media_type = "application/json";
    let one = json_push(&good(1)).to_string();
    assert_eq!(post(&to, "/v1/pushes", media_type, "01", &one).await, 200);
    let json = call_to(&collector, "/v1/pushes").await;

    let message = json!({"platform": "apple_rn", "server_id": "srv", "device_id": good(2), "type": "message",
        "message": "hi", "ack_id": "a".repeat(26), "version": "v2"});
    let key = "fanfare_a-key-that-nobody-may-see";
    let path = format!("/k/{key}/api/v1/send_push");
    assert_eq!(post(&to, &path, media_type, "01", &message.to_string()).await, 200);
    let mattermost = call_to(&collector, "/api/v1/send_push").await;

    let device = |number| json!({"app_id": "com.example.ios", "pushkey": pushkey(number), "data": {}});
    let event = json!({"notification": {"event_id": "$1", "room_id": "!r:example.org", "type": "m.room.message",
        "sender": "@alice:example.org", "prio": "high", "content": {"msgtype": "m.text", "body": "hello"},
        "counts": {"unread": 1}, "devices": [device(3), device(4)]}});
    assert_eq!(post(&to, "/_matrix/push/v1/notify", media_type, "01", &event.to_string()).await, 200);
    let matrix = call_to(&collector, "/_matrix/push/v1/notify").await;

    let pushes = collector.spans("push", 4).await;
    let attempts = collector.spans("attempt", 4).await;
    for (call, count) in [(&json, 1), (&mattermost, 1), (&matrix, 2)] {
        assert_eq!(status(call).as_deref(), Some("200"), "{call:?}");
        let below: Vec<_> = pushes.iter().filter(|push| is_child(push, call)).collect();
        assert_eq!(below.len(), count, "{call:?} {pushes:?}");
        assert!(below.iter().all(|push| attempts.iter().any(|attempt| is_child(attempt, push))));
    }
    assert!(!(collector.everything() + &gateway.log()).contains(key));
}

#[tokio::test]
async fn the_status_is_told_whoever_is_at_fault_and_whoever_does_not_trace_is_not_traced() {
    let collector = loopback().await;
    let (folder, _simulator) = traced(collector.address, &format!("sample_ratio = 1.0\n{LISTENER}")).await;
    let gateway = Operated::start(folder.path(), &[]).await;
    let to = address(&gateway).await;
    // A push that says nothing is answered with what is wrong with it.
    assert_eq!(post(&to, "/v1/pushes", "application/json", "00", "{}").await, 200);
    // A path that leads nowhere has no caller, and begins no span.
    assert_eq!(post(&to, "/nowhere", "application/json", "01", "{}").await, 404);
    assert_eq!(post(&to, "/v1/pushes", "application/json", "01", "no JSON").await, 400);
    let call = call_to(&collector, "/v1/pushes").await;
    assert_eq!(status(&call).as_deref(), Some("400"));
    // It is the caller's fault.
    assert_eq!((attribute(&call, "error.type"), call.status.unwrap_or_default().code), (None, 0));
    assert!(!collector.everything().contains("nowhere"));
}

#[tokio::test]
async fn the_lines_of_a_batch_are_traces_that_are_linked_to_it() {
    let collector = loopback().await;
    let (folder, _simulator) = traced(collector.address, &format!("sample_ratio = 1.0\n{LISTENER}")).await;
    let gateway = Operated::start(folder.path(), &[]).await;
    let lines: String = (1..3).map(|number| format!("{}\n", json_push(&good(number)))).collect();
    assert_eq!(post(&address(&gateway).await, "/v1/batch", "application/x-ndjson", "01", &lines).await, 200);

    let call = call_to(&collector, "/v1/batch").await;
    assert_eq!(status(&call).as_deref(), Some("200"));
    let items = collector.spans("item", 2).await;
    let pushes = collector.spans("push", 2).await;
    for item in &items {
        assert!(item.parent_span_id.is_empty() && item.trace_id != call.trace_id);
        let [link] = &item.links[..] else { panic!("{item:?}") };
        assert_eq!((&link.trace_id, &link.span_id), (&call.trace_id, &call.span_id));
        assert!(pushes.iter().any(|push| is_child(push, item)));
    }
}
