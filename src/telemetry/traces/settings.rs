//! What is traced, and who collects it.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Uri};
use rustls::RootCertStore;

use super::sampling::Sampling;

/// The share of calls that are traced where nobody says another.
const SAMPLE_RATIO: f64 = 0.01;

/// What is traced, and who collects it. What is `None` may be said by the standard variables of OpenTelemetry
/// (`environment.rs`), else its default holds.
#[derive(Debug, Clone)]
pub struct TraceSettings {
    /// Where the collector is. Without it nothing is traced.
    pub endpoint: Option<Uri>,
    /// How it is spoken to.
    pub protocol: Option<TraceProtocol>,
    /// What it is sent beside the spans, such as a key.
    pub headers: HeaderMap,
    /// The share of calls that are traced whose caller decides nothing, from 0 to 1.
    pub sample_ratio: Option<f64>,
    /// Whether the caller's decision holds where it made one.
    pub follows_parent: bool,
    /// The name of this service.
    pub service_name: Option<String>,
    /// How many spans may wait to be exported.
    pub max_queue: usize,
    /// How many spans are exported at once.
    pub max_batch: usize,
    /// How long spans wait for others to be exported with.
    pub batch_delay: Duration,
    /// How long an export may take.
    pub timeout: Duration,
    /// The roots by which the collector is verified.
    pub roots: Arc<RootCertStore>,
}

/// How a collector is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceProtocol {
    /// OTLP over gRPC.
    Grpc,
    /// OTLP as Protobuf over HTTP.
    Http,
}

impl Default for TraceSettings {
    fn default() -> Self {
        Self {
            endpoint: None,
            protocol: None,
            headers: HeaderMap::new(),
            sample_ratio: None,
            follows_parent: true,
            service_name: None,
            max_queue: 8192,
            max_batch: 512,
            batch_delay: Duration::from_secs(1),
            // The default of OTLP's exporters. Source: OpenTelemetry, "OTLP Exporter Configuration", timeout.
            timeout: Duration::from_secs(10),
            roots: Arc::new(RootCertStore::empty()),
        }
    }
}

impl TraceSettings {
    pub(super) fn sampling(&self) -> Sampling {
        let ratio = self.sample_ratio.unwrap_or(SAMPLE_RATIO);
        Sampling { ratio, follows_parent: self.follows_parent }
    }

    pub(super) fn protocol(&self) -> TraceProtocol {
        self.protocol.unwrap_or(TraceProtocol::Grpc)
    }
}
