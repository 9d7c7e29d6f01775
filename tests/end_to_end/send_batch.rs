//! SendBatch: item by item its own truthful verdict, and nobody else is held up.

use std::collections::BTreeMap;
use std::time::Duration;

use fanfare::proto::{self, Outcome, Reason, SendBatchRequest, SendBatchResponse};
use fanfare::simulator::{ApnsScriptedOutcome, Fault, FaultRule, ScriptedAnswer, Trigger};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic_types::StatusExt;

use crate::harness::{APP, SOON, World, alert, device, good, metric, metric_sum, push};

/// A batch as its caller holds it.
pub(crate) struct Caller {
    to: Option<mpsc::Sender<SendBatchRequest>>,
    from: Streaming<SendBatchResponse>,
}

/// What came of a stream.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    pub(crate) results: BTreeMap<i64, proto::PushResult>,
    pub(crate) progress: Option<proto::BatchProgress>,
    pub(crate) status: Option<tonic::Status>,
}

impl Caller {
    pub(crate) async fn open(world: &World) -> Self {
        let (to, requests) = mpsc::channel(4);
        let from = world.client.clone().send_batch(ReceiverStream::new(requests)).await.unwrap().into_inner();
        Self { to: Some(to), from }
    }

    /// Writes a message, as flow control allows.
    pub(crate) async fn write(&self, message: SendBatchRequest) {
        self.to.as_ref().unwrap().send(message).await.unwrap();
    }

    pub(crate) fn half_close(&mut self) {
        self.to = None;
    }

    /// Reads to the end.
    pub(crate) async fn read(mut self) -> Ended {
        let mut ended = Ended::default();
        loop {
            match self.from.message().await {
                Ok(Some(message)) => ended.take(message),
                Ok(None) => return ended,
                Err(status) => {
                    ended.status = Some(status);
                    return ended;
                }
            }
        }
    }
}

impl Ended {
    fn take(&mut self, message: SendBatchResponse) {
        assert!(message.results.len() <= 256, "{}", message.results.len());
        for result in message.results {
            let index = result.index;
            assert!(self.results.insert(index, result).is_none(), "item {index} has two results");
        }
        self.progress = message.progress.or(self.progress.take());
    }

    fn settled(&self, outcome: Outcome) -> i64 {
        let settled = &self.progress.as_ref().expect("the last message has progress").settled;
        settled.iter().find(|count| count.outcome() == outcome).map_or(0, |count| count.count)
    }
}

fn message(pushes: Vec<proto::Push>) -> SendBatchRequest {
    SendBatchRequest { pushes, ..SendBatchRequest::default() }
}

fn options(options: proto::BatchOptions) -> SendBatchRequest {
    SendBatchRequest { options: Some(options), ..SendBatchRequest::default() }
}

/// Writes the messages, half-closes and reads to the end, at the same time.
async fn run(world: &World, messages: Vec<SendBatchRequest>) -> Ended {
    let mut caller = Caller::open(world).await;
    let to = caller.to.take().unwrap();
    let writing = tokio::spawn(async move {
        for message in messages {
            if to.send(message).await.is_err() {
                return;
            }
        }
    });
    let ended = caller.read().await;
    writing.await.unwrap();
    ended
}

/// The fate of item `n` and its token: most are good.
fn mixed(n: usize) -> (String, Outcome) {
    let (prefix, outcome) = match n % 10 {
        3 => ("dead", Outcome::Unregistered),
        5 => ("f10d", Outcome::RateLimited),
        7 => ("0bad", Outcome::InvalidToken),
        _ => ("900d", Outcome::Accepted),
    };
    (format!("{prefix}{n:060x}"), outcome)
}

/// A gateway that does not wait out the 30 seconds of a throttled device.
async fn impatient() -> World {
    World::with(|builder| builder, |config| config.grpc.batch.max_wait = Duration::from_secs(20)).await
}

#[tokio::test]
async fn every_item_gets_its_own_outcome() {
    let world = impatient().await;
    let count = 20_000;
    let ids = |n: usize| format!("item-{n}");
    let messages = (0..count)
        .collect::<Vec<_>>()
        .chunks(137)
        .map(|chunk| {
            let pushes = chunk.iter().map(|n| proto::Push { id: ids(*n), ..push(&mixed(*n).0) });
            message(pushes.collect())
        })
        .collect();
    let ended = run(&world, messages).await;
    assert!(ended.status.is_none(), "{:?}", ended.status);
    assert_eq!(ended.results.len(), count);
    for (index, result) in &ended.results {
        let n = usize::try_from(*index).unwrap();
        assert_eq!((result.outcome(), &result.id), (mixed(n).1, &ids(n)), "{result:?}");
    }
    let progress = ended.progress.as_ref().unwrap();
    assert_eq!((progress.items_read, progress.draining), (count as i64, false));
    assert_eq!(ended.settled(Outcome::Accepted), count as i64 / 10 * 7);
    assert!(world.simulator.journal().duplicates().is_empty());
}

