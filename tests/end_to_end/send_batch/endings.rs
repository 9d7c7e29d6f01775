//! How a batch ends: by its caller, by its deadline, by a message that is wrong, or by a shutdown.

use std::time::Duration;

use fanfare::proto::{self, Outcome, Reason, SendBatchRequest};
use fanfare_simulator::ApnsScriptedOutcome;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic_types::StatusExt;

use super::{BatchCaller, message, run};
use crate::harness::{SOON, World, good, metric, metric_sum, push, until};

#[tokio::test]
async fn a_message_that_cannot_be_decoded_ends_the_stream_after_every_verdict() {
    let world = World::start().await;
    world.send(push(&good(1000))).await;
    world.simulator.set_answer_latency(Duration::from_millis(200));
    let mut huge = push(&good(11));
    huge.content.as_mut().unwrap().data.insert("k".into(), "v".repeat(5 * 1024 * 1024));
    let mut messages: Vec<_> = (0..10).map(|n| message(vec![push(&good(n))])).collect();
    messages.push(message(vec![huge]));
    let ended = run(&world, messages).await;
    assert_eq!(ended.status.as_ref().map(tonic::Status::code), Some(tonic::Code::OutOfRange), "{ended:?}");
    assert_eq!(ended.results.len(), 10);
    assert!(ended.results.values().all(|result| result.outcome() == Outcome::Accepted));
    assert_eq!(ended.progress.unwrap().items_read, 10);
}

#[tokio::test]
async fn options_belong_in_the_first_message() {
    let world = World::start().await;
    let late =
        SendBatchRequest { options: Some(proto::BatchOptions::default()), ..message(vec![push(&good(2))]) };
    let ended = run(&world, vec![message(vec![push(&good(1))]), late]).await;
    assert_eq!(ended.status.map(|status| status.code()), Some(tonic::Code::InvalidArgument));
    assert_eq!((ended.results.len(), ended.progress.unwrap().items_read), (1, 1));
}

#[tokio::test]
async fn a_caller_that_stops_reading_harms_only_itself_and_is_told() {
    let world = World::with(
        |builder| builder,
        |config| config.grpc.batch.reader_stall_timeout = Duration::from_secs(1),
    )
    .await;
    let caller = BatchCaller::open(&world).await;
    // The caller writes without end: more than all windows and buffers in between can hold.
    let to = caller.to.clone().unwrap();
    let writing = tokio::spawn(async move {
        for n in 0.. {
            let pushes = (0..100).map(|at| push(&good(100 * n + at))).collect();
            if to.send(message(pushes)).await.is_err() {
                return;
            }
        }
    });
    // Every item that was admitted is answered, so its stream upstream is free again.
    world.simulator.journal().wait_for_answered(4_000, SOON).await.unwrap();
    let other = world.send_all((9_000_000..9_000_100).map(good)).await;
    assert!(other.iter().all(|result| result.outcome() == Outcome::Accepted));
    // After the stall timeout the batch has ended, and a caller that reads at last finds its end.
    until(|| metric(&world.gateway, "fanfare_batch_streams ") <= 0.0).await;
    // Its room and its streams are given back when the written pushes have their answers.
    until(|| metric(&world.gateway, "fanfare_pushes_in_flight ") <= 0.0).await;
    until(|| metric_sum(&world, "fanfare_upstream_streams_used{", "") <= 0.0).await;
    let ended = caller.read().await;
    let status = ended.status.expect("ABORTED");
    assert_eq!(status.code(), tonic::Code::Aborted, "{status:?}");
    let details = status.get_error_details();
    let info = details.error_info().unwrap();
    assert_eq!(info.reason, "CLIENT_NOT_READING");
    let figure = |name: &str| info.metadata[name].parse::<i64>().unwrap();
    assert!(figure("items_read") >= 4_096 && figure("undelivered") <= 4_096, "{info:?}");
    assert!(figure("settled") as usize >= ended.results.len());
    assert_eq!(ended.progress.unwrap().items_read, figure("items_read"));
    writing.abort();
}

