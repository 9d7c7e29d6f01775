//! Bad input: each gets a clear answer, and the process goes on serving.

use fanfare::proto::{self, Delivery, Outcome, Reason, TokenAction};
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic_types::StatusExt;

use crate::harness::{World, device, good, push};

/// The parts of a result that a caller has to look at, whichever RPC it used.
type Finding = (Outcome, Reason, TokenAction, String, String);

fn finding(result: &proto::PushResult) -> Finding {
    assert_eq!(
        (result.delivery(), result.attempts, result.retryable),
        (Delivery::No, 0, false),
        "{result:?}"
    );
    let (field, detail) = (result.field.clone(), result.detail.clone());
    assert!(detail.contains("expected") || detail.contains("app"), "{result:?}");
    (result.outcome(), result.reason(), result.token_action(), field, detail)
}

/// Changes a good push, and expects the same finding from every RPC: this outcome, field and reason.
async fn found(
    world: &World,
    outcome: Outcome,
    field: &str,
    reason: Reason,
    change: impl FnOnce(&mut proto::Push),
) {
    let mut push = push(&good(1));
    change(&mut push);
    let mut client = world.client.clone();
    let single = world.call(push.clone()).await.expect(field);
    let pushes = proto::SendPushesRequest { pushes: vec![push.clone()], ..Default::default() };
    let pushes = client.send_pushes(pushes).await.expect(field).into_inner().results;
    let batch = proto::SendBatchRequest { pushes: vec![push.clone()], ..Default::default() };
    let mut batch = client.send_batch(tokio_stream::once(batch)).await.expect(field).into_inner();
    let batch = batch.message().await.unwrap().unwrap().results;
    let findings = [&single, &pushes[0], &batch[0]].map(finding);
    assert_eq!([&findings[1], &findings[2]], [&findings[0]; 2], "{field}");
    let (found, why, action, at, _) = &findings[0];
    assert_eq!((*found, at.as_str(), *why), (outcome, field, reason), "{single:?}");
    assert_eq!(*action == TokenAction::Keep, outcome != Outcome::InvalidToken, "{single:?}");
    // The result has the id that was given, or one that the gateway made.
    assert!(!single.id.is_empty() && single.id.len() <= 128, "{single:?}");
    if !push.id.is_empty() {
        assert!(push.id.starts_with(&single.id), "{single:?}");
    }
    assert_eq!(single.labels, if field == "labels" { Default::default() } else { push.labels });
}

