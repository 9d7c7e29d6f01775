//! Bad input: a clear answer each, and the process serves on.

use fanfare::proto::{self, Outcome, Reason, TokenAction};
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic_types::StatusExt;

use crate::harness::{World, device, good, push};

/// Changes a good push, and expects the call to be refused for this field and reason.
async fn refused(world: &World, field: &str, reason: &str, change: impl FnOnce(&mut proto::Push)) {
    let mut push = push(&good(1));
    change(&mut push);
    let status = world.call(push).await.expect_err(field);
    assert_eq!(status.code(), tonic::Code::InvalidArgument, "{status:?}");
    let details = status.get_error_details();
    let violation = &details.bad_request().unwrap().field_violations[0];
    assert_eq!((violation.field.as_str(), details.error_info().unwrap().reason.as_str()), (field, reason));
    assert_eq!(details.error_info().unwrap().domain, "fanfare");
    assert!(!violation.description.is_empty() && status.message().contains(field), "{status:?}");
}

#[tokio::test]
async fn what_decoding_sees_is_a_status_that_names_the_field() {
    let world = World::start().await;
    let w = &world;
    refused(w, "push.id", "FIELD_INVALID", |push| push.id = "with space".into()).await;
    refused(w, "push.id", "FIELD_TOO_LARGE", |push| push.id = "x".repeat(65)).await;
    refused(w, "push.app", "FIELD_REQUIRED", |push| push.app.clear()).await;
    refused(w, "push.app", "APP_UNKNOWN", |push| push.app = "nobody".into()).await;
    refused(w, "push.target", "FIELD_REQUIRED", |push| push.target = None).await;
    refused(w, "push.target", "FIELD_REQUIRED", |push| push.target = Some(proto::Target::default())).await;
    refused(w, "push.target.apns.token", "FIELD_REQUIRED", |push| push.target = Some(device(""))).await;
    refused(w, "push.target.apns.token", "FIELD_INVALID", |push| push.target = Some(device("xyz"))).await;
    refused(w, "push.target", "PROVIDER_NOT_CONFIGURED", |push| {
        let fcm = proto::FcmTarget { topic: "news".into(), ..proto::FcmTarget::default() };
        push.target = Some(proto::Target { fcm: Some(Box::new(fcm)), ..proto::Target::default() });
    })
    .await;
    refused(w, "push.content", "FIELD_REQUIRED", |push| push.content = None).await;
    refused(w, "push.content", "FIELD_REQUIRED", |push| push.content = Some(proto::Content::default())).await;
    refused(w, "push.content.notification.badge", "FIELD_INVALID", |push| {
        push.content.as_mut().unwrap().notification.as_mut().unwrap().badge = Some(-1);
    })
    .await;
    refused(w, "push.content.notification.image", "FIELD_INVALID", |push| {
        push.content.as_mut().unwrap().notification.as_mut().unwrap().image = "http://example.com/a".into();
    })
    .await;
    for raw in ["not json", "[1]", "7", "{\"a\":", "{} {}"] {
        refused(w, "push.content.apns.payload_json", "RAW_BODY_INVALID", |push| {
            let apns = proto::ApnsOptions { payload_json: raw.into(), ..proto::ApnsOptions::default() };
            push.content.as_mut().unwrap().apns = Some(Box::new(apns));
        })
        .await;
    }
    refused(w, "push.content.fcm.message_json", "RAW_BODY_INVALID", |push| {
        let fcm =
            proto::FcmOptions { message_json: r#"{"token":"t"}"#.into(), ..proto::FcmOptions::default() };
        push.content.as_mut().unwrap().fcm = Some(Box::new(fcm));
    })
    .await;
    let options = |push: &mut proto::Push, options| push.options = Some(options);
    let seconds = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
    refused(w, "push.options.ttl", "FIELD_INVALID", |push| {
        options(push, proto::Options { ttl: seconds(-1), ..proto::Options::default() });
    })
    .await;
    refused(w, "push.options.ttl", "FIELDS_CONFLICT", |push| {
        let expire_at = Some(prost_types::Timestamp { seconds: 2_000_000_000, nanos: 0 });
        options(push, proto::Options { ttl: seconds(1), expire_at, ..proto::Options::default() });
    })
    .await;
    refused(w, "push.options.expire_at", "FIELD_INVALID", |push| {
        let expire_at = Some(prost_types::Timestamp { seconds: i64::MAX, nanos: -1 });
        options(push, proto::Options { expire_at, ..proto::Options::default() });
    })
    .await;
    refused(w, "push.options.max_wait", "FIELD_INVALID", |push| {
        options(push, proto::Options { max_wait: seconds(3601), ..proto::Options::default() });
    })
    .await;
    refused(w, "push.options.priority", "FIELD_INVALID", |push| {
        options(push, proto::Options { priority: 99, ..proto::Options::default() });
    })
    .await;
    refused(w, "push.options.collapse_key", "FIELD_TOO_LARGE", |push| {
        options(push, proto::Options { collapse_key: "x".repeat(257), ..proto::Options::default() });
    })
    .await;
    assert_eq!(world.send(push(&good(1))).await.outcome(), Outcome::Accepted);
    assert_eq!(world.simulator.journal().arrived(), 1);
}

#[tokio::test]
async fn two_targets_are_refused_though_a_oneof_would_forget_one() {
    let world = World::start().await;
    let fcm = proto::FcmTarget { topic: "news".into(), ..proto::FcmTarget::default() };
    refused(&world, "push.target", "FIELDS_CONFLICT", |push| {
        push.target.as_mut().unwrap().fcm = Some(Box::new(fcm))
    })
    .await;
}

#[tokio::test]
async fn what_encoding_sees_is_a_result_that_names_the_field() {
    let world = World::start().await;
    let mut foreign = push(&good(1));
    foreign.target.as_mut().unwrap().apns.as_mut().unwrap().topic = "com.example.other".into();
    let result = world.send(foreign).await;
    assert_eq!((result.outcome(), result.reason()), (Outcome::InvalidPush, Reason::TopicNotAllowed));
    assert_eq!((result.field.as_str(), result.attempts), ("target.apns.topic", 0));

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
