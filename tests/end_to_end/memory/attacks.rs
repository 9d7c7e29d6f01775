//! Attacks on the gateway's memory, each with what it may cost.

use std::io::Write;

use fanfare::caller::{CallerSettings, Permissions};
use fanfare::proto::{self, Outcome, Reason, SendBatchResponse};
use fanfare_simulator::ApnsScriptedOutcome;
use prost::Message;
use tonic_health::pb::HealthCheckResponse;
use tonic_types::StatusExt;

use super::Watched;
use crate::harness::{APP, SOON, World, good, push};

const MIB: usize = 1024 * 1024;

/// The largest message by default.
const LARGEST: usize = 4 * MIB;

/// A bound is so many times what an attack was measured to cost beside an idle gateway, because allocators and the number of
/// threads differ.
const GENEROUS: usize = 3;

/// A message of copies of one item. Each is written as field 2 of a SendBatchRequest.
fn copies(push: &proto::Push, count: usize) -> Vec<u8> {
    proto::SendBatchRequest { pushes: vec![push.clone()], ..Default::default() }.encode_to_vec().repeat(count)
}

/// Before the gate, a call that claimed 4 MiB had them reserved, which cost 1.3 GB in huge pages.
#[tokio::test]
async fn a_thousand_claims_of_four_megabytes_reserve_nothing() {
    let watched = Watched::start("").await;
    let mut attacker = watched.attacker().await;
    let mut calls = Vec::new();
    for _ in 0..1000 {
        calls.push(attacker.claim("SendPushes", LARGEST, 150).await);
    }
    // A small call of the same connection, behind all of them, does not wait for its turn.
    let mut small = attacker.call("SendPush").await;
    let request = proto::SendPushRequest { push: Some(Box::new(push(&good(1)))) };
    small.write_message(&request.encode_to_vec());
    small.half_close();
    let (answers, status) = small.answer::<proto::SendPushResponse>().await;
    assert_eq!(status.code(), tonic::Code::Ok, "{status:?}");
    assert_eq!(answers[0].result.as_ref().unwrap().outcome(), Outcome::Accepted);
    watched.good_push(good(2)).await;
    watched.cost("1,000 claims of 4 MiB", GENEROUS * 16 * MIB);
}

/// Each message is 60 KiB, and becomes sixteen times the largest message. Those of gzip say how large they become, and those of
/// zstd do not.
#[tokio::test]
async fn two_thousand_compressed_bombs_are_refused_by_what_they_become() {
    let watched = Watched::start("").await;
    let mut attacker = watched.attacker().await;
    let plain = vec![0; 16 * LARGEST];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&plain).unwrap();
    let mut zstd = Vec::new();
    let mut context = zstd_safe::CCtx::create();
    context.set_parameter(zstd_safe::CParameter::ContentSizeFlag(false)).unwrap();
    zstd.reserve(LARGEST);
    context.compress2(&mut zstd, &plain[..]).unwrap();
    for (encoding, bomb) in [("gzip", gzip.finish().unwrap()), ("zstd", zstd)] {
        for _ in 0..10 {
            let mut calls = Vec::new();
            for _ in 0..100 {
                let mut call = attacker.call_encoded("SendPushes", encoding).await;
                call.write_compressed(&bomb);
                call.half_close();
                calls.push(call);
            }
            for call in calls {
                let (answers, status) = call.answer::<proto::SendPushesResponse>().await;
                assert!(answers.is_empty());
                let reason = status.get_error_details().error_info().unwrap().reason.clone();
                // Those that find no turn come again.
                assert!(["FIELD_TOO_LARGE", "OVERLOADED"].contains(&&*reason), "{encoding}: {status:?}");
            }
        }
    }
    watched.good_push(good(1)).await;
    watched.cost("2,000 compressed bombs", GENEROUS * 32 * MIB);
}

/// Before items were decoded one by one, this held 330 MB and more.
#[tokio::test]
async fn thirty_two_large_messages_whose_items_wait_are_held_as_bytes() {
    let watched = Watched::start("max_in_flight = 100").await;
    watched.simulator.script_outcome(&good(1), ApnsScriptedOutcome::Silent);
    let mut attacker = watched.attacker().await;
    let message = copies(&proto::Push { id: "x".repeat(8), ..push(&good(1)) }, 35_000);
    assert!((LARGEST - MIB..LARGEST).contains(&message.len()), "{}", message.len());
    let mut calls = Vec::new();
    for _ in 0..32 {
        let mut call = attacker.call("SendBatch").await;
        call.write_message(&message);
        calls.push(call);
    }
    // As many as may be worked on at a time have been read when progress comes on so many streams.
    let mut begun = futures_util::stream::FuturesUnordered::from_iter(
        calls.iter_mut().map(|call| call.first::<SendBatchResponse>()),
    );
    for _ in 0..8 {
        let first = futures_util::StreamExt::next(&mut begun).await.unwrap();
        assert_eq!(first.progress.unwrap().items_read, 35_000);
    }
    watched.good_push(good(2)).await;
    watched.cost("32 messages of 3.7 MB whose items wait", GENEROUS * 80 * MIB);
}

