//! Raw part: a tonic server of the same service with the same messages, which accepts every push at once,
//! on sockets that the gateway accepted.

use std::pin::Pin;
use std::time::Duration;

use fanfare::proto;
use fanfare::proto::push_service_server::{PushService, PushServiceServer};
use tokio::net::TcpListener;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

use super::accepted::incoming;

/// What a push service would have said.
const UPSTREAM_ID: &str = "eabeae54-14a8-11e5-b60b-1697f925ec7b";

/// Serves on a free port of loopback, which it returns.
pub(crate) async fn serve() -> anyhow::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let port = listener.local_addr()?.port();
    let router = Server::builder()
        .initial_stream_window_size(256 * 1024)
        .initial_connection_window_size(16 * 1024 * 1024)
        .max_concurrent_streams(10_000)
        .http2_keepalive_interval(Some(Duration::from_secs(60)))
        .http2_keepalive_timeout(Some(Duration::from_secs(20)))
        .add_service(PushServiceServer::new(Echo));
    tokio::spawn(router.serve_with_incoming(incoming(listener)));
    Ok(port)
}

/// A verdict as the gateway gives it.
pub(crate) fn accepted(index: i64, id: String) -> proto::PushResult {
    proto::PushResult {
        index,
        id,
        outcome: proto::Outcome::Accepted.into(),
        delivery: proto::Delivery::Accepted.into(),
        token_action: proto::TokenAction::Keep.into(),
        reason: proto::Reason::UpstreamAnswered.into(),
        provider: proto::Provider::Apns.into(),
        upstream_status: 200,
        upstream_id: UPSTREAM_ID.to_owned(),
        attempts: 1,
        ..proto::PushResult::default()
    }
}

struct Echo;

type Answers = Pin<Box<dyn Stream<Item = Result<proto::SendBatchResponse, Status>> + Send>>;

#[tonic::async_trait]
impl PushService for Echo {
    async fn send_push(
        &self,
        request: Request<proto::SendPushRequest>,
    ) -> Result<Response<proto::SendPushResponse>, Status> {
        let push = request.into_inner().push.ok_or_else(|| Status::invalid_argument("push"))?;
        Ok(Response::new(proto::SendPushResponse { result: Some(accepted(0, push.id)) }))
    }

    async fn send_pushes(
        &self,
        _: Request<proto::SendPushesRequest>,
    ) -> Result<Response<proto::SendPushesResponse>, Status> {
        Err(Status::unimplemented("nobody sends many by one call here"))
    }

    type SendBatchStream = Answers;

    /// An answer to each message, with a result for each of its pushes.
    async fn send_batch(
        &self,
        request: Request<Streaming<proto::SendBatchRequest>>,
    ) -> Result<Response<Answers>, Status> {
        let mut index = 0;
        let answers = request.into_inner().map(move |message| {
            let message = message?;
            let pushes = message.pushes.into_iter().map(|push| push.id);
            let addressees = message.multicasts.into_iter().flat_map(|multicast| multicast.addressees);
            let ids = pushes.chain(addressees.map(|addressee| addressee.id));
            let results = ids
                .map(|id| {
                    let result = accepted(index, id);
                    index += 1;
                    result
                })
                .collect();
            Ok(proto::SendBatchResponse { results, progress: None })
        });
        Ok(Response::new(Box::pin(answers)))
    }
}
