//! A client that opens no window, so that its answers cannot leave.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use h2::RecvStream;
use h2::client::SendRequest;
use http::Request;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::Listening;
use crate::harness::{SOON, World};

/// A message of gRPC without a field. Source: gRPC over HTTP/2, "Length-Prefixed-Message".
const EMPTY_MESSAGE: &[u8] = &[0; 5];

/// A call whose answer has begun and cannot go on.
struct Stalled {
    ends: JoinHandle<Result<(), h2::Error>>,
    answer: (SendRequest<Bytes>, RecvStream),
}

/// Makes a call without opening a window for its answer.
async fn stall(address: SocketAddr, path: &str, message: &'static [u8]) -> Stalled {
    let socket = TcpStream::connect(address).await.unwrap();
    let mut client = h2::client::Builder::new();
    let (mut caller, connection) = client.initial_window_size(0).handshake(socket).await.unwrap();
    let ends = tokio::spawn(connection);
    let request = Request::post(format!("http://localhost{path}"));
    let request = request.header("content-type", "application/grpc").header("te", "trailers").body(());
    let (answer, mut body) = caller.send_request(request.unwrap(), false).unwrap();
    body.send_data(Bytes::from_static(message), true).unwrap();
    let answer = timeout(SOON, answer).await.unwrap().unwrap();
    assert_eq!(answer.status(), 200, "the head needs no window");
    Stalled { ends, answer: (caller, answer.into_body()) }
}

#[tokio::test]
async fn a_batch_whose_caller_reads_nothing_ends_by_its_own_rule() {
    let world = World::with(
        |builder| builder,
        |config| {
            config.grpc.listener.answer_stall_timeout = Duration::from_millis(100);
            config.grpc.batch.reader_stall_timeout = SOON * 100;
        },
    )
    .await;
    let address = world.gateway.grpc_address();
    let batch = stall(address, "/fanfare.push.v1.PushService/SendBatch", b"").await;
    // Two that came later are closed one after the other, each after the time that the batch had as well.
    for _ in 0..2 {
        let health = stall(address, "/grpc.health.v1.Health/Check", EMPTY_MESSAGE).await;
        let _ = timeout(SOON, health.ends).await.expect("the stalled connection is closed").unwrap();
    }
    assert!(!batch.ends.is_finished());
}

#[tokio::test]
async fn a_connection_that_takes_no_answers_is_closed_and_one_that_takes_them_goes_on() {
    let listening =
        Listening::http2(|settings| settings.answer_stall_timeout = Duration::from_millis(200)).await;
    let request = || Request::get("http://localhost/").body(()).unwrap();

    let (mut good, connection) = h2::client::handshake(listening.connect().await).await.unwrap();
    let good_ends = tokio::spawn(connection);

    let stalled = stall(listening.address, "/", b"").await;
    let takes_answers = async {
        loop {
            let (answer, _) = good.send_request(request(), true).unwrap();
            let mut body = answer.await.unwrap().into_body();
            assert!(body.data().await.unwrap().is_ok());
            if stalled.ends.is_finished() {
                return;
            }
        }
    };
    timeout(SOON, takes_answers).await.expect("the stalled connection is closed");
    let mut lost = stalled.answer.1;
    assert!(lost.data().await.unwrap().is_err(), "no byte of the answer was let through");
    assert!(!good_ends.is_finished());
}
