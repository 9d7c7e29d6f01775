//! The gRPC service: decode, admit, send, encode.

mod deadline;
mod decode;
mod encode;

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

use crate::dispatch::{Admission, Dispatcher, Route, Routes};
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
        }
    }
}

/// The handlers.
pub struct Service {
    /// How long the gateway works on a push that names no `max_wait`.
    pub max_wait: Duration,
    /// Every app's routes.
    pub routes: Arc<Routes>,
    /// Room for pushes in flight.
    pub admission: Arc<Admission>,
    /// Sends admitted pushes.
    pub dispatcher: Arc<Dispatcher>,
    /// Counts refusals.
    pub metrics: PushMetrics,
}

#[tonic::async_trait]
impl PushService for Service {
    async fn send_push(
        &self,
        request: Request<proto::SendPushRequest>,
    ) -> Result<Response<proto::SendPushResponse>, Status> {
        let arrived = Instant::now();
        let (metadata, _, message) = request.into_parts();
        let (push, route) = self.decode(message).map_err(|refusal| {
            self.metrics.refused(encode::reason_name(refusal.reason));
            encode::refusal(&refusal)
        })?;
        let _room = self.admission.admit(ServiceClass::Interactive).map_err(|why| {
            self.metrics.refused(encode::no_room_name(why));
            encode::no_room(why)
        })?;
        let max_wait = push.body.options.max_wait.unwrap_or(self.max_wait);
        let deadline = deadline::deadline(arrived, max_wait, &metadata);
        let result = self.dispatcher.send(&push, route, Flow::SINGLE, deadline).await;
        Ok(Response::new(proto::SendPushResponse { result: Some(encode::result(0, push.id, result)) }))
    }

    type SendBatchStream = Pin<Box<dyn Stream<Item = Result<proto::SendBatchResponse, Status>> + Send>>;

    async fn send_batch(
        &self,
        _: Request<Streaming<proto::SendBatchRequest>>,
    ) -> Result<Response<Self::SendBatchStream>, Status> {
        Err(Status::unimplemented("SendBatch is not served yet; send single pushes with SendPush"))
    }
}

impl Service {
    fn decode(&self, message: proto::SendPushRequest) -> Result<(Push, &Route), Refusal> {
        let message = message.push.ok_or_else(decode::push_required)?;
        let id = decode::id(message.id)?;
        let app = decode::app(&message.app)?;
        let target = decode::target(message.target)?;
        let route = self.routes.find(&app, target.provider())?;
        let now = SystemTime::now();
        let body = Body {
            app,
            content: decode::content(message.content)?,
            options: decode::options(message.options, route.default_ttl, now)?,
            accepted_at: now,
        };
        Ok((Push { id, target, body: Arc::new(body) }, route))
    }
}
