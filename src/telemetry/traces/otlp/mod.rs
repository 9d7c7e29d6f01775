//! A collector of spans, which speaks OTLP over gRPC or over HTTP.

mod grpc;
mod http;

use ::http::Uri;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::trace::SpanData;

use self::grpc::GrpcCollector;
use self::http::HttpCollector;
use super::resource::resource;
use super::{TraceProtocol, TraceSettings};

/// A collector of spans.
pub(super) struct Collector {
    transport: Transport,
    resource: ResourceAttributesWithSchema,
}

enum Transport {
    Grpc(GrpcCollector),
    Http(HttpCollector),
}

/// Why a collector cannot be reached, or took nothing.
#[derive(Debug, thiserror::Error)]
pub enum OtlpError {
    /// Its address cannot be used.
    #[error("the address of the collector cannot be used: {0}")]
    Endpoint(String),
    /// TLS cannot be set up.
    #[error("TLS to the collector cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// It cannot be connected to.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// It broke off, or what it answered is not HTTP.
    #[error("it gave no answer: {0}")]
    NoAnswer(String),
    /// It answered that it did not take them.
    #[error("it answered {0}")]
    Answered(String),
}

impl Collector {
    /// Connects when the first spans are exported.
    ///
    /// # Errors
    /// Fails if the address cannot be used, or TLS cannot be set up.
    pub(super) fn new(endpoint: &Uri, settings: &TraceSettings) -> Result<Self, OtlpError> {
        let resource = (&resource(settings.service_name.as_deref())).into();
        let transport = match settings.protocol() {
            TraceProtocol::Grpc => Transport::Grpc(GrpcCollector::new(endpoint, settings)?),
            TraceProtocol::Http => Transport::Http(HttpCollector::new(endpoint, settings)?),
        };
        Ok(Self { transport, resource })
    }

    /// Exports spans, and returns how many of them the collector did not want.
    ///
    /// # Errors
    /// Fails if the collector took none.
    pub(super) async fn export(&mut self, spans: Vec<SpanData>) -> Result<u64, OtlpError> {
        let resource_spans = group_spans_by_resource_and_scope(spans, &self.resource);
        let request = ExportTraceServiceRequest { resource_spans };
        let ExportTraceServiceResponse { partial_success } = match &mut self.transport {
            Transport::Grpc(collector) => collector.export(request).await?,
            Transport::Http(collector) => collector.export(&request).await?,
        };
        let rejected = partial_success.map_or(0, |partial| partial.rejected_spans);
        Ok(u64::try_from(rejected).unwrap_or_default())
    }
}
