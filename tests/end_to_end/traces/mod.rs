//! Traces: a collector is sent the spans of calls, pushes and attempts, and they are parts of the caller's trace.

mod collector;
mod http;

use std::path::Path;

use fanfare::proto::{self, Outcome, SendBatchRequest, SendPushRequest, SendPushesRequest};
use fanfare_simulator::Simulator;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use tokio::net::TcpListener;
use tonic::Request;

use crate::harness::{good, push};
use crate::operated::{Client, Operated, folder};
use collector::{Collector, KEY, SECRET, attribute};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// A folder with a gateway that sends its traces to this address, and the simulator that it leads to.
async fn traced(address: std::net::SocketAddr, settings: &str) -> (tempfile::TempDir, Simulator) {
    let (folder, simulator) = folder("").await;
    let file = folder.path().join("fanfare.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let traces = format!(
        "[traces]\nendpoint = \"http://{address}\"\nheaders_file = \"key\"\nbatch_delay = \"10ms\"\n{settings}\n"
    );
    std::fs::write(&file, text + &traces).unwrap();
    write_secret(&folder.path().join("key"), &format!("{KEY}: {SECRET}\n"));
    (folder, simulator)
}

fn write_secret(file: &Path, text: &str) {
    std::fs::write(file, text).unwrap();
}

async fn loopback() -> Collector {
    Collector::grpc("127.0.0.1:0".parse().unwrap()).await
}

/// A request of a caller that has a span, and traces or does not.
fn of_caller<T>(message: T, flags: &str) -> Request<T> {
    let mut request = Request::new(message);
    let parent = format!("00-{TRACE}-{CALLER}-{flags}");
    request.metadata_mut().insert("traceparent", parent.parse().unwrap());
    request.metadata_mut().insert("tracestate", "shop=1".parse().unwrap());
    request
}