#[tokio::test]
async fn what_is_wrong_with_a_push_is_the_same_result_in_every_rpc() {
    use Reason::{FieldInvalid, FieldRequired, FieldTooLarge, FieldsConflict, RawBodyInvalid};
    let world = World::start().await;
    let bad = async |field: &str, reason, change: &dyn Fn(&mut proto::Push)| {
        found(&world, Outcome::InvalidPush, field, reason, change).await;
    };
    bad("id", FieldInvalid, &|push| push.id = "with space".into()).await;
    bad("id", FieldTooLarge, &|push| push.id = "x".repeat(129)).await;
    bad("app", FieldRequired, &|push| push.app.clear()).await;
    bad("app", Reason::AppUnknown, &|push| push.app = "nobody".into()).await;
    bad("target", FieldRequired, &|push| push.target = None).await;
    bad("target", FieldRequired, &|push| push.target = Some(proto::Target::default())).await;
    bad("target.apns.token", FieldRequired, &|push| push.target = Some(device(""))).await;
    bad("target", Reason::ProviderNotConfigured, &|push| {
        // The token is not at fault if the app does not have its provider.
        let fcm = proto::FcmTarget { registration_token: "a b".into(), ..proto::FcmTarget::default() };
        push.target = Some(proto::Target { fcm: Some(Box::new(fcm)), ..proto::Target::default() });
    })
    .await;
    bad("target", FieldsConflict, &|push| {
        let fcm = proto::FcmTarget { topic: "news".into(), ..proto::FcmTarget::default() };
        push.target.as_mut().unwrap().fcm = Some(Box::new(fcm));
    })
    .await;
    bad("target.apns.topic", Reason::TopicNotAllowed, &|push| {
        push.target.as_mut().unwrap().apns.as_mut().unwrap().topic = "com.example.other".into();
    })
    .await;
    bad("content", FieldRequired, &|push| push.content = None).await;
    bad("content", FieldRequired, &|push| push.content = Some(proto::Content::default())).await;
    bad("content.notification.badge", FieldInvalid, &|push| {
        push.content.as_mut().unwrap().notification.as_mut().unwrap().badge = Some(-1);
    })
    .await;
    bad("content.notification.image", FieldInvalid, &|push| {
        push.content.as_mut().unwrap().notification.as_mut().unwrap().image = "http://example.com/a".into();
    })
    .await;
    for raw in ["not json", "[1]", "7", "{\"a\":", "{} {}"] {
        bad("content.apns.payload_json", RawBodyInvalid, &|push| {
            let apns = proto::ApnsOptions { payload_json: raw.into(), ..proto::ApnsOptions::default() };
            push.content.as_mut().unwrap().apns = Some(Box::new(apns));
        })
        .await;
    }
    bad("content.fcm.message_json", RawBodyInvalid, &|push| {
        let message_json = r#"{"token":"t"}"#.into();
        let fcm = proto::FcmOptions { message_json, ..proto::FcmOptions::default() };
        push.content.as_mut().unwrap().fcm = Some(Box::new(fcm));
    })
    .await;
    let options = |push: &mut proto::Push, options| push.options = Some(options);
    let seconds = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
    bad("options.ttl", FieldInvalid, &|push| {
        options(push, proto::Options { ttl: seconds(-1), ..proto::Options::default() });
    })
    .await;
    bad("options.ttl", FieldsConflict, &|push| {
        let expire_at = Some(prost_types::Timestamp { seconds: 2_000_000_000, nanos: 0 });
        options(push, proto::Options { ttl: seconds(1), expire_at, ..proto::Options::default() });
    })
    .await;
    bad("options.expire_at", FieldInvalid, &|push| {
        let expire_at = Some(prost_types::Timestamp { seconds: i64::MAX, nanos: -1 });
        options(push, proto::Options { expire_at, ..proto::Options::default() });
    })
    .await;
    bad("options.max_wait", FieldInvalid, &|push| {
        options(push, proto::Options { max_wait: seconds(3601), ..proto::Options::default() });
    })
    .await;
    bad("options.priority", FieldInvalid, &|push| {
        options(push, proto::Options { priority: 99, ..proto::Options::default() });
    })
    .await;
    bad("options.collapse_key", FieldTooLarge, &|push| {
        options(push, proto::Options { collapse_key: "x".repeat(257), ..proto::Options::default() });
    })
    .await;
    // Every one of these pushes has no id of its own.
    bad("id", FieldRequired, &|push| {
        options(push, proto::Options { once: true, ..proto::Options::default() });
    })
    .await;
    let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    bad("labels", FieldTooLarge, &|push| {
        push.labels = (0..9).map(|n| label(&n.to_string(), "")).collect();
    })
    .await;
    bad("labels", FieldTooLarge, &|push| push.labels = [label("k", &"v".repeat(65))].into()).await;
    bad("labels", FieldTooLarge, &|push| push.labels = [label(&"k".repeat(65), "")].into()).await;
    bad("labels", FieldRequired, &|push| push.labels = [label("", "v")].into()).await;
    bad("content", FieldRequired, &|push| {
        (push.content, push.labels) = (None, [label("campaign", "autumn")].into());
    })
    .await;
    assert_eq!(world.send(push(&good(1))).await.outcome(), Outcome::Accepted);
    assert_eq!(world.simulator.journal().arrived(), 1);
}

#[tokio::test]
async fn a_malformed_token_is_an_invalid_token_in_every_rpc() {
    let world = World::start().await;
    for token in ["xyz", "abc", "\u{feff}ab12", &"ab".repeat(257)] {
        let reason = if token.len() > 512 { Reason::FieldTooLarge } else { Reason::FieldInvalid };
        found(&world, Outcome::InvalidToken, "target.apns.token", reason, |push| {
            push.target = Some(device(token));
        })
        .await;
    }
    assert_eq!(world.simulator.journal().arrived(), 0);
}

/// A caller whose encoding is wrong must not be told to delete all its tokens.
#[tokio::test]
async fn many_malformed_tokens_at_once_are_set_aside() {
    let world = World::start().await;
    let mut actions = Vec::new();
    for n in 0..30 {
        let result = world.send(push(&format!("<{n:062x}>"))).await;
        assert_eq!((result.outcome(), result.field.as_str()), (Outcome::InvalidToken, "target.apns.token"));
        let advice = if n < 9 { "; delete it" } else { "; set it aside and check " };
        assert!(result.detail.contains(advice), "{n}: {}", result.detail);
        actions.push(result.token_action());
    }
    assert_eq!(actions[..9], [TokenAction::Delete; 9]);
    assert_eq!(actions[9..], [TokenAction::Quarantine; 21]);
}

