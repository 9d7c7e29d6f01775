//! Who gets streams and room when they are scarce: batches among themselves, and beside single pushes.

use std::sync::Arc;

use fanfare::desk::Admission;
use fanfare::proto;
use fanfare::sharer::Sharer;
use fanfare_simulator::Fault;
use fanfare_upstream::ServiceClass;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic_types::StatusExt;

use super::{BatchCaller, message};
use crate::harness::{SOON, World, good, metric, metric_sum, push, until};

#[tokio::test]
async fn scarce_streams_go_to_the_interactive_first_and_then_in_turn() {
    // There is one stream in all, because over several connections the order of arrival is not that of the grants.
    let one = |config: &mut fanfare::config::Config| config.upstream.max_connections_per_peer = 1;
    let world = World::with(|builder| builder.max_concurrent_streams(1), one).await;
    world.send(push(&good(0))).await;
    // The stream is taken away until everyone stands in line.
    let connection = world.simulator.connections()[0].id;
    world.simulator.on_connection(connection, &Fault::SetMaxStreams(0)).unwrap();
    until(|| metric_sum(&world, "fanfare_upstream_streams_allowed{", "") == 0.0).await;
    let mut callers = Vec::new();
    for batch in 1..=2 {
        let mut caller = BatchCaller::open(&world).await;
        let pushes = (0..10).map(|n| push(&good(batch * 1000 + n))).collect();
        caller.write(message(pushes)).await;
        caller.half_close();
        until(|| metric_sum(&world, "fanfare_upstream_waiting{", "") >= batch as f64 * 10.0).await;
        callers.push(caller);
    }
    let singles: Vec<_> = (0..5)
        .map(|n| {
            let mut client = world.client.clone();
            tokio::spawn(async move {
                client.send_push(proto::SendPushRequest { push: Some(Box::new(push(&good(3000 + n)))) }).await
            })
        })
        .collect();
    until(|| metric_sum(&world, "fanfare_upstream_waiting{", "") >= 25.0).await;
    world.simulator.on_connection(connection, &Fault::SetMaxStreams(1)).unwrap();
    for single in singles {
        single.await.unwrap().unwrap();
    }
    for caller in callers {
        assert_eq!(caller.read().await.results.len(), 10);
    }
    let order: Vec<_> = world
        .simulator
        .journal()
        .entries()
        .iter()
        .map(|entry| usize::from_str_radix(&entry.device_token().unwrap()[4..], 16).unwrap() / 1000)
        .collect();
    assert_eq!(order[0], 0);
    assert_eq!(order[1..6], [3; 5], "the interactive first: {order:?}");
    let bulk = &order[6..];
    assert!(bulk.windows(2).take(18).all(|pair| pair[0] != pair[1]), "in turn: {order:?}");
}

#[tokio::test]
async fn one_batch_too_many_on_a_connection_is_refused() {
    let world = World::with(|builder| builder, |config| config.grpc.max_batch_streams = 2).await;
    let _first = BatchCaller::open(&world).await;
    let second = BatchCaller::open(&world).await;
    let (_to, requests) = mpsc::channel(1);
    let refused = world.client.clone().send_batch(ReceiverStream::new(requests)).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Aborted);
    assert_eq!(refused.get_error_details().error_info().unwrap().reason, "OVERLOADED");
    drop(second);
    until(|| metric(&world.gateway, "fanfare_batch_streams ") <= 1.0).await;
    BatchCaller::open(&world).await;
}

#[tokio::test]
async fn room_that_bulk_may_not_take_goes_to_the_interactive_who_waits() {
    let admission = Arc::new(Admission::new(10, Arc::default()));
    let sharers = Arc::new([Sharer::default(), Sharer::default()]);
    let [caller, app] = &*sharers;
    let mut rooms: Vec<_> =
        (0..10).map(|_| admission.admit(ServiceClass::Interactive, [caller, app]).unwrap()).collect();
    let waits = |class| {
        let (admission, sharers) = (Arc::clone(&admission), Arc::clone(&sharers));
        tokio::spawn(async move { admission.admitted(class, sharers.each_ref()).await.is_some() })
    };
    let bulk = waits(ServiceClass::Bulk);
    tokio::task::yield_now().await;
    let interactive = waits(ServiceClass::Interactive);
    tokio::task::yield_now().await;
    rooms.pop();
    let admitted = tokio::time::timeout(SOON, interactive).await;
    bulk.abort();
    assert!(admitted.is_ok(), "nine of ten are taken, and an interactive item still waits");
}
