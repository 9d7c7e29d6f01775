//! The collector of traces that stands in for one of OpenTelemetry: it takes OTLP over gRPC, and keeps nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

/// How many spans came.
#[derive(Clone, Default)]
pub(crate) struct Spans(Arc<AtomicU64>);

impl Spans {
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Takes spans from now on. Returns the port, and what counts them.
pub(crate) async fn start() -> anyhow::Result<(u16, Spans)> {
    let socket = TcpListener::bind(("127.0.0.1", 0)).await?;
    let (port, spans) = (socket.local_addr()?.port(), Spans::default());
    let service = TraceServiceServer::new(spans.clone());
    let serve = tonic::transport::Server::builder().add_service(service);
    tokio::spawn(serve.serve_with_incoming(TcpListenerStream::new(socket)));
    Ok((port, spans))
}

#[tonic::async_trait]
impl TraceService for Spans {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let resources = request.into_inner().resource_spans.into_iter();
        let spans = resources.flat_map(|it| it.scope_spans).map(|it| it.spans.len() as u64).sum();
        self.0.fetch_add(spans, Ordering::Relaxed);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}
