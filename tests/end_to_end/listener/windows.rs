//! A client that opens no window, so that its answers cannot leave.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use h2::{Reason, RecvStream};
use http::{Request, Response};
use prost::Message;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::Listening;
use crate::harness::{SOON, World, good, metric, push, until};
use crate::send_batch::message;

const SEND_BATCH: &str = "/fanfare.push.v1.PushService/SendBatch";

/// A message of gRPC without a field. Source: gRPC over HTTP/2, "Length-Prefixed-Message".
const EMPTY_MESSAGE: &[u8] = &[0; 5];

/// A call whose answer has begun and cannot go on.
struct Stalled {
    ends: JoinHandle<Result<(), h2::Error>>,
    answer: (SendRequest<Bytes>, RecvStream),
}

/// Makes a call without opening a window for its answer.
async fn stall(address: SocketAddr, path: &str, message: &'static [u8]) -> Stalled {
    let (mut caller, ends) = connect(address, 0).await;
    let answer = call(&mut caller, path, Bytes::from_static(message)).await;
    Stalled { ends, answer: (caller, answer.into_body()) }
}

/// Opens a connection whose calls have this window for their answers.
async fn connect(
    address: SocketAddr,
    window: u32,
) -> (SendRequest<Bytes>, JoinHandle<Result<(), h2::Error>>) {
    let socket = TcpStream::connect(address).await.unwrap();
    let mut client = h2::client::Builder::new();
    let (caller, connection) = client.initial_window_size(window).handshake(socket).await.unwrap();
    (caller, tokio::spawn(connection))
}

/// Makes a call, and returns its answer, of which nothing is read.
async fn call(caller: &mut SendRequest<Bytes>, path: &str, messages: Bytes) -> Response<RecvStream> {
    let request = Request::post(format!("http://localhost{path}"));
    let request = request.header("content-type", "application/grpc").header("te", "trailers").body(());
    let (answer, mut body) = caller.send_request(request.unwrap(), false).unwrap();
    body.send_data(messages, true).unwrap();
    let answer = timeout(SOON, answer).await.unwrap().unwrap();
    assert_eq!(answer.status(), 200, "the head needs no window");
    answer
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
    let batch = stall(address, SEND_BATCH, b"").await;
    // Two that came later are closed one after the other, each after the time that the batch had as well.
    for _ in 0..2 {
        let health = stall(address, "/grpc.health.v1.Health/Check", EMPTY_MESSAGE).await;
        let _ = timeout(SOON, health.ends).await.expect("the stalled connection is closed").unwrap();
    }
    assert!(!batch.ends.is_finished());
}

/// Makes a batch whose caller takes at most `window` bytes of its answer, and another one when the gateway has given it up.
/// There may be one at a time.
async fn is_reset_alone(window: u32, messages: Bytes) {
    let world = World::with(
        |builder| builder,
        |config| {
            config.grpc.listener.answer_stall_timeout = Duration::from_millis(100);
            config.grpc.batch.reader_stall_timeout = Duration::from_millis(100);
            config.grpc.max_batch_streams = 1;
        },
    )
    .await;
    let (mut caller, ends) = connect(world.gateway.grpc_address(), window).await;
    let mut batch = call(&mut caller, SEND_BATCH, messages).await.into_body();
    // What the window had room for is not given back.
    let mut read = 0;
    let reset = loop {
        match timeout(SOON, batch.data()).await.expect("the call is reset").expect("no good end") {
            Ok(data) => read += data.len(),
            Err(error) => break error,
        }
    };
    assert!(read <= window as usize);
    assert!(reset.is_reset() && reset.is_remote(), "{reset:?}");
    assert_eq!(reset.reason(), Some(Reason::CANCEL));
    until(|| metric(&world.gateway, "fanfare_batch_streams ") <= 0.0).await;
    until(|| metric(&world.gateway, "fanfare_pushes_in_flight ") <= 0.0).await;
    // Its place among the streams of its connection, which goes on, is free.
    let next = call(&mut caller, SEND_BATCH, Bytes::new()).await;
    assert!(!next.headers().contains_key("grpc-status"), "{next:?}");
    assert!(!ends.is_finished());
}

#[tokio::test]
async fn a_batch_whose_caller_never_takes_its_end_is_reset_alone() {
    is_reset_alone(0, Bytes::new()).await;
    // A part of the last message was written, and the rest lies in the gateway's HTTP/2.
    is_reset_alone(3, Bytes::new()).await;
}

#[tokio::test]
async fn a_batch_whose_caller_never_reads_is_ended_and_then_reset_alone() {
    // The results are more than everything on their way holds that does not depend on the window.
    let messages: Vec<u8> = (0..20)
        .flat_map(|at| {
            let message = message((0..200).map(|n| push(&good(200 * at + n))).collect()).encode_to_vec();
            [&[0][..], &u32::try_from(message.len()).unwrap().to_be_bytes(), &message].concat()
        })
        .collect();
    is_reset_alone(0, messages.clone().into()).await;
    is_reset_alone(1000, messages.into()).await;
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