#[tokio::test]
async fn problems_only_needs_no_reading_until_half_close() {
    let world = World::start().await;
    let mut caller = Caller::open(&world).await;
    caller
        .write(options(proto::BatchOptions {
            app: APP.to_owned(),
            results: proto::ResultSelection::ProblemsOnly.into(),
            ..proto::BatchOptions::default()
        }))
        .await;
    // More accepted items than the window: only counted ones give their seats back unread.
    for chunk in (0..10_000).collect::<Vec<_>>().chunks(500) {
        let to = |n: &usize| if n % 1000 == 7 { format!("dead{n:060x}") } else { good(*n) };
        let pushes = chunk.iter().map(|n| proto::Push { app: String::new(), ..push(&to(n)) });
        caller.write(message(pushes.collect())).await;
    }
    caller.half_close();
    let ended = caller.read().await;
    assert!(ended.status.is_none(), "{:?}", ended.status);
    assert_eq!(
        ended.results.keys().copied().collect::<Vec<_>>(),
        (0..10).map(|n| n * 1000 + 7).collect::<Vec<_>>()
    );
    assert_eq!((ended.settled(Outcome::Accepted), ended.settled(Outcome::Unregistered)), (9_990, 10));
}

#[tokio::test]
async fn a_bad_item_is_a_result_and_the_stream_goes_on() {
    let world = World::start().await;
    let bad = [
        proto::Push { id: "a".into(), ..push("xyz") },
        proto::Push { id: "b".into(), app: "nobody".into(), ..push(&good(1)) },
        proto::Push { id: "c".into(), content: None, ..push(&good(2)) },
        proto::Push { id: "d".into(), app: String::new(), ..push(&good(3)) },
        proto::Push { id: "a b".into(), ..push(&good(4)) },
    ];
    let pushes = [bad.to_vec(), vec![push(&good(5))]].concat();
    let ended = run(&world, vec![message(pushes)]).await;
    let seen: Vec<_> = ended
        .results
        .values()
        .map(|it| (it.outcome(), it.reason(), it.field.as_str(), it.id.as_str()))
        .collect();
    let invalid = Outcome::InvalidPush;
    assert_eq!(seen[0], (Outcome::InvalidToken, Reason::FieldInvalid, "target.apns.token", "a"));
    assert_eq!(seen[1], (invalid, Reason::AppUnknown, "app", "b"));
    assert_eq!(seen[2], (invalid, Reason::FieldRequired, "content", "c"));
    assert_eq!(seen[3], (invalid, Reason::FieldRequired, "app", "d"));
    assert_eq!(seen[4], (invalid, Reason::FieldInvalid, "id", "a b"));
    assert_eq!(seen[5].0, Outcome::Accepted);
    assert_eq!(ended.progress.unwrap().items_read, 6);
}

