//! A collector that stands in for one of OpenTelemetry: it takes OTLP over gRPC and over HTTP, and keeps every span.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use crate::harness::until;

/// What the collector has to be sent beside the spans.
pub(super) const KEY: &str = "x-collector-key";
pub(super) const SECRET: &str = "a-key-of-the-collector";

/// A collector. It ends with the test.
pub(super) struct Collector {
    pub(super) address: SocketAddr,
    taken: Taken,
    task: JoinHandle<()>,
}

/// A span with the attributes of who sent it.
type SentSpan = (Span, Vec<KeyValue>);

/// The spans that were taken.
#[derive(Clone, Default)]
struct Taken(Arc<Mutex<Vec<SentSpan>>>);

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Collector {
    /// Speaks gRPC at this address.
    pub(super) async fn grpc(address: SocketAddr) -> Self {
        let socket = TcpListener::bind(address).await.unwrap();
        let (address, taken) = (socket.local_addr().unwrap(), Taken::default());
        let service = TraceServiceServer::new(taken.clone());
        let serve = tonic::transport::Server::builder()
            .add_service(service)
            .serve_with_incoming(TcpListenerStream::new(socket));
        Self { address, taken, task: tokio::spawn(async { serve.await.unwrap() }) }
    }

    /// Speaks HTTP.
    pub(super) async fn http() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, taken) = (socket.local_addr().unwrap(), Taken::default());
        let sink = taken.clone();
        let answer = |headers: HeaderMap, body: Bytes| async move {
            if headers["content-type"] != "application/x-protobuf"
                || headers.get(KEY).is_none_or(|it| it != SECRET)
            {
                return (StatusCode::FORBIDDEN, Vec::new());
            }
            sink.take(ExportTraceServiceRequest::decode(body).unwrap());
            (StatusCode::OK, ExportTraceServiceResponse::default().encode_to_vec())
        };
        let router = Router::new().route("/v1/traces", post(answer));
        let serve = async { axum::serve(socket, router).await.unwrap() };
        Self { address, taken, task: tokio::spawn(serve) }
    }

    /// Waits until so many spans of this name came. Returns them, by their beginning.
    pub(super) async fn spans(&self, name: &str, count: usize) -> Vec<Span> {
        let named = || -> Vec<Span> {
            let all = self.taken.0.lock().unwrap();
            all.iter().map(|(span, _)| span).filter(|span| span.name == name).cloned().collect()
        };
        until(|| named().len() >= count).await;
        let mut spans = named();
        assert_eq!(spans.len(), count, "{name}");
        spans.sort_by_key(|span| span.start_time_unix_nano);
        spans
    }

    /// Every span that has come, as text.
    pub(super) fn everything(&self) -> String {
        format!("{:?}", self.taken.0.lock().unwrap())
    }

    /// An attribute of who sent the spans.
    pub(super) fn resource(&self, key: &str) -> Option<String> {
        text(&self.taken.0.lock().unwrap().first().unwrap().1, key)
    }
}

impl Taken {
    fn take(&self, request: ExportTraceServiceRequest) {
        for resource in request.resource_spans {
            let sender = resource.resource.unwrap_or_default().attributes;
            let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            self.0.lock().unwrap().extend(spans.map(|span| (span, sender.clone())));
        }
    }
}

#[tonic::async_trait]
impl TraceService for Taken {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let (metadata, _, request): (MetadataMap, _, _) = request.into_parts();
        if metadata.get(KEY).is_none_or(|key| key != SECRET) {
            return Err(Status::permission_denied("expected the key of the collector"));
        }
        self.take(request);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

/// An attribute as text.
pub(super) fn attribute(span: &Span, key: &str) -> Option<String> {
    text(&span.attributes, key)
}

fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    Some(match &found.value {
        Some(AnyValue { value: Some(Value::StringValue(text)) }) => text.clone(),
        Some(AnyValue { value: Some(Value::IntValue(number)) }) => number.to_string(),
        other => format!("{other:?}"),
    })
}
