//! A collector of spans, which speaks OTLP over gRPC or over HTTP.

mod error;
mod grpc;
mod http;

use ::http::Uri;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::trace::SpanData;

pub use self::error::OtlpError;
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