#[tokio::test]
async fn a_multicast_counts_addressee_by_addressee_after_the_pushes_of_its_message() {
    let world = impatient().await;
    let addressee = |n: usize| proto::Addressee { id: format!("to-{n}"), target: Some(device(&mixed(n).0)) };
    let multicast = |numbers: std::ops::Range<usize>| proto::Multicast {
        app: APP.to_owned(),
        content: Some(alert("All", "of you")),
        addressees: numbers.map(addressee).collect(),
        ..proto::Multicast::default()
    };
    let ended = run(
        &world,
        vec![
            SendBatchRequest {
                pushes: vec![push(&good(100_000))],
                multicasts: vec![multicast(0..1000), multicast(0..0), multicast(1000..1005)],
                ..SendBatchRequest::default()
            },
            SendBatchRequest { multicasts: vec![multicast(0..1001)], ..SendBatchRequest::default() },
            message(vec![push(&good(100_001))]),
        ],
    )
    .await;
    assert!(ended.status.is_none(), "{:?}", ended.status);
    assert_eq!(ended.results.len(), 1 + 1005 + 1001 + 1);
    for n in 0..1005 {
        let result = &ended.results[&(n as i64 + 1)];
        assert_eq!((result.outcome(), &result.id), (mixed(n).1, &format!("to-{n}")), "{result:?}");
    }
    for n in 1006..2007 {
        let result = &ended.results[&n];
        assert_eq!((result.outcome(), result.reason()), (Outcome::InvalidPush, Reason::FieldTooLarge));
        assert_eq!(result.field, "addressees");
    }
    assert_eq!(ended.results[&2007].outcome(), Outcome::Accepted);
}

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
    let caller = Caller::open(&world).await;
    // Without end: more than all windows and buffers between can hold.
    let to = caller.to.clone().unwrap();
    let writing = tokio::spawn(async move {
        for n in 0.. {
            let pushes = (0..100).map(|at| push(&good(100 * n + at))).collect();
            if to.send(message(pushes)).await.is_err() {
                return;
            }
        }
    });
    // Everything admitted is answered, and its stream upstream is free again.
    world.simulator.journal().wait_for_answered(4_000, SOON).await.unwrap();
    let other = world.send_all((9_000_000..9_000_100).map(good)).await;
    assert!(other.iter().all(|result| result.outcome() == Outcome::Accepted));
    // After the stall timeout the stream has its end, and who reads at last finds it.
    while metric(&world.gateway, "fanfare_batch_streams ") > 0.0 {
        tokio::task::yield_now().await;
    }
    // All of it is given back, when what was written has its answer.
    while metric(&world.gateway, "fanfare_pushes_in_flight ") > 0.0 {
        tokio::task::yield_now().await;
    }
    while metric_sum(&world, "fanfare_upstream_streams_used{", "") > 0.0 {
        tokio::task::yield_now().await;
    }
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
        let caller = Caller::open(&world).await;
        let before = world.simulator.journal().arrived();
        for chunk in (0..400).collect::<Vec<_>>().chunks(100) {
            caller.write(message(chunk.iter().map(|n| push(&good(cancelled + n))).collect())).await;
        }
        world.simulator.journal().wait_for_arrived(before + 200, SOON).await.unwrap();
        // Dropped with answers under way.
        drop(caller);
        cancelled += 400;
    }
    assert_eq!(others.join_next().await.unwrap().unwrap(), 1000);
    let counters = world.simulator.counters();
    assert_eq!((counters.connections_opened, counters.resets_received), (1, 0));
    assert_eq!(counters.limit_violations, 0);
    // What was written ran to its answer and was counted.
    while metric_sum(&world, "fanfare_upstream_orphans{", "") > 0.0 {
        tokio::task::yield_now().await;
    }
    assert!(metric_sum(&world, "fanfare_upstream_orphans_ended_total{", "cause=\"answered\"") > 0.0);
    assert_eq!(metric(&world.gateway, "fanfare_pushes_in_flight "), 0.0);
}

