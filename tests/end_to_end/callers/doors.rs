//! A caller that may push to the devices of one app tries every door.

use tonic::Code;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_reflection::pb::v1::{ServerReflectionRequest, server_reflection_client::ServerReflectionClient};

use super::*;
use crate::harness::{good, metric_sum};

/// Sends a push by each RPC, and returns what each said.
async fn by_each_rpc(client: &Client, push: &proto::Push) -> Vec<proto::PushResult> {
    let mut results = Vec::new();
    for rpc in [Rpc::SendPush, Rpc::SendPushes, Rpc::SendBatch] {
        results.push(send(client, rpc, push.clone()).await.unwrap());
    }
    results
}

#[tokio::test]
async fn no_door_leads_beyond_the_devices_of_its_app() {
    let orders = known("orders");
    let world = world(vec![orders.settings]).await;
    let client = client(&world, &orders.key).await;
    let topic = |topic: &str| to_fcm(proto::FcmTarget { topic: topic.to_owned(), ..Default::default() });
    let condition = proto::FcmTarget { condition: "'all' in topics".to_owned(), ..Default::default() };
    let channel = proto::ApnsChannel { channel_id: "dHN0LXNyY2gtY2hubA==".to_owned(), ..Default::default() };
    let broadcast = proto::Target { apns_channel: Some(Box::new(channel)), ..Default::default() };
    let broadcast = proto::Push { target: Some(broadcast), ..push(&good(1)) };
    let malformed = proto::Push { app: NEWS.to_owned(), ..push("no token") };
    for closed in [topic("all"), to_fcm(condition), broadcast, malformed] {
        for result in by_each_rpc(&client, &closed).await {
            assert!(is_not_permitted(&result), "{closed:?}: {result:?}");
        }
    }
    // The raw message of FCM must not name a target, and another app's topic is not in the app's list.
    let mut raw = to_registration_token();
    let message_json = r#"{"topic":"all"}"#.to_owned();
    raw.content.as_mut().unwrap().fcm =
        Some(Box::new(proto::FcmOptions { message_json, ..Default::default() }));
    for result in by_each_rpc(&client, &raw).await {
        assert_eq!(result.reason(), Reason::RawBodyInvalid, "{result:?}");
    }
    let mut other_topic = push(&good(1));
    other_topic.target.as_mut().unwrap().apns.as_mut().unwrap().topic = "com.example.other".to_owned();
    for result in by_each_rpc(&client, &other_topic).await {
        assert_eq!(result.reason(), Reason::TopicNotAllowed, "{result:?}");
    }
    assert_eq!(metric_sum(&world, "fanfare_attempts_total{", ""), 0.0);
}

#[tokio::test]
async fn the_apps_of_others_read_as_those_that_do_not_exist() {
    let orders = known("orders");
    let world = world(vec![orders.settings]).await;
    let client = client(&world, &orders.key).await;
    let of = |app: &str| proto::Push { app: app.to_owned(), id: "id".to_owned(), ..push(&good(1)) };
    let others = by_each_rpc(&client, &of(NEWS)).await;
    let unknown = by_each_rpc(&client, &of("nobody")).await;
    assert_eq!(others, unknown);
    assert!(others.iter().all(is_not_permitted), "{others:?}");
}

#[tokio::test]
async fn the_defaults_of_a_call_and_multicasts_are_doors_as_well() {
    let orders = known("orders").may(|may| may.bulk = false);
    let world = world(vec![orders.settings]).await;
    let mut client = client(&world, &orders.key).await;
    let interactive = proto::ServiceClass::Interactive.into();
    let unnamed = proto::Push { app: String::new(), ..push(&good(1)) };
    let options = |app: &str, service_class| {
        Some(proto::BatchOptions { app: app.to_owned(), service_class, ..Default::default() })
    };
    let batches = [
        (options(NEWS, interactive), true),
        (options(APP, interactive), false),
        // A batch is bulk where nobody says otherwise.
        (options(APP, 0), true),
    ];
    for (options, refused) in batches {
        let request = proto::SendBatchRequest {
            options: options.clone(),
            pushes: vec![unnamed.clone()],
            multicasts: vec![multicast("")],
        };
        let mut answers = client.send_batch(tokio_stream::iter([request])).await.unwrap().into_inner();
        let mut results = Vec::new();
        while let Some(answer) = answers.message().await.unwrap() {
            results.extend(answer.results);
        }
        assert_eq!(results.len(), 3);
        assert!(results.iter().all(|it| is_not_permitted(it) == refused), "{options:?}: {results:?}");
    }
    let request = proto::SendPushesRequest {
        app: NEWS.to_owned(),
        service_class: interactive,
        pushes: vec![unnamed],
        multicasts: vec![multicast(""), multicast(APP)],
    };
    let results = client.send_pushes(request).await.unwrap().into_inner().results;
    let refused: Vec<_> = results.iter().map(is_not_permitted).collect();
    assert_eq!(refused, [true, true, true, false, false], "{results:?}");
}

fn multicast(app: &str) -> proto::Multicast {
    let addressee = |number| {
        let target = push(&good(number)).target;
        proto::Addressee { id: String::new(), target }
    };
    let content = push(&good(1)).content;
    let addressees = vec![addressee(1), addressee(2)];
    proto::Multicast { app: app.to_owned(), content, addressees, ..Default::default() }
}

#[tokio::test]
async fn anybody_may_ask_whether_the_gateway_serves_and_nothing_else() {
    let orders = known("orders");
    let world = world(vec![orders.settings]).await;
    let channel = channel(&world.gateway).await;
    let mut stranger = HealthClient::new(channel.clone());
    let request = |service: &str| HealthCheckRequest { service: service.to_owned() };
    for service in ["", "fanfare.push.v1.PushService"] {
        stranger.check(request(service)).await.unwrap();
        stranger.watch(request(service)).await.unwrap();
    }
    for service in [APP, "app/shop", "nobody"] {
        let refused = stranger.check(request(service)).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated, "{service}");
        assert_eq!(stranger.watch(request(service)).await.unwrap_err().code(), Code::Unauthenticated);
    }
    let wrong = Bearer("Bearer fanfare_00000000000000000000000000000000".to_owned());
    let mut wrong = HealthClient::with_interceptor(channel.clone(), wrong);
    wrong.check(request("")).await.unwrap();
    let refused = wrong.check(request(APP)).await.unwrap_err();
    assert_eq!(refused.message(), "the key belongs to no caller; nothing was sent");
    let bearer = Bearer(format!("Bearer {}", orders.key));
    let mut known = HealthClient::with_interceptor(channel.clone(), bearer.clone());
    let of_own = known.check(request(&format!("app/{APP}"))).await.unwrap().into_inner();
    assert_eq!(of_own.status(), ServingStatus::Serving);
    for name in [&format!("app/{NEWS}"), "app/nobody", "nobody", APP, "app/"] {
        let refused = known.check(request(name)).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound, "{name}: what others have reads as what does not exist");
        let mut watch = known.watch(request(name)).await.unwrap().into_inner();
        let first = watch.message().await.unwrap().unwrap();
        assert_eq!(first.status(), ServingStatus::ServiceUnknown, "{name}");
    }

    let ask = || tokio_stream::iter([ServerReflectionRequest::default()]);
    let mut stranger = ServerReflectionClient::new(channel.clone());
    assert_eq!(stranger.server_reflection_info(ask()).await.unwrap_err().code(), Code::Unauthenticated);
    let mut known = ServerReflectionClient::with_interceptor(channel, bearer);
    known.server_reflection_info(ask()).await.unwrap();
}