/// Before items were counted ahead of being decoded, this held 300 MB.
#[tokio::test]
async fn two_million_empty_pushes_in_a_message_are_refused() {
    let watched = Watched::start("").await;
    let mut attacker = watched.attacker().await;
    let mut call = attacker.call("SendBatch").await;
    call.write_message(&copies(&proto::Push::default(), 2_000_000));
    let (answers, status) = call.answer::<SendBatchResponse>().await;
    assert_eq!(status.code(), tonic::Code::InvalidArgument, "{status:?}");
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "FIELD_TOO_LARGE");
    let violation = &details.bad_request().unwrap().field_violations[0];
    assert_eq!(violation.field, "pushes");
    assert!(violation.description.ends_with("(grpc.max_message_items), found 2000000"), "{violation:?}");
    assert_eq!(answers.last().unwrap().progress.as_ref().unwrap().items_read, 0);
    watched.cost("2,000,000 empty pushes in a message", GENEROUS * 20 * MIB);
}

#[tokio::test]
async fn empty_pushes_in_messages_of_as_many_as_there_may_be_are_results() {
    const MESSAGES: usize = 2;
    let watched = Watched::start("").await;
    let mut attacker = watched.attacker().await;
    let mut call = attacker.call("SendBatch").await;
    for _ in 0..MESSAGES {
        call.write_message(&copies(&proto::Push::default(), 65_536));
    }
    call.half_close();
    let (answers, status) = call.answer::<SendBatchResponse>().await;
    assert_eq!(status.code(), tonic::Code::Ok, "{status:?}");
    let results: usize = answers.iter().map(|answer| answer.results.len()).sum();
    assert_eq!(results, MESSAGES * 65_536);
    watched.cost("131,072 empty pushes, read", GENEROUS * 25 * MIB);
}

/// The streams that nobody reads stop at their windows.
#[tokio::test]
async fn two_million_empty_pushes_whose_results_nobody_reads_wait_as_bytes() {
    let watched = Watched::start("").await;
    let mut attacker = watched.attacker().await;
    let mut call = attacker.call("SendBatch").await;
    let message = copies(&proto::Push::default(), 65_536);
    for _ in 0..31 {
        call.write_message(&message);
    }
    assert!(!call.first::<SendBatchResponse>().await.results.is_empty());
    watched.good_push(good(1)).await;
    watched.cost("2,000,000 empty pushes, not read", GENEROUS * 25 * MIB);
}

#[tokio::test]
async fn claims_that_never_complete_harm_no_other_connection() {
    let world = World::start().await;
    let mut attacker = super::RawCaller::connect(world.gateway.grpc_address()).await;
    let mut claims = Vec::new();
    for _ in 0..100 {
        claims.push(attacker.claim("SendPushes", LARGEST, 100_000).await);
    }
    let results = world.send_all((0..200).map(good)).await;
    assert!(results.iter().all(|result| result.outcome() == Outcome::Accepted));
    // A large message waits for its turn among those of its own connection alone.
    let pushes: Vec<_> = (200..1200).map(|n| proto::Push { app: String::new(), ..push(&good(n)) }).collect();
    let request = proto::SendPushesRequest { app: APP.to_owned(), pushes, ..Default::default() };
    assert!(request.encoded_len() > 64 * 1024);
    let results = world.client.clone().send_pushes(request).await.unwrap().into_inner().results;
    assert!(results.iter().all(|result| result.outcome() == Outcome::Accepted));
}

#[tokio::test]
async fn a_message_that_does_not_arrive_in_time_is_not_taken() {
    let timeout = std::time::Duration::from_millis(300);
    let world = World::with(|builder| builder, |config| config.grpc.message_timeout = timeout).await;
    let mut attacker = super::RawCaller::connect(world.gateway.grpc_address()).await;
    for (method, length, sent) in
        [("SendPush", 1000, 999), ("SendPushes", LARGEST, 0), ("SendBatch", 1000, 1), ("SendPush", 0, 0)]
    {
        let (_, status) = attacker.claim(method, length, sent).await.answer::<SendBatchResponse>().await;
        assert_eq!(status.code(), tonic::Code::Aborted, "{method}: {status:?}");
        assert_eq!(status.get_error_details().error_info().unwrap().reason, "DEADLINE_EXCEEDED");
    }
    assert_eq!(world.send(push(&good(1))).await.outcome(), Outcome::Accepted);
}