#[tokio::test]
async fn scarce_streams_go_to_the_interactive_first_and_then_in_turn() {
    // One stream in all: between connections the order of arrival is not that of the grants.
    let one = |config: &mut fanfare::config::Config| config.upstream.max_connections_per_peer = 1;
    let world = World::with(|builder| builder.max_concurrent_streams(1), one).await;
    // It is taken, and stays so until everyone stands in line.
    let held = good(0);
    world.simulator.script_outcome(&held, ApnsScriptedOutcome::Slow(Duration::from_secs(2)));
    let mut client = world.client.clone();
    let first = tokio::spawn(async move {
        client.send_push(proto::SendPushRequest { push: Some(Box::new(push(&good(0)))) }).await
    });
    world.simulator.journal().wait_for_arrived(1, SOON).await.unwrap();
    let mut callers = Vec::new();
    for batch in 1..=2 {
        let mut caller = Caller::open(&world).await;
        let pushes = (0..10).map(|n| push(&good(batch * 1000 + n))).collect();
        caller.write(message(pushes)).await;
        caller.half_close();
        while metric_sum(&world, "fanfare_upstream_waiting{", "") < batch as f64 * 10.0 {
            tokio::task::yield_now().await;
        }
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
    while metric_sum(&world, "fanfare_upstream_waiting{", "") < 25.0 {
        tokio::task::yield_now().await;
    }
    first.await.unwrap().unwrap();
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
async fn an_item_that_waits_long_leaves_the_window_to_others() {
    let world = World::with(|builder| builder, |config| config.grpc.batch.window = 4).await;
    let throttled = ScriptedAnswer {
        headers: vec![("retry-after".into(), "2".into())],
        ..ScriptedAnswer::refusal(429, "TooManyRequests")
    };
    for n in 0..4 {
        let rule = FaultRule::once(Trigger::DeviceToken(good(n)), Fault::Answer(throttled.clone()));
        world.simulator.add_fault(rule);
    }
    // The window is full of those that wait, unless they leave it.
    let ended = run(&world, vec![message((0..100).map(|n| push(&good(n))).collect())]).await;
    assert!(ended.results.values().all(|result| result.outcome() == Outcome::Accepted));
    let last = world
        .simulator
        .journal()
        .entries()
        .iter()
        .rev()
        .take(4)
        .filter_map(|entry| entry.device_token().map(str::to_owned))
        .collect::<Vec<_>>();
    assert!(last.iter().all(|token| (0..4).any(|n| *token == good(n))), "{last:?}");
}

#[tokio::test]
async fn a_full_waiting_set_answers_at_once_with_the_advice() {
    let change = |config: &mut fanfare::config::Config| config.grpc.batch.max_waiting = 1;
    let world = World::with(|builder| builder, change).await;
    let throttled = ScriptedAnswer {
        headers: vec![("retry-after".into(), "2".into())],
        ..ScriptedAnswer::refusal(429, "TooManyRequests")
    };
    for n in 0..3 {
        let rule = FaultRule::once(Trigger::DeviceToken(good(n)), Fault::Answer(throttled.clone()));
        world.simulator.add_fault(rule);
    }
    let ended = run(&world, vec![message((0..3).map(|n| push(&good(n))).collect())]).await;
    let outcomes: Vec<_> = ended.results.values().map(|result| result.outcome()).collect();
    assert_eq!(outcomes.iter().filter(|it| **it == Outcome::Accepted).count(), 1, "{outcomes:?}");
    for told in ended.results.values().filter(|it| it.outcome() == Outcome::RateLimited) {
        assert_eq!(told.retry_after.unwrap().seconds, 2);
    }
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
    let ended = Caller { to: Some(to), from }.read().await;
    assert_eq!(ended.results[&0].outcome(), Outcome::Accepted);
    assert_eq!(ended.results[&1].outcome(), Outcome::Unconfirmed);
    let status = ended.status.unwrap();
    assert_eq!(status.code(), tonic::Code::DeadlineExceeded, "{status:?}");
    assert!(status.message().contains("items_read"), "the gateway's own words: {status:?}");
    assert_eq!(ended.progress.unwrap().items_read, 2);
}

#[tokio::test]
async fn one_batch_too_many_on_a_connection_is_refused() {
    let world = World::with(|builder| builder, |config| config.grpc.batch.max_streams = 2).await;
    let _first = Caller::open(&world).await;
    let second = Caller::open(&world).await;
    let (_to, requests) = mpsc::channel(1);
    let refused = world.client.clone().send_batch(ReceiverStream::new(requests)).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Aborted);
    assert_eq!(refused.get_error_details().error_info().unwrap().reason, "OVERLOADED");
    drop(second);
    while metric(&world.gateway, "fanfare_batch_streams ") > 1.0 {
        tokio::task::yield_now().await;
    }
    Caller::open(&world).await;
}

#[tokio::test]
async fn draining_says_so_and_gives_back_what_was_not_written() {
    let world = World::with(|builder| builder.max_concurrent_streams(10), |_| {}).await;
    world.send(push(&good(100_000))).await;
    world.simulator.set_answer_latency(Duration::from_millis(300));
    let mut callers = Vec::new();
    for batch in 0..10 {
        let caller = Caller::open(&world).await;
        caller.write(message((0..50).map(|n| push(&good(batch * 1000 + n))).collect())).await;
        callers.push(caller);
    }
    world.simulator.journal().wait_for_read(11, SOON).await.unwrap();
    let World { simulator, gateway, client: _client } = world;
    let ending = tokio::spawn(gateway.shut_down());
    let (mut accepted, mut given_back) = (0, 0);
    for caller in callers {
        // None of them has half-closed: the gateway ends the stream.
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
    // Each item was accepted upstream, once, or given back.
    assert!(given_back > 0 && accepted >= 10, "{accepted} {given_back}");
    assert_eq!(simulator.journal().read(), accepted + 1);
    assert!(simulator.journal().duplicates().is_empty());
}
