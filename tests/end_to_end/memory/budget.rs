//! The budget of bytes, when it is used up.

use fanfare::config::Config;
use fanfare::proto::{self, Outcome, Reason, SendBatchResponse};
use fanfare_simulator::ApnsScriptedOutcome;
use prost::Message;
use tonic_types::StatusExt;

use super::RawCaller;
use crate::harness::{APP, SOON, World, device, good, push};

const KIB: usize = 1024;

async fn with_budget(bytes: usize) -> World {
    World::with(|builder| builder, |config: &mut Config| config.max_held_bytes = bytes).await
}

/// The same beside what one open batch takes for its window, of which its caller's share has half.
async fn with_budget_beside_a_batch(bytes: usize) -> World {
    let window = fanfare::listener::Http2Settings::default().stream_window as usize;
    with_budget(bytes + 2 * window).await
}

/// A push that is larger than what is free in flight. What FCM would be told does not concern APNs.
fn large(token: &str) -> proto::Push {
    let mut push = push(token);
    let message_json = format!(r#"{{"data":{{"x":"{}"}}}}"#, "y".repeat(12 * KIB));
    let fcm = proto::FcmOptions { message_json, ..proto::FcmOptions::default() };
    push.content.as_mut().unwrap().fcm = Some(Box::new(fcm));
    push
}

/// Calls until the gateway has room again.
async fn soon<T, F: Future<Output = Result<T, tonic::Status>>>(call: impl Fn() -> F) -> T {
    let called = async {
        loop {
            match call().await {
                Ok(answer) => return answer,
                Err(status) => assert_eq!(status.code(), tonic::Code::Aborted, "{status:?}"),
            }
        }
    };
    tokio::time::timeout(SOON, called).await.expect("there is room at last")
}

#[tokio::test]
async fn who_holds_the_budget_leaves_small_callers_unharmed() {
    let world = with_budget(256 * KIB).await;
    let (mut callers, mut claims) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let mut caller = RawCaller::connect(world.gateway.grpc_address()).await;
        let claim = caller.claim("SendPushes", 200 * KIB, 110 * KIB).await;
        claims.push(Box::pin(claim.answer::<SendBatchResponse>()));
        callers.push(caller);
    }
    // There is room for what two of them sent.
    let ((_, status), _, claims) = futures_util::future::select_all(claims).await;
    assert_eq!(status.code(), tonic::Code::Aborted, "{status:?}");
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "OVERLOADED");
    assert!(details.retry_info().unwrap().retry_delay.is_some());
    let results = world.send_all((0..100).map(good)).await;
    assert!(results.iter().all(|result| result.outcome() == Outcome::Accepted));
    // What they held comes back with their connections.
    drop((claims, callers));
    let pushes: Vec<_> = (0..700).map(|n| push(&good(n))).collect();
    let request = proto::SendPushesRequest { pushes, ..Default::default() };
    assert!((64 * KIB..128 * KIB).contains(&request.encoded_len()), "{}", request.encoded_len());
    let taken = || async { world.client.clone().send_pushes(request.clone()).await };
    let results = soon(taken).await.into_inner().results;
    assert!(results.iter().all(|result| result.outcome() == Outcome::Accepted));
}

#[tokio::test]
async fn a_stream_that_is_over_the_budget_ends_after_what_was_read_has_its_verdict() {
    let world = with_budget_beside_a_batch(64 * KIB).await;
    let mut caller = RawCaller::connect(world.gateway.grpc_address()).await;
    let mut call = caller.call("SendBatch").await;
    let pushes = (0..3).map(|n| push(&good(n))).collect();
    call.write_message(&proto::SendBatchRequest { pushes, ..Default::default() }.encode_to_vec());
    call.write_message(&vec![0; 100 * KIB]);
    let (answers, status) = call.answer::<SendBatchResponse>().await;
    assert_eq!(status.code(), tonic::Code::Aborted, "{status:?}");
    assert_eq!(status.get_error_details().error_info().unwrap().reason, "OVERLOADED");
    let results: Vec<_> = answers.iter().flat_map(|answer| &answer.results).collect();
    assert_eq!(results.len(), 3);
    assert!(results.iter().all(|result| result.outcome() == Outcome::Accepted), "{results:?}");
    assert_eq!(answers.last().unwrap().progress.as_ref().unwrap().items_read, 3);
}