#[tokio::test]
async fn cancelled_batches_leave_a_shared_connection_whole() {
    let world = World::start().await;
    assert_eq!(world.send(push(&good(1_000_000))).await.outcome(), Outcome::Accepted);
    world.simulator.set_answer_latency(Duration::from_millis(30));
    let mut others = tokio::task::JoinSet::new();
    let client = world.client.clone();
    others.spawn(async move {
        let mut accepted = 0;
        for n in 0..1000 {
            let request = proto::SendPushRequest { push: Some(Box::new(push(&good(2_000_000 + n)))) };
            let result = client.clone().send_push(request).await.unwrap().into_inner().result.unwrap();
            accepted += usize::from(result.outcome() == Outcome::Accepted);
        }
        accepted
    });
    let mut cancelled = 0;
    while cancelled < 20_000 {
        let caller = BatchCaller::open(&world).await;
        let before = world.simulator.journal().arrived();
        for chunk in (0..400).collect::<Vec<_>>().chunks(100) {
            caller.write(message(chunk.iter().map(|n| push(&good(cancelled + n))).collect())).await;
        }
        world.simulator.journal().wait_for_arrived(before + 200, SOON).await.unwrap();
        // The batch is dropped while answers are under way.
        drop(caller);
        cancelled += 400;
    }
    assert_eq!(others.join_next().await.unwrap().unwrap(), 1000);
    let counters = world.simulator.counters();
    assert_eq!((counters.connections_opened, counters.resets_received), (1, 0));
    assert_eq!(counters.limit_violations, 0);
    // Each written push ran to its answer and was counted.
    until(|| metric_sum(&world, "fanfare_upstream_orphans{", "") <= 0.0).await;
    assert!(metric_sum(&world, "fanfare_upstream_orphans_ended_total{", "cause=\"answered\"") > 0.0);
    assert_eq!(metric(&world.gateway, "fanfare_pushes_in_flight "), 0.0);
}

#[tokio::test]
async fn the_streams_deadline_ends_reading_first_and_answers_what_is_open() {
    let world = World::start().await;
    world.send(push(&good(1000))).await;
    world.simulator.script_outcome(&good(1), ApnsScriptedOutcome::Silent);
    let (to, requests) = mpsc::channel(4);
    to.send(message(vec![push(&good(0)), push(&good(1))])).await.unwrap();
    let mut request = tonic::Request::new(ReceiverStream::new(requests));
    request.set_timeout(Duration::from_secs(2));
    let from = world.client.clone().send_batch(request).await.unwrap().into_inner();
    // The caller never half-closes.
    let ended = BatchCaller { to: Some(to), from }.read().await;
    assert_eq!(ended.results[&0].outcome(), Outcome::Accepted);
    assert_eq!(ended.results[&1].outcome(), Outcome::Unconfirmed);
    let status = ended.status.unwrap();
    assert_eq!(status.code(), tonic::Code::DeadlineExceeded, "{status:?}");
    assert!(status.message().contains("items_read"), "the gateway's own words: {status:?}");
    assert_eq!(ended.progress.unwrap().items_read, 2);
}

#[tokio::test]
async fn draining_says_so_and_gives_back_what_was_not_written() {
    let world = World::with(|builder| builder.max_concurrent_streams(10), |_| {}).await;
    world.send(push(&good(100_000))).await;
    world.simulator.set_answer_latency(Duration::from_millis(300));
    let mut callers = Vec::new();
    for batch in 0..10 {
        let caller = BatchCaller::open(&world).await;
        caller.write(message((0..50).map(|n| push(&good(batch * 1000 + n))).collect())).await;
        callers.push(caller);
    }
    world.simulator.journal().wait_for_read(11, SOON).await.unwrap();
    let World { simulator, gateway, client: _client } = world;
    let ending = tokio::spawn(gateway.shut_down());
    let (mut accepted, mut given_back) = (0, 0);
    for caller in callers {
        // No caller has half-closed, so it is the gateway that ends the stream.
        let ended = caller.read().await;
        assert!(ended.status.is_none(), "{:?}", ended.status);
        let progress = ended.progress.expect("the last message has progress");
        assert!(progress.draining);
        assert_eq!(progress.items_read, ended.results.len() as i64);
        for result in ended.results.values() {
            if result.outcome() == Outcome::Accepted {
                accepted += 1;
            } else {
                assert_eq!((result.outcome(), result.reason()), (Outcome::NotAttempted, Reason::Draining));
                assert!(result.retryable);
                given_back += 1;
            }
        }
    }
    ending.await.unwrap();
    // Each item was accepted upstream once, or given back.
    assert!(given_back > 0 && accepted >= 10, "{accepted} {given_back}");
    assert_eq!(simulator.journal().read(), accepted + 1);
    assert!(simulator.journal().duplicates().is_empty());
}