/// Anybody may ask whether the gateway serves, so whoever asks has to say what within a time.
#[tokio::test]
async fn a_health_check_that_never_comes_ends_in_time() {
    let timeout = std::time::Duration::from_millis(100);
    let world = World::with(|builder| builder, |config| config.grpc.message_timeout = timeout).await;
    let mut stranger = super::RawCaller::connect(world.gateway.grpc_address()).await;
    for method in ["Check", "Watch"] {
        let unsaid = stranger.call_path(&format!("/grpc.health.v1.Health/{method}")).await;
        let mut not_ended = stranger.call_path(&format!("/grpc.health.v1.Health/{method}")).await;
        not_ended.write_message(&[]);
        for call in [unsaid, not_ended] {
            let answer = call.answer::<HealthCheckResponse>();
            let (answers, status) = tokio::time::timeout(SOON, answer).await.unwrap();
            assert!(answers.is_empty());
            assert_eq!(status.code(), tonic::Code::Aborted, "{method}: {status:?}");
        }
    }
}

/// Each watch costs 4 KB, and a connection has room for 10,000 calls.
#[tokio::test]
async fn a_stranger_watches_health_a_few_times_at_most() {
    let key = fanfare::caller::CallerKey::generate().unwrap();
    let caller = CallerSettings {
        name: "orders".to_owned(),
        permissions: Permissions::everything(),
        keys: vec![key.digest()],
        certificate: None,
        token: None,
        anonymous: false,
    };
    let world = World::with(|builder| builder, |config| config.callers = vec![caller]).await;
    let mut stranger = super::RawCaller::connect(world.gateway.grpc_address()).await;
    let mut open = Vec::new();
    let refused = loop {
        let mut call = stranger.call_path("/grpc.health.v1.Health/Watch").await;
        call.write_message(&[]);
        call.half_close();
        match call.status_now().await {
            Some(status) => break status,
            None => open.push(call),
        }
    };
    assert_eq!(refused.code(), tonic::Code::Aborted, "{refused:?}");
    assert_eq!(open.len(), 16);
    // One that ends leaves its place to another.
    open.pop();
    let again = async {
        loop {
            let mut call = stranger.call_path("/grpc.health.v1.Health/Check").await;
            call.write_message(&[]);
            call.half_close();
            let (_, status) = call.answer::<HealthCheckResponse>().await;
            if status.code() == tonic::Code::Ok {
                return;
            }
        }
    };
    tokio::time::timeout(SOON, again).await.unwrap();
}

/// An entry of a map takes ten times the memory of its bytes. Where a raw payload stands in for the data, the push is sent
/// all the same, and its data was held until its verdict: 16 pushes held 366 MB.
#[tokio::test]
async fn data_of_more_entries_than_any_payload_holds_is_not_kept() {
    let watched = Watched::start("").await;
    watched.simulator.script_outcome(&good(1), ApnsScriptedOutcome::Silent);
    let mut large = push(&good(1));
    let content = large.content.as_mut().unwrap();
    content.data = (0..300_000).map(|n| (format!("{n:x}"), String::new())).collect();
    let payload_json = r#"{"aps":{"alert":"x"}}"#.to_owned();
    content.apns = Some(Box::new(proto::ApnsOptions { payload_json, ..Default::default() }));
    let message = copies(&large, 1);
    assert!((2 * MIB..LARGEST).contains(&message.len()), "{}", message.len());
    let mut attacker = watched.attacker().await;
    let mut call = attacker.call("SendBatch").await;
    for _ in 0..16 {
        call.write_message(&message);
    }
    call.half_close();
    let (answers, status) = call.answer::<SendBatchResponse>().await;
    assert_eq!(status.code(), tonic::Code::Ok, "{status:?}");
    let results: Vec<_> = answers.iter().flat_map(|answer| &answer.results).collect();
    assert_eq!(results.len(), 16);
    assert!(results.iter().all(|result| result.reason() == Reason::FieldTooLarge), "{results:?}");
    assert!(results.iter().all(|result| result.field == "content.data"));
    watched.cost("pushes of many small entries of data", GENEROUS * 80 * MIB);
}