#[tokio::test]
async fn a_large_push_in_flight_takes_its_bytes_until_its_verdict() {
    let world = with_budget(64 * KIB).await;
    // A connection takes others once it has answered.
    world.send(push(&good(100))).await;
    for n in 0..2 {
        world.simulator.script_outcome(&good(n), ApnsScriptedOutcome::Silent);
    }
    let waiting: Vec<_> = (0..2)
        .map(|n| {
            let mut client = world.client.clone();
            let request = proto::SendPushRequest { push: Some(Box::new(large(&good(n)))) };
            tokio::spawn(async move { client.send_push(request).await })
        })
        .collect();
    world.simulator.journal().wait_for_arrived(3, SOON).await.unwrap();
    // A caller takes half of the budget, in which there is no room for a third.
    let status = world.call(large(&good(2))).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Aborted, "{status:?}");
    assert_eq!(status.get_error_details().error_info().unwrap().reason, "OVERLOADED");
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
    // The gateway hears of it a moment later.
    assert_eq!(soon(|| world.call(large(&good(4)))).await.outcome(), Outcome::Accepted);
}

#[tokio::test]
async fn a_large_item_for_which_there_is_no_room_is_told_to_come_again() {
    // Half of it holds the message, and not the push beside it.
    let world = with_budget_beside_a_batch(40 * KIB).await;
    let message =
        proto::SendBatchRequest { pushes: vec![large(&good(2)), push(&good(3))], ..Default::default() };
    let mut batch = world.client.clone().send_batch(tokio_stream::once(message)).await.unwrap().into_inner();
    let mut results = Vec::new();
    while let Some(message) = batch.message().await.unwrap() {
        results.extend(message.results);
    }
    results.sort_by_key(|result| result.index);
    let found: Vec<_> = results.iter().map(|it| (it.outcome(), it.reason(), it.retryable)).collect();
    assert_eq!(found[0], (Outcome::NotAttempted, Reason::Overloaded, true));
    assert_eq!(found[1].0, Outcome::Accepted, "a small push takes nothing");
    assert_eq!(world.simulator.journal().arrived(), 1);
}

#[tokio::test]
async fn the_body_of_a_multicast_is_taken_once() {
    let world = with_budget(64 * KIB).await;
    let addressees =
        (0..50).map(|n| proto::Addressee { id: String::new(), target: Some(device(&good(n))) }).collect();
    let multicast = proto::Multicast {
        app: APP.to_owned(),
        content: large(&good(0)).content,
        addressees,
        ..proto::Multicast::default()
    };
    let request = proto::SendPushesRequest { multicasts: vec![multicast], ..Default::default() };
    let results = world.client.clone().send_pushes(request).await.unwrap().into_inner().results;
    assert_eq!(results.len(), 50);
    assert!(results.iter().all(|result| result.outcome() == Outcome::Accepted), "{results:?}");
}

/// Whoever waits with a large message fills the window of its call, and a part of the connection's. When any number could
/// wait, they filled all of it, and those whose turn it was never got the rest of theirs.
#[tokio::test]
async fn large_messages_that_wait_leave_the_window_to_those_whose_turn_it_is() {
    let windows = |config: &mut Config| {
        let grpc = &mut config.grpc;
        (grpc.http2.stream_window, grpc.http2.connection_window) = (64 * 1024, 512 * 1024);
        (grpc.max_batch_streams, grpc.max_connection_bytes) = (2, 1024 * KIB);
        grpc.message_timeout = SOON * 10;
    };
    let world = World::with(|builder| builder, windows).await;
    let labels = [("a".repeat(60), "b".repeat(60)), ("c".repeat(60), "d".repeat(60))].into();
    let pushes: Vec<_> =
        (0..1000).map(|n| proto::Push { labels: Clone::clone(&labels), ..push(&good(n)) }).collect();
    let request = proto::SendPushesRequest { pushes, ..Default::default() };
    assert!(request.encoded_len() > 300 * KIB, "{}", request.encoded_len());
    let call = || async { world.client.clone().send_pushes(request.clone()).await };
    for answer in futures_util::future::join_all((0..12).map(|_| soon(call))).await {
        let results = answer.into_inner().results;
        assert!(results.iter().all(|result| result.outcome() == Outcome::Accepted));
    }
}

/// HTTP/2 holds what nobody has read yet of a batch whose items wait, and the gate sees nothing of it.
#[tokio::test]
async fn an_open_batch_takes_its_window() {
    let window = fanfare::listener::Http2Settings::default().stream_window as usize;
    // The connection's share has room for two.
    let world = with_budget(4 * window).await;
    let pending = tokio_stream::pending::<proto::SendBatchRequest>;
    let (mut first, mut second, mut third) =
        (world.client.clone(), world.client.clone(), world.client.clone());
    let _open = (first.send_batch(pending()).await.unwrap(), second.send_batch(pending()).await.unwrap());
    let refused = third.send_batch(pending()).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Aborted);
    assert_eq!(refused.get_error_details().error_info().unwrap().reason, "OVERLOADED");
    assert_eq!(world.send(push(&good(1))).await.outcome(), Outcome::Accepted);
}
