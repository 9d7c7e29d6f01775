//! Callers that compress what they send.

use fanfare::proto::push_service_client::PushServiceClient;
use fanfare::proto::{self, Outcome};
use http::Request;
use tokio::net::TcpStream;
use tonic::codec::CompressionEncoding;

use crate::harness::{World, channel, good, push};
use crate::send_batch::message;

#[tokio::test]
async fn every_rpc_takes_messages_of_each_encoding() {
    let world = World::start().await;
    let mut tokens = (0..).map(good);
    let mut next = || push(&tokens.next().unwrap());
    for encoding in [CompressionEncoding::Gzip, CompressionEncoding::Zstd] {
        let client = PushServiceClient::new(channel(&world.gateway).await).send_compressed(encoding);
        let one = proto::SendPushRequest { push: Some(Box::new(next())) };
        let answer = client.clone().send_push(one).await.unwrap();
        // What the gateway has is said to those who use it.
        assert_eq!(answer.metadata().get("grpc-accept-encoding").unwrap(), "gzip,zstd,identity");
        assert!(answer.metadata().get("grpc-encoding").is_none(), "answers are not compressed");
        assert_eq!(answer.into_inner().result.unwrap().outcome(), Outcome::Accepted);

        let several = proto::SendPushesRequest { pushes: vec![next(), next()], ..Default::default() };
        let results = client.clone().send_pushes(several).await.unwrap().into_inner().results;
        assert_eq!(results.len(), 2);
        assert!(results.iter().all(|result| result.outcome() == Outcome::Accepted), "{results:?}");

        // The second message is far more than what is passed without a turn.
        let messages = vec![message(vec![next()]), message((0..2000).map(|_| next()).collect())];
        let call = client.clone().send_batch(tokio_stream::iter(messages)).await;
        let (mut answer, mut accepted) = (call.unwrap().into_inner(), 0);
        while let Some(message) = answer.message().await.unwrap() {
            assert!(message.results.iter().all(|result| result.outcome() == Outcome::Accepted));
            accepted += message.results.len();
        }
        assert_eq!(accepted, 2001);
    }
    let tokens = world.simulator.journal().read();
    assert_eq!(tokens, 2 * 2004);
}

#[tokio::test]
async fn an_unknown_encoding_is_refused_with_the_names_of_those_that_are_known() {
    let world = World::start().await;
    let socket = TcpStream::connect(world.gateway.grpc_address()).await.unwrap();
    let (mut caller, connection) = h2::client::handshake(socket).await.unwrap();
    let task = tokio::spawn(connection);
    let request = Request::post("http://localhost/fanfare.push.v1.PushService/SendPush")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("grpc-encoding", "snappy")
        .body(())
        .unwrap();
    let (answer, _body) = caller.send_request(request, false).unwrap();
    let fields = answer.await.unwrap().headers().clone();
    let status = tonic::Status::from_header_map(&fields).unwrap();
    assert_eq!(status.code(), tonic::Code::Unimplemented, "{status:?}");
    assert!(status.message().contains("gzip"), "{status:?}");
    assert_eq!(fields["grpc-accept-encoding"], "gzip,zstd,identity");
    task.abort();
}
