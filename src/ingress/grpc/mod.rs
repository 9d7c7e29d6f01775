//! The gRPC service: a message becomes a draft for the desk, and a result becomes a message. What concerns a whole call
//! becomes a status.

mod batch;
mod decode;
mod encode;
mod gate;
mod incoming;
mod items;
mod pushes;
mod single;
mod timeout;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio_util::task::TaskTracker;
use tonic::{Request, Response, Status, Streaming};

pub(crate) use batch::Results;
pub(crate) use gate::Gate;
pub use incoming::{Accepted, ConnectInfo, incoming};

use items::Items;

use crate::desk::{BatchSettings, Caller, Desk, NoRoom};
use crate::proto;
use crate::proto::server::push_service_server::PushService;

/// The gRPC listener and its limits.
#[derive(Debug, Clone)]
pub struct GrpcSettings {
    /// The address on which it listens.
    pub listen: SocketAddr,
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
    /// Bounds the calls in flight on one connection.
    pub max_concurrent_streams: u32,
    /// The flow-control window of one call, in bytes.
    pub stream_window: u32,
    /// The flow-control window of one connection, in bytes. It is far larger than a call's, so that calls that stall
    /// leave room for the others.
    pub connection_window: u32,
    /// A connection that was silent for so long is pinged.
    pub keepalive_interval: Duration,
    /// A connection whose PING is not answered for so long is closed.
    pub keepalive_timeout: Duration,
    /// How long the gateway works on a push that names no `max_wait`.
    pub max_wait: Duration,
    /// The limits of a batch.
    pub batch: BatchSettings,
    /// Bounds the batch streams of one connection.
    pub max_batch_streams: usize,
}

impl Default for GrpcSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 50051)),
            max_message_bytes: 4 * 1024 * 1024,
            max_push_bytes: 64 * 1024,
            max_message_items: 65_536,
            max_connection_bytes: 32 * 1024 * 1024,
            message_timeout: Duration::from_secs(30),
            max_concurrent_streams: 10_000,
            stream_window: 256 * 1024,
            connection_window: 16 * 1024 * 1024,
            keepalive_interval: Duration::from_secs(60),
            keepalive_timeout: Duration::from_secs(20),
            max_wait: Duration::from_secs(30),
            batch: BatchSettings::default(),
            max_batch_streams: 32,
        }
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

    type SendBatchStream = Results;

    async fn send_batch(
        &self,
        request: Request<Streaming<proto::UnreadBatch>>,
    ) -> Result<Response<Results>, Status> {
        let (metadata, extensions, inbound) = request.into_parts();
        let caller = Caller::Anonymous;
        let batch = self.desk.open(caller.clone(), timeout::arrival(&metadata)).map_err(encode::no_room)?;
        let most = self.max_batch_streams;
        let open = extensions.get::<ConnectInfo>().map(|connection| connection.batches.open(most));
        let Some(open) = open.unwrap_or_default() else {
            self.desk.turned_away(NoRoom::Full);
            return Err(encode::too_many_batches(most));
        };
        let items = Items::new(incoming::share(&extensions));
        let stream = batch::Inbound { messages: inbound, items, max_items: self.max_message_items };
        Ok(Response::new(batch::start(&self.batches, &self.desk, caller, batch, stream, open)))
    }
}