async fn send(client: &mut Client, token: &str, flags: &str) -> proto::PushResult {
    let message = SendPushRequest { push: Some(Box::new(push(token))) };
    client.send_push(of_caller(message, flags)).await.unwrap().into_inner().result.unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_child(child: &Span, parent: &Span) -> bool {
    child.trace_id == parent.trace_id && child.parent_span_id == parent.span_id
}

fn kind(span: &Span) -> SpanKind {
    SpanKind::try_from(span.kind).unwrap()
}

const SEND_PUSH: &str = "fanfare.push.v1.PushService/SendPush";

#[tokio::test]
async fn a_push_is_a_part_of_its_callers_trace() {
    let collector = loopback().await;
    let (folder, simulator) = traced(collector.address, "sample_ratio = 0.0").await;
    let gateway = Operated::start(folder.path(), &[]).await;
    let mut client = gateway.client().await;
    let result = send(&mut client, &good(1), "01").await;
    assert_eq!(result.outcome(), Outcome::Accepted);

    let [call] = collector.spans(SEND_PUSH, 1).await.try_into().unwrap();
    let [push] = collector.spans("push", 1).await.try_into().unwrap();
    let [attempt] = collector.spans("attempt", 1).await.try_into().unwrap();
    assert_eq!((hex(&call.trace_id), hex(&call.parent_span_id)), (TRACE.to_owned(), CALLER.to_owned()));
    assert_eq!(call.trace_state, "shop=1");
    assert!(is_child(&push, &call) && is_child(&attempt, &push));
    assert_eq!([&call, &push, &attempt].map(kind), [SpanKind::Server, SpanKind::Internal, SpanKind::Client]);
    let authority = gateway.serving.grpc.strip_prefix("http://").unwrap();
    let upstream = simulator.origin(fanfare_simulator::Environment::Production);
    for (span, key, value) in [
        (&call, "rpc.system", "grpc"),
        (&call, "rpc.service", "fanfare.push.v1.PushService"),
        (&call, "rpc.method", "SendPush"),
        (&call, "rpc.response.status_code", "OK"),
        (&call, "server.port", authority.rsplit(':').next().unwrap()),
        (&push, "messaging.message.id", &result.id),
        (&push, "fanfare.app", "shop"),
        (&push, "fanfare.provider", "apns"),
        (&push, "fanfare.outcome", "accepted"),
        (&attempt, "http.request.method", "POST"),
        (&attempt, "http.response.status_code", "200"),
        (&attempt, "server.port", upstream.rsplit(':').next().unwrap()),
        (&attempt, "fanfare.outcome", "accepted"),
    ] {
        assert_eq!(attribute(span, key).as_deref(), Some(value), "{key} of {span:?}");
    }
    assert_eq!(collector.resource("service.name").as_deref(), Some("fanfare"));
    // Each line of the push has its id, its app and its trace.
    let lines = gateway.lines(&["\"verdict\"", &result.id, "\"app\":\"shop\"", TRACE]);
    assert_eq!(lines, 1, "{}", gateway.log());
}

#[tokio::test]
async fn a_failure_is_told_without_the_device_token() {
    let collector = loopback().await;
    let (folder, _simulator) = traced(collector.address, "").await;
    let gateway = Operated::start(folder.path(), &[]).await;
    let mut client = gateway.client().await;
    let dead = format!("dead{:060x}", 7);
    assert_eq!(send(&mut client, &dead, "01").await.outcome(), Outcome::Unregistered);
    // What cannot be sent is in the trace as well.
    assert_eq!(send(&mut client, "no token", "01").await.outcome(), Outcome::InvalidToken);
    let no_push = of_caller(SendPushRequest { push: None }, "01");
    assert_eq!(client.send_push(no_push).await.unwrap_err().code(), tonic::Code::InvalidArgument);

    let [sent, refused] = collector.spans("push", 2).await.try_into().unwrap();
    let [attempt] = collector.spans("attempt", 1).await.try_into().unwrap();
    for span in [&sent, &attempt] {
        assert_eq!(attribute(span, "http.response.status_code").as_deref(), Some("410"));
        assert_eq!(attribute(span, "error.type").as_deref(), Some("unregistered"));
        assert_eq!(span.status.as_ref().unwrap().code, 2, "{span:?}");
    }
    assert_eq!(attribute(&attempt, "fanfare.reason").as_deref(), Some("Unregistered"));
    assert_eq!(attribute(&refused, "fanfare.reason").as_deref(), Some("FIELD_INVALID"));
    let calls = collector.spans(SEND_PUSH, 3).await;
    assert_eq!(attribute(&calls[2], "rpc.response.status_code").as_deref(), Some("INVALID_ARGUMENT"));
    assert!(is_child(&sent, &calls[0]) && is_child(&refused, &calls[1]));
    let everything = collector.everything() + &gateway.log();
    assert!(!everything.contains(&dead[..20]) && !everything.contains(SECRET));
}

#[tokio::test]
async fn whoever_does_not_trace_is_not_traced_and_else_the_ratio_decides() {
    let collector = loopback().await;
    let (folder, _simulator) = traced(collector.address, "sample_ratio = 1.0").await;
    let gateway = Operated::start(folder.path(), &[]).await;
    let mut client = gateway.client().await;
    send(&mut client, &good(1), "00").await;
    let pushes = (2..5).map(|number| push(&good(number))).collect();
    client.send_pushes(SendPushesRequest { pushes, ..SendPushesRequest::default() }).await.unwrap();

    let [call] = collector.spans("fanfare.push.v1.PushService/SendPushes", 1).await.try_into().unwrap();
    let pushes = collector.spans("push", 3).await;
    assert!(pushes.iter().all(|push| is_child(push, &call)));
    assert!(call.parent_span_id.is_empty());
    assert!(!collector.everything().contains(&format!("{SEND_PUSH}\"")));
}

#[tokio::test]
async fn the_items_of_a_batch_are_traces_that_are_linked_to_it() {
    let collector = loopback().await;
    let (folder, _simulator) = traced(collector.address, "sample_ratio = 1.0").await;
    let gateway = Operated::start(folder.path(), &[]).await;
    let mut client = gateway.client().await;
    let pushes = (0..2).map(|number| push(&good(number))).collect();
    let message = SendBatchRequest { pushes, ..SendBatchRequest::default() };
    let batch = of_caller(tokio_stream::iter([message]), "01");
    let mut results = client.send_batch(batch).await.unwrap().into_inner();
    while results.message().await.unwrap().is_some() {}

    let [call] = collector.spans("fanfare.push.v1.PushService/SendBatch", 1).await.try_into().unwrap();
    assert_eq!((hex(&call.trace_id), hex(&call.parent_span_id)), (TRACE.to_owned(), CALLER.to_owned()));
    assert_eq!(attribute(&call, "rpc.response.status_code").as_deref(), Some("OK"));
    let items = collector.spans("item", 2).await;
    let pushes = collector.spans("push", 2).await;
    for item in &items {
        assert!(item.parent_span_id.is_empty() && item.trace_id != call.trace_id);
        let [link] = &item.links[..] else { panic!("{item:?}") };
        assert_eq!((&link.trace_id, &link.span_id), (&call.trace_id, &call.span_id));
        assert!(pushes.iter().any(|push| is_child(push, item)));
    }
}

#[tokio::test]
async fn the_standard_variables_name_a_collector_that_speaks_http() {
    let collector = Collector::http().await;
    let (folder, _simulator) = folder("").await;
    let gateway = Operated::start(
        folder.path(),
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://{}", collector.address)),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_HEADERS", &format!("{KEY}={SECRET}")),
            ("OTEL_SERVICE_NAME", "pushes"),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"),
        ],
    )
    .await;
    let mut client = gateway.client().await;
    for number in 1..3 {
        send(&mut client, &good(number), "01").await;
        // Each is exported by a request of its own, over the connection that the first one made.
        collector.spans(SEND_PUSH, number).await;
    }
    assert_eq!(collector.resource("service.name").as_deref(), Some("pushes"));
    assert_eq!(collector.resource("deployment.environment.name").as_deref(), Some("test"));
    let metric = gateway.metric("fanfare_trace_spans_exported_total").await.unwrap();
    assert!(metric >= 3.0, "{metric}");
}

#[tokio::test]
async fn a_collector_that_is_not_there_costs_spans_and_two_lines() {
    // Whoever bound the address before has left, and nobody else is there yet.
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (folder, _simulator) = traced(address, "max_queue = 4\nmax_batch = 4").await;
    let gateway = Operated::start(folder.path(), &[]).await;
    let mut client = gateway.client().await;
    for number in 0..10 {
        assert_eq!(send(&mut client, &good(number), "01").await.outcome(), Outcome::Accepted);
    }
    gateway.until_logged(&["the collector takes no spans"]).await;
    let collector = Collector::grpc(address).await;
    while gateway.lines(&["the collector takes spans of traces again"]) == 0 {
        send(&mut client, &good(11), "01").await;
    }
    assert!(collector.everything().contains(TRACE_OF_ITS_SPANS));
    assert_eq!(gateway.lines(&["the collector takes no spans"]), 1, "{}", gateway.log());
    assert!(gateway.metric("fanfare_trace_spans_dropped_total").await.unwrap() >= 3.0);
}

/// How the number of the caller's trace begins where bytes are written as numbers.
const TRACE_OF_ITS_SPANS: &str = "trace_id: [75, 249, 47, 53";
