//! `POST /v1/batch`: how it ends early.

use std::time::Duration;

use serde_json::json;
use tokio::net::TcpSocket;

use super::batch::Caller;
use super::{post, push, world, world_with};
use crate::harness::{SOON, good, metric, until};

const OPEN: &str = "fanfare_batch_streams";

#[tokio::test]
async fn a_line_that_is_too_long_ends_the_batch_after_every_verdict() {
    let world = world(|config| {
        config.http[0].json.as_mut().unwrap().max_push_bytes = 1000;
    })
    .await;
    let mut caller = Caller::open(&world).await;
    caller.write(push(&good(0))).await;
    caller.write(format!("{{\"id\": \"{}\"}}", "x".repeat(1000))).await;
    caller.write(push(&good(2))).await;
    let (results, last) = caller.rest().await;
    assert_eq!(results.len(), 1);
    assert_eq!(last["progress"]["itemsRead"], "1");
    let problem = &last["problem"];
    assert_eq!((&problem["status"], &problem["reason"]), (&json!(413), &json!("FIELD_TOO_LARGE")));
    assert_eq!(
        problem["detail"],
        "expected a push of at most 1000 bytes (http.json.max_push_bytes), found more in line 2"
    );
}

#[tokio::test]
async fn a_batch_of_a_caller_that_shows_nothing_counts_for_its_address() {
    let world = world(|config| config.http[0].max_requests_per_source = 1).await;
    let mut caller = Caller::open(&world).await;
    let (status, said) = post(&world, &push(&good(0))).await;
    assert_eq!((status.as_u16(), &said["reason"]), (429, &json!("OVERLOADED")));
    caller.end();
    caller.rest().await;
    drop(caller);
    // Its end is seen a moment later.
    let again = async { while post(&world, &push(&good(0))).await.0 != 200 {} };
    tokio::time::timeout(SOON, again).await.expect("the batch counts no longer");
}

#[tokio::test]
async fn a_line_that_does_not_arrive_whole_in_time_ends_the_batch() {
    let world = world(|config| config.http[0].body_timeout = Duration::from_millis(50)).await;
    let mut caller = Caller::open(&world).await;
    // A batch may be silent between its lines.
    caller.write(push(&good(0))).await;
    caller.results().await;
    caller.write_text("{\"id\":").await;
    let (_, last) = caller.rest().await;
    assert_eq!(
        (&last["problem"]["status"], &last["problem"]["reason"]),
        (&json!(408), &json!("DEADLINE_EXCEEDED"))
    );
}

#[tokio::test]
async fn options_that_are_wrong_end_the_batch() {
    let world = world(|_| {}).await;
    let mut caller = Caller::open(&world).await;
    caller.write(json!({"options": {"serviceClas": "SERVICE_CLASS_BULK"}})).await;
    let (_, last) = caller.rest().await;
    assert_eq!(last["problem"]["status"], 400);
    assert_eq!(last["problem"]["field"], "options.serviceClas");
}

#[tokio::test]
async fn a_shutdown_answers_what_was_read_and_says_how_far_that_was() {
    let world = world(|_| {}).await;
    let mut caller = Caller::open(&world).await;
    caller.write(push(&good(0))).await;
    caller.results().await;
    let gateway = world.gateway;
    let ends = tokio::spawn(async move { gateway.shut_down().await });
    let (results, last) = caller.rest().await;
    assert!(results.is_empty());
    assert_eq!((&last["progress"]["itemsRead"], &last["progress"]["draining"]), (&json!("1"), &json!(true)));
    assert_eq!((&last["end"], last.get("problem")), (&json!(true), None));
    tokio::time::timeout(SOON, ends).await.expect("the gateway ends").unwrap();
}

#[tokio::test]
async fn a_caller_that_reads_nothing_is_not_read_from_and_loses_its_connection() {
    let world = world_with(
        |builder| builder,
        |config| {
            config.grpc.batch.reader_stall_timeout = Duration::from_secs(1);
            config.http[0].listener.answer_stall_timeout = Duration::from_secs(1);
        },
    )
    .await;
    // Little fits into the buffers in between.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let socket = socket.connect(world.gateway.http_addresses()[0]).await.unwrap();
    let mut caller = Caller::open_on(socket).await;
    let to = caller.writer();
    // The caller writes without end.
    let writing = tokio::spawn(async move {
        for n in 0.. {
            let mut push = push(&good(n));
            push["labels"] = (0..8).map(|label| (format!("{label:064}"), json!("x".repeat(64)))).collect();
            if to.send(format!("{push}\n").into()).await.is_err() {
                return;
            }
        }
    });
    tokio::time::timeout(SOON, writing).await.expect("its connection is closed").unwrap();
    until(|| metric(&world.gateway, OPEN) == 0.0).await;
}
