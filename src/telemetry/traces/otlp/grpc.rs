//! OTLP over gRPC.

use http::uri::Scheme;
use http::{HeaderMap, Uri};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tonic::Request;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};

use super::error::OtlpError;
use crate::telemetry::traces::settings::TraceSettings;

/// A collector that speaks gRPC.
pub(super) struct GrpcCollector {
    client: TraceServiceClient<Channel>,
    headers: HeaderMap,
}

impl GrpcCollector {
    pub(super) fn new(endpoint: &Uri, settings: &TraceSettings) -> Result<Self, OtlpError> {
        let unusable = |error: tonic::transport::Error| OtlpError::Endpoint(chain(&error));
        let mut channel = Endpoint::from(endpoint.clone()).connect_timeout(settings.timeout);
        if endpoint.scheme() == Some(&Scheme::HTTPS) {
            let roots = settings.roots.roots.iter().cloned();
            channel = channel.tls_config(ClientTlsConfig::new().trust_anchors(roots)).map_err(unusable)?;
        }
        let client = TraceServiceClient::new(channel.connect_lazy());
        Ok(Self { client, headers: settings.headers.clone() })
    }

    pub(super) async fn export(
        &mut self,
        spans: ExportTraceServiceRequest,
    ) -> Result<ExportTraceServiceResponse, OtlpError> {
        let mut request = Request::new(spans);
        *request.metadata_mut() = MetadataMap::from_headers(self.headers.clone());
        match self.client.export(request).await {
            Ok(response) => Ok(response.into_inner()),
            Err(status) => match std::error::Error::source(&status) {
                // The connection failed, and the status is tonic's own.
                Some(source) => Err(OtlpError::Connect(chain(source))),
                None => Err(OtlpError::Answered(format!("{:?}: {}", status.code(), status.message()))),
            },
        }
    }
}

/// An error with its causes, as one sentence.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
