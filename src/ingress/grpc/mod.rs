//! The gRPC service: decode, admit, send, encode.

mod batch;
mod deadline;
mod decode;
mod encode;
mod incoming;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use tonic::{Request, Response, Status, Streaming};

pub use batch::{BatchSettings, Results};
pub use incoming::{Accepted, ConnectInfo, incoming};

use crate::dispatch::{Admission, Ask, Dispatcher, NoRoom, Room, Route, Routes};
use crate::metrics::PushMetrics;
use crate::proto;
use crate::proto::push_service_server::PushService;
use crate::push::{Body, Push, Refusal, ServiceClass};
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
        let Single { push, route, mut room, begun, deadline } = self.0.admit(request)?;
        let ask = Ask { push: &push, encoded: None, route, flow: Flow::SINGLE, begun, deadline };
        let result = self.0.dispatcher.send(&ask, &mut room).await;
        let result = encode::result(0, push.id.into_string(), result);
        Ok(Response::new(proto::SendPushResponse { result: Some(result) }))
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

/// A single push that was admitted.
struct Single<'a> {
    push: Push,
    route: &'a Route,
    room: Room,
    begun: Instant,
    deadline: Instant,
}

impl Core {
    /// Decodes and admits a single push. Apart from sending it, so that the message does not live as long.
    fn admit(&self, request: Request<proto::SendPushRequest>) -> Result<Single<'_>, Status> {
        let begun = Instant::now();
        let (metadata, _, message) = request.into_parts();
        let push = message.push.ok_or_else(decode::push_required);
        let decoded = push.and_then(|push| self.decode(*push, SystemTime::now()));
        let (push, route) = decoded.map_err(|refusal| {
            self.metrics.refused(encode::reason_name(refusal.reason));
            encode::refusal(&refusal)
        })?;
        let room = self.admission.admit(ServiceClass::Interactive).map_err(|why| {
            self.metrics.refused(encode::no_room_name(why));
            encode::no_room(why)
        })?;
        let max_wait = push.body.options.max_wait.unwrap_or(self.max_wait);
        let deadline = deadline::single(begun, max_wait, &metadata);
        Ok(Single { push, route, room, begun, deadline })
    }

    fn decode(&self, push: proto::Push, accepted_at: SystemTime) -> Result<(Push, &Arc<Route>), Refusal> {
        let id = decode::id(push.id)?;
        let app = decode::app(&push.app)?;
        let target = decode::target(push.target)?;
        let routes = self.routes.app(&app)?;
        let route = routes.to(target.provider(), &app)?;
        let content = decode::content(push.content)?;
        let options = decode::options(push.options, routes.default_ttl, accepted_at)?;
        Ok((Push { id, target, body: Arc::new(Body { app, content, options, accepted_at }) }, route))
    }
}
