//! The gRPC service: decode, admit, send, encode.

mod admit;
mod batch;
mod deadline;
mod decode;
mod encode;
mod incoming;
mod items;
mod pushes;
mod refused;
mod single;
mod started;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use tonic::{Request, Response, Status, Streaming};

pub use batch::{BatchSettings, Results};
pub use incoming::{Accepted, ConnectInfo, incoming};

use crate::dispatch::{Admission, Dispatcher, NoRoom, Routes};
use crate::metrics::PushMetrics;
use crate::proto;
use crate::proto::push_service_server::PushService;
use crate::push::ServiceClass;
use crate::upstream::Flow;

/// The gRPC listener and its limits.
#[derive(Debug, Clone)]
pub struct GrpcSettings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The largest request message, in bytes.
    pub max_message_bytes: usize,
    /// Calls in flight on one connection.
    pub max_concurrent_streams: u32,
    /// Flow-control window of one call, in bytes.
    pub stream_window: u32,
    /// Flow-control window of one connection, in bytes. Far larger than a call's, so that calls that stall
    /// leave room for the others.
    pub connection_window: u32,
    /// Silence on a connection after which it is pinged.
    pub keepalive_interval: Duration,
    /// From that PING to its answer.
    pub keepalive_timeout: Duration,
    /// How long the gateway works on a push that names no `max_wait`.
    pub max_wait: Duration,
    /// Limits of batch streams.
    pub batch: BatchSettings,
}

impl Default for GrpcSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 50051)),
            max_message_bytes: 4 * 1024 * 1024,
            max_concurrent_streams: 10_000,
            stream_window: 256 * 1024,
            connection_window: 16 * 1024 * 1024,
            keepalive_interval: Duration::from_secs(60),
            keepalive_timeout: Duration::from_secs(20),
            max_wait: Duration::from_secs(30),
            batch: BatchSettings::default(),
        }
    }
}

/// What every call needs.
pub struct Core {
    /// How long the gateway works on a single push that names no `max_wait`.
    pub max_wait: Duration,
    /// Limits of batch streams.
    pub batch: BatchSettings,
    /// Every app's routes.
    pub routes: Routes,
    /// Room for pushes in flight.
    pub admission: Arc<Admission>,
    /// Sends admitted pushes.
    pub dispatcher: Dispatcher,
    /// Counts refusals.
    pub metrics: PushMetrics,
}

/// The handlers.
pub struct Service(pub Arc<Core>);

#[tonic::async_trait]
impl PushService for Service {
    async fn send_push(
        &self,
        request: Request<proto::SendPushRequest>,
    ) -> Result<Response<proto::SendPushResponse>, Status> {
        let result = single::send(&self.0, request).await?;
        Ok(Response::new(proto::SendPushResponse { result: Some(result) }))
    }

    async fn send_pushes(
        &self,
        request: Request<proto::SendPushesRequest>,
    ) -> Result<Response<proto::SendPushesResponse>, Status> {
        let results = pushes::send(&self.0, request).await?;
        Ok(Response::new(proto::SendPushesResponse { results }))
    }

    type SendBatchStream = Results;

    async fn send_batch(
        &self,
        request: Request<Streaming<proto::SendBatchRequest>>,
    ) -> Result<Response<Results>, Status> {
        let core = &self.0;
        if core.admission.is_draining() {
            core.metrics.refused(encode::no_room_name(NoRoom::Draining));
            return Err(encode::no_room(NoRoom::Draining));
        }
        let (metadata, extensions, inbound) = request.into_parts();
        let most = core.batch.max_streams;
        let open = extensions.get::<ConnectInfo>().map(|connection| connection.batches.open(most));
        let Some(open) = open.unwrap_or_default() else {
            core.metrics.refused(encode::no_room_name(NoRoom::Full));
            return Err(encode::too_many_batches(most));
        };
        let deadline = deadline::stream(Instant::now(), &metadata);
        Ok(Response::new(batch::start(Arc::clone(core), inbound, deadline, open)))
    }
}

/// Tells calls apart that have many items, so that permits are granted to them in turn.
fn flow_of_call(class: ServiceClass) -> Flow {
    // 0 is for single pushes.
    static NEXT: AtomicU64 = AtomicU64::new(1);
    Flow { class, id: NEXT.fetch_add(1, Ordering::Relaxed) }
}
