//! The gRPC service: a message becomes a draft for the desk, and a result becomes a message. What concerns a whole call
//! becomes a status.

mod authenticate;
mod batch;
mod encode;
mod gate;
mod health;
mod incoming;
mod metadata;
mod paths;
mod pushes;
mod refused_calls;
mod single;
mod timeout;
mod traced;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio_util::task::TaskTracker;
use tonic::{Request, Response, Status, Streaming};

pub(crate) use authenticate::Authenticate;
pub(crate) use gate::Gate;
pub(crate) use health::HealthChecks;
pub use incoming::ConnectInfo;
pub(crate) use incoming::OfConnection;
pub(crate) use metadata::BoundedMetadata;
pub(crate) use refused_calls::CountRefused;
pub(crate) use traced::Traced;

use crate::desk::{BatchSettings, Desk, NO_ROOM_WAIT, NoRoom, OnceSettings};
use crate::ingress::contract::batch::{Results, Stream, start};
use crate::ingress::contract::{CallFault, Items};
use crate::listener::{Http2Settings, ListenerSettings};
use crate::proto;
use crate::proto::server::push_service_server::PushService;

/// The gRPC listener and its limits.
#[derive(Debug, Clone)]
pub struct GrpcSettings {
    /// Where it listens, and who may connect.
    pub listener: ListenerSettings,
    /// After this time, give or take, a connection is told to go.
    pub max_connection_age: Duration,
    /// How long the calls that it has then may go on.
    pub max_connection_age_grace: Duration,
    /// The limits of its HTTP/2.
    pub http2: Http2Settings,
    /// The largest request message, in bytes.
    pub max_message_bytes: usize,
    /// The largest request message of a SendPush, in bytes.
    pub max_push_bytes: usize,
    /// Bounds the pushes and addressees of one message of a stream.
    pub max_message_items: usize,
    /// Bounds the bytes of large messages that arrive or are worked on, of one connection.
    pub max_connection_bytes: usize,
    /// How long a message may take to arrive whole.
    pub message_timeout: Duration,
    /// How long the gateway works on a push that names no `max_wait`.
    pub max_wait: Duration,
    /// How long before a caller stops waiting it gets its verdict. What its bytes take on their way comes on top.
    pub deadline_margin: Duration,
    /// The limits of a batch.
    pub batch: BatchSettings,
    /// Limits of the window of pushes that are not to be sent twice.
    pub once: OnceSettings,
    /// Bounds the batch streams of one connection.
    pub max_batch_streams: usize,
}

impl Default for GrpcSettings {
    fn default() -> Self {
        Self {
            listener: ListenerSettings::on(SocketAddr::from(([127, 0, 0, 1], 50051))),
            max_connection_age: Duration::from_secs(60 * 60),
            // Longer than a batch works on its items (limits.batch_max_wait).
            max_connection_age_grace: Duration::from_secs(6 * 60),
            http2: Http2Settings::default(),
            max_message_bytes: 4 * 1024 * 1024,
            max_push_bytes: 64 * 1024,
            max_message_items: 65_536,
            max_connection_bytes: 32 * 1024 * 1024,
            message_timeout: Duration::from_secs(30),
            max_wait: Duration::from_secs(30),
            deadline_margin: Duration::from_millis(50),
            batch: BatchSettings::default(),
            once: OnceSettings::default(),
            max_batch_streams: 32,
        }
    }
}

impl GrpcSettings {
    /// How many unary calls of one connection may wait with a large message, whose windows are full meanwhile. The windows of
    /// all its batch streams may be full as well, and half of what is left is for those who do not wait.
    pub(crate) fn max_waiting_calls(&self) -> usize {
        let windows = self.http2.connection_window / self.http2.stream_window.max(1);
        let left = usize::try_from(windows).unwrap_or(usize::MAX).saturating_sub(self.max_batch_streams);
        (left / 2).max(1)
    }
}

/// The gRPC service.
pub(crate) struct Service {
    /// The desk, where drafts are handed in.
    pub desk: Arc<Desk>,
    /// Bounds the batch streams of one connection.
    pub max_batch_streams: usize,
    /// Bounds the pushes and addressees of one message of a stream.
    pub max_message_items: usize,
    /// How many bytes of a batch stream HTTP/2 may hold that nobody has read yet.
    pub stream_window: usize,
    /// How long a caller may take nothing of an answer that waits for it.
    pub answer_stall_timeout: Duration,
    /// Owns the tasks of batch streams, so their end can be waited for.
    pub batches: TaskTracker,
}

#[tonic::async_trait]
impl PushService for Service {
    // What an async function is called with, it keeps until its end: written out, so that no call in flight keeps its message.
    fn send_push<'s, 'async_trait>(
        &'s self,
        request: Request<proto::MeasuredPush>,
    ) -> BoxFuture<'async_trait, Result<Response<proto::SendPushResponse>, Status>>
    where
        's: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(single::send(&self.desk, request))
    }

    async fn send_pushes(
        &self,
        request: Request<proto::UnreadPushes>,
    ) -> Result<Response<proto::SendPushesResponse>, Status> {
        let results = pushes::send(&self.desk, request).await?;
        Ok(Response::new(proto::SendPushesResponse { results }))
    }

    type SendBatchStream = Results<Status>;

    async fn send_batch(
        &self,
        request: Request<Streaming<proto::UnreadBatch>>,
    ) -> Result<Response<Results<Status>>, Status> {
        let (metadata, extensions, inbound) = request.into_parts();
        let caller = authenticate::caller(&extensions)?;
        let of_caller = caller.open_stream().map_err(|denied| {
            caller.note(denied, "");
            CallFault::Denied(denied)
        })?;
        let mut batch = self
            .desk
            .open(caller.clone(), timeout::arrival(&metadata, &extensions))
            .map_err(CallFault::NoRoom)?;
        let most = self.max_batch_streams;
        let connection = extensions.get::<ConnectInfo>();
        let Some((connection, open)) = connection.and_then(|it| Some((it, it.batches.open(most)?))) else {
            self.desk.turned_away(NoRoom::Full(NO_ROOM_WAIT));
            return Err(encode::too_many_batches(most));
        };
        let share = incoming::share(&extensions);
        // As long as the items of a batch wait, its window may be full, and the gate sees nothing of what is in it.
        let mut in_window = share.nothing();
        if in_window.add(self.stream_window).is_err() {
            self.desk.turned_away(NoRoom::OverBudget);
            return Err(CallFault::NoRoom(NoRoom::OverBudget).into());
        }
        let leaving = connection.client.leaving();
        batch.drains_at(leaving.told_to_go().clone());
        let over = leaving.over().clone();
        let (items, max_items) = (Items::new(share), self.max_message_items);
        let call = traced::span(&extensions);
        let source = batch::Messages { stream: inbound, items, max_items, call };
        // The stream as its connection counts it, as its caller does, and what HTTP/2 may hold of it.
        let counted = (open, of_caller, in_window);
        let patience = self.answer_stall_timeout;
        let stream = Stream { caller: caller.clone(), batch, over, counted, patience };
        let (results, watched) = start(&self.batches, &self.desk, source, stream);
        let mut response = Response::new(results);
        response.extensions_mut().insert(watched);
        Ok(response)
    }
}