#[tokio::test]
async fn a_call_without_a_push_is_a_status() {
    let world = World::start().await;
    let mut client = world.client.clone();
    let field = |status: tonic::Status| {
        assert_eq!(status.code(), tonic::Code::InvalidArgument, "{status:?}");
        let details = status.get_error_details();
        assert_eq!(details.error_info().unwrap().domain, "push.fanfare.dev");
        (
            details.bad_request().unwrap().field_violations[0].field.clone(),
            details.error_info().unwrap().reason.clone(),
        )
    };
    let status = client.send_push(proto::SendPushRequest { push: None }).await.unwrap_err();
    assert_eq!(field(status), ("push".into(), "FIELD_REQUIRED".into()));
    for (count, reason) in [(0, "FIELD_REQUIRED"), (1001, "FIELD_TOO_LARGE")] {
        let pushes = vec![push(&good(1)); count];
        let request = proto::SendPushesRequest { pushes, ..proto::SendPushesRequest::default() };
        assert_eq!(field(client.send_pushes(request).await.unwrap_err()), ("pushes".into(), reason.into()));
    }
    let request = proto::SendPushesRequest {
        service_class: 9,
        pushes: vec![push(&good(1))],
        ..proto::SendPushesRequest::default()
    };
    let status = client.send_pushes(request).await.unwrap_err();
    assert_eq!(field(status), ("service_class".into(), "FIELD_INVALID".into()));
    assert_eq!(world.simulator.journal().arrived(), 0);
}

#[tokio::test]
async fn what_encoding_sees_is_a_result_that_names_the_field() {
    let world = World::start().await;
    for (bytes, outcome) in [(4096, Outcome::Accepted), (4097, Outcome::PayloadTooLarge)] {
        let mut large = push(&good(2));
        let payload_json = format!(r#"{{"aps":{{}},"x":"{}"}}"#, "y".repeat(bytes - 17));
        assert_eq!(payload_json.len(), bytes);
        let apns = proto::ApnsOptions { payload_json, ..proto::ApnsOptions::default() };
        large.content.as_mut().unwrap().apns = Some(Box::new(apns));
        let result = world.send(large).await;
        assert_eq!((result.outcome(), result.token_action()), (outcome, TokenAction::Keep), "{result:?}");
    }

    let mut background = push(&good(3));
    background.content =
        Some(proto::Content { data: [("k".to_owned(), "v".to_owned())].into(), ..proto::Content::default() });
    background.options =
        Some(proto::Options { priority: proto::Priority::High.into(), ..proto::Options::default() });
    let result = world.send(background).await;
    assert_eq!((result.outcome(), result.field.as_str()), (Outcome::InvalidPush, "options.priority"));
    // Only the payload that fits was sent.
    assert_eq!(world.simulator.journal().arrived(), 1);
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_and_the_channel_lives() {
    let world = World::start().await;
    let mut huge = push(&good(1));
    huge.content.as_mut().unwrap().data.insert("k".into(), "v".repeat(5 * 1024 * 1024));
    let status = world.call(huge).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::OutOfRange, "{status:?}");
    assert_eq!(world.send(push(&good(1))).await.outcome(), Outcome::Accepted);
}

#[tokio::test]
async fn garbage_on_the_port_harms_nobody() {
    let world = World::start().await;
    for garbage in
        [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 4096], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff"]
    {
        let mut socket = tokio::net::TcpStream::connect(world.gateway.grpc_address()).await.unwrap();
        // The gateway may hang up at any moment.
        let _ = socket.write_all(garbage).await;
        let _ = socket.shutdown().await;
        let _ = socket.read_to_end(&mut Vec::new()).await;
    }
    assert_eq!(world.send(push(&good(1))).await.outcome(), Outcome::Accepted);
}

#[test]
fn the_stubs_read_what_a_oneof_writes() {
    // Target { apns { token: "ab" } }, as any protobuf library writes a oneof.
    let target = proto::Target::decode(&[0x0a, 0x04, 0x0a, 0x02, b'a', b'b'][..]).unwrap();
    assert_eq!(target, device("ab"));
}
