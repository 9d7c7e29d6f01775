//! OTLP as Protobuf over HTTP/1.1, on one connection that is made anew where it has ended.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderValue};
use http::uri::Scheme;
use http::{HeaderMap, Method, Request, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::error::OtlpError;
use crate::telemetry::traces::settings::TraceSettings;

/// An answer has at most so many bytes. It says no more than how many spans were not wanted, and why.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// A collector that speaks HTTP.
pub(super) struct HttpCollector {
    host: String,
    port: u16,
    /// The path of the address, as it stands in requests.
    path: String,
    authority: HeaderValue,
    headers: HeaderMap,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl HttpCollector {
    pub(super) fn new(endpoint: &Uri, settings: &TraceSettings) -> Result<Self, OtlpError> {
        let unusable = |why: &dyn std::fmt::Display| OtlpError::Endpoint(why.to_string());
        let authority = endpoint.authority().ok_or_else(|| unusable(&"it has no host"))?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let is_tls = endpoint.scheme() == Some(&Scheme::HTTPS);
        let tls = if is_tls {
            let name = ServerName::try_from(host.clone()).map_err(|error| unusable(&error))?;
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let config = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()?
                .with_root_certificates(Arc::clone(&settings.roots))
                .with_no_client_auth();
            Some((TlsConnector::from(Arc::new(config)), name))
        } else {
            None
        };
        Ok(Self {
            host,
            port: authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 }),
            path: endpoint.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
            authority: HeaderValue::from_str(authority.as_str()).map_err(|error| unusable(&error))?,
            headers: settings.headers.clone(),
            tls,
            connection: None,
        })
    }

    pub(super) async fn export(
        &mut self,
        spans: &ExportTraceServiceRequest,
    ) -> Result<ExportTraceServiceResponse, OtlpError> {
        let mut request = Request::new(Full::new(Bytes::from(spans.encode_to_vec())));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self
            .path
            .parse()
            .map_err(|error: http::uri::InvalidUri| OtlpError::Endpoint(error.to_string()))?;
        let headers = request.headers_mut();
        *headers = self.headers.clone();
        headers.insert(HOST, self.authority.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        // Where the export fails or is given up, its connection is not used again.
        let mut connection = match self.connection.take() {
            Some(mut kept) => match kept.ready().await {
                Ok(()) => kept,
                // The collector has closed it meanwhile.
                Err(_) => self.connect().await?,
            },
            None => self.connect().await?,
        };
        let no_answer = |error: &dyn std::fmt::Display| OtlpError::NoAnswer(error.to_string());
        let answer = connection.send_request(request).await.map_err(|error| no_answer(&error))?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await.map_err(|error| no_answer(&error))?;
        self.connection = Some(connection);
        if !head.status.is_success() {
            return Err(OtlpError::Answered(head.status.to_string()));
        }
        // A collector that took the spans has taken them, whatever else it says.
        Ok(ExportTraceServiceResponse::decode(body.to_bytes()).unwrap_or_default())
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, OtlpError> {
        let failed = |error: &dyn std::fmt::Display| OtlpError::Connect(error.to_string());
        let socket =
            TcpStream::connect((self.host.as_str(), self.port)).await.map_err(|error| failed(&error))?;
        match &self.tls {
            None => over(TokioIo::new(socket)).await,
            Some((tls, name)) => {
                let socket = tls.connect(name.clone(), socket).await.map_err(|error| failed(&error))?;
                over(TokioIo::new(socket)).await
            }
        }
    }
}

/// Speaks HTTP over a socket. The task ends with its connection, which ends when nobody can send on it any more.
async fn over<S>(socket: S) -> Result<SendRequest<Full<Bytes>>, OtlpError>
where
    S: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let (requests, connection) =
        handshake(socket).await.map_err(|error| OtlpError::Connect(error.to_string()))?;
    tokio::spawn(async move {
        // What ends it is told to whoever sends the next request.
        let _ = connection.await;
    });
    Ok(requests)
}
