//! SendPush: one push gets one truthful verdict.

use std::time::Duration;

use fanfare::proto::{self, Delivery, Outcome, Provider, Reason, TokenAction};
use fanfare_simulator::journal::digest;
use fanfare_simulator::{ApnsScriptedOutcome, Environment, Fault, FaultRule, Phase, Service, Trigger};

use crate::harness::{self, SOON, TOPIC, World, good, push, within};

#[tokio::test]
async fn a_good_token_is_accepted_with_the_id_that_apns_knows() {
    let world = World::start().await;
    let mut push = push(&good(1));
    push.id = "order-17".to_owned();
    let result = world.send(push).await;
    assert_eq!(result.outcome(), Outcome::Accepted, "{result:?}");
    assert_eq!(result.delivery(), Delivery::Accepted);
    assert_eq!(result.token_action(), TokenAction::Keep);
    assert_eq!(result.provider(), Provider::Apns);
    assert_eq!((result.upstream_status, result.attempts, result.retryable), (200, 1, false));
    assert_eq!(result.id, "order-17");
    // UUIDv5 of app and id: Python's uuid.uuid5(namespace, b"shop\0order-17").
    assert_eq!(result.upstream_id, "e8363a91-fc1b-501d-849d-4af301098609");
    assert_eq!(result.reason(), Reason::Unspecified);
}

#[tokio::test]
async fn what_arrives_is_what_was_asked() {
    let world = World::start().await;
    let mut push = push(&good(1));
    push.id = "7ac6fbe7-2f2b-4e43-8e4d-7f2a7c2e6b10".to_owned();
    push.options = Some(proto::Options {
        priority: proto::Priority::Normal.into(),
        expire_at: Some(prost_types::Timestamp { seconds: 2_000_000_000, nanos: 0 }),
        collapse_key: "news".to_owned(),
        ..proto::Options::default()
    });
    world.send(push).await;
    let expected = digest(
        "POST",
        &format!("/3/device/{}", good(1)),
        &[
            ("apns-topic", TOPIC.as_bytes()),
            ("apns-push-type", b"alert"),
            ("apns-priority", b"5"),
            ("apns-expiration", b"2000000000"),
            ("apns-collapse-id", b"news"),
            ("apns-id", b"7ac6fbe7-2f2b-4e43-8e4d-7f2a7c2e6b10"),
            ("content-type", b"application/json"),
        ],
        br#"{"aps":{"alert":{"title":"Hello","body":"World"}}}"#,
    );
    let entries = world.simulator.journal().entries();
    assert_eq!(entries.len(), 1);
    let entry = &entries[0];
    assert_eq!(entry.read.as_ref().map(|reading| reading.digest), Some(expected), "{entry:?}");
    assert_eq!(entry.header("content-length"), Some(&b"50"[..]));
}

#[tokio::test]
async fn the_time_to_live_of_its_app_goes_for_a_push_that_names_none() {
    let hour = Duration::from_secs(60 * 60);
    let world = World::with(|builder| builder, |config| config.apps[0].default_ttl = Some(hour)).await;
    let in_an_hour = || {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        (now + hour).as_secs()
    };
    let earliest = in_an_hour();
    world.send(push(&good(1))).await;
    let latest = in_an_hour();
    let mut own = push(&good(2));
    let ttl = Some(prost_types::Duration { seconds: 0, nanos: 0 });
    own.options = Some(proto::Options { ttl, ..proto::Options::default() });
    world.send(own).await;
    let expiration = |number| {
        let entry = world.simulator.journal().by_device_token(&good(number)).remove(0);
        let written =
            entry.header("apns-expiration").map(|value| String::from_utf8_lossy(value).into_owned());
        written.unwrap().parse::<u64>().unwrap()
    };
    let moment = expiration(1);
    assert!((earliest..=latest).contains(&moment), "{earliest} <= {moment} <= {latest}");
    assert_eq!(expiration(2), 0);
}

#[tokio::test]
async fn a_dead_token_is_told_since_when() {
    let world = World::start().await;
    let token = format!("900d{}", "00".repeat(30));
    let since = prost_types::Timestamp { seconds: 1_790_000_000, nanos: 123_000_000 };
    world.simulator.script_outcome(&token, ApnsScriptedOutcome::unregistered(1_790_000_000_123));
    let result = world.send(push(&token)).await;
    assert_eq!(result.outcome(), Outcome::Unregistered);
    assert_eq!(result.token_action(), TokenAction::Delete);
    assert_eq!(result.token_invalid_since, Some(since));
    assert_eq!(result.reason(), Reason::UpstreamAnswered);
    assert_eq!(result.upstream_reason, "Unregistered");
}

#[tokio::test]
async fn environments_are_two_worlds() {
    let world = World::start().await;
    let mut push = push(&good(1));
    let mut target = push.target.take().unwrap();
    target.apns.as_mut().unwrap().environment = proto::ApnsEnvironment::Sandbox.into();
    push.target = Some(target);
    assert_eq!(world.send(push).await.outcome(), Outcome::Accepted);
    assert_eq!(world.simulator.journal().entries()[0].service, Service::Apns(Environment::Sandbox));
}

#[tokio::test]
async fn a_silent_upstream_is_unconfirmed_before_the_caller_leaves() {
    let world = World::start().await;
    let token = good(1);
    world.simulator.script_outcome(&token, ApnsScriptedOutcome::Silent);
    let mut request = tonic::Request::new(proto::SendPushRequest { push: Some(Box::new(push(&token))) });
    request.set_timeout(Duration::from_secs(1));
    let response = world.client.clone().send_push(request).await.expect("a verdict, not a broken deadline");
    let result = response.into_inner().result.unwrap();
    assert_eq!(result.outcome(), Outcome::Unconfirmed);
    assert_eq!(result.delivery(), Delivery::Maybe);
    assert_eq!(result.reason(), Reason::AnswerTimeout);
    assert_eq!((result.attempts, result.upstream_status), (1, 0));
}

#[tokio::test]
async fn a_push_that_waits_for_a_connection_is_not_attempted() {
    let world = World::start().await;
    world.simulator.stop_listening(Environment::Production).await;
    let mut push = push(&good(1));
    push.options = Some(proto::Options {
        max_wait: Some(prost_types::Duration { seconds: 0, nanos: 300_000_000 }),
        ..proto::Options::default()
    });
    let result = world.send(push).await;
    assert_eq!(result.outcome(), Outcome::UpstreamUnavailable, "{result:?}");
    assert_eq!(result.reason(), Reason::UpstreamUnreachable);
    assert_eq!((result.delivery(), result.attempts, result.retryable), (Delivery::No, 0, true));
    assert_eq!(world.simulator.journal().arrived(), 0);
}

#[tokio::test]
async fn an_expired_push_is_not_attempted() {
    let world = World::start().await;
    let mut push = push(&good(1));
    push.options = Some(proto::Options {
        expire_at: Some(prost_types::Timestamp { seconds: 1_000_000_000, nanos: 0 }),
        ..proto::Options::default()
    });
    let result = world.send(push).await;
    assert_eq!((result.outcome(), result.reason()), (Outcome::NotAttempted, Reason::Expired));
    assert_eq!((result.delivery(), result.retryable), (Delivery::No, false));
    assert_eq!(world.simulator.journal().arrived(), 0);
}

#[tokio::test]
async fn a_dry_run_is_validated_and_sends_nothing() {
    let world = World::start().await;
    let mut push = push(&good(1));
    push.options = Some(proto::Options { dry_run: true, ..proto::Options::default() });
    let result = world.send(push).await;
    assert_eq!((result.outcome(), result.delivery()), (Outcome::Validated, Delivery::No));
    assert_eq!(world.simulator.journal().arrived(), 0);
}

#[tokio::test]
async fn a_cancelled_call_runs_to_its_answer_without_a_reset() {
    let world = World::start().await;
    world.send(push(&good(0))).await;
    world.simulator.set_answer_latency(Duration::from_millis(200));
    let mut client = world.client.clone();
    let call = tokio::spawn(async move {
        client.send_push(proto::SendPushRequest { push: Some(Box::new(push(&good(1)))) }).await
    });
    world.simulator.journal().wait_for_read(2, SOON).await.unwrap();
    call.abort();
    world.simulator.wait_until(SOON, |simulator| simulator.counters().requests_answered == 2).await.unwrap();
    assert_eq!(world.simulator.counters().resets_received, 0);
    // The connection that the caller left goes on serving others.
    assert_eq!(world.send(push(&good(2))).await.outcome(), Outcome::Accepted);
    assert_eq!(world.simulator.counters().connections_opened, 1);
}

#[tokio::test]
async fn a_thousand_callers_share_one_connection_and_one_provider_token() {
    let world = World::start().await;
    let results = world.send_all((0..1000).map(good)).await;
    assert!(results.iter().all(|result| result.outcome() == Outcome::Accepted));
    let counters = world.simulator.counters();
    assert_eq!(counters.limit_violations, 0);
    assert_eq!((counters.connections_opened, counters.provider_tokens_seen), (1, 1));
    assert!(world.simulator.journal().duplicates().is_empty());
}

#[tokio::test]
async fn without_room_the_call_is_refused_and_says_when_to_come_back() {
    use tonic_types::StatusExt;

    let world = World::with(|builder| builder, |config| config.max_in_flight = 1).await;
    world.simulator.script_outcome(&good(1), ApnsScriptedOutcome::Silent);
    let mut client = world.client.clone();
    let held = tokio::spawn(async move {
        client.send_push(proto::SendPushRequest { push: Some(Box::new(push(&good(1)))) }).await
    });
    world.simulator.journal().wait_for_read(1, SOON).await.unwrap();
    let status = world.call(push(&good(2))).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Aborted);
    let pushback = status.metadata().get("grpc-retry-pushback-ms").unwrap().to_str().unwrap();
    assert!((200..=300).contains(&pushback.parse().unwrap()), "{pushback}");
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "OVERLOADED");
    assert!(details.retry_info().unwrap().retry_delay.is_some());
    held.abort();
}

#[tokio::test]
async fn many_invalid_tokens_at_once_are_set_aside_not_deleted() {
    let world = World::start().await;
    let mut actions = Vec::new();
    for number in 0..30 {
        let result = world.send(push(&format!("0bad{number:060x}"))).await;
        assert_eq!(result.outcome(), Outcome::InvalidToken);
        actions.push(result.token_action());
    }
    assert_eq!(actions[0], TokenAction::Delete);
    assert_eq!(actions[29], TokenAction::Quarantine);
    // Apple says when the token became invalid, so it is gone whatever becomes of others.
    let dead = world.send(push(&format!("dead{:060x}", 1))).await;
    assert_eq!(dead.token_action(), TokenAction::Delete);
}

#[tokio::test]
async fn a_broadcast_goes_to_its_channel() {
    use fanfare_simulator::StoragePolicy;

    let world = World::start().await;
    world.simulator.add_channel(TOPIC, "dHN0LXNyY2gtY2hubA==", StoragePolicy::MostRecent);
    let activity = proto::LiveActivity {
        event: proto::LiveActivityEvent::Update.into(),
        content_state_json: r#"{"score":"2:1"}"#.to_owned(),
        ..proto::LiveActivity::default()
    };
    let apns = proto::ApnsOptions { live_activity: Some(activity), ..proto::ApnsOptions::default() };
    let to = |channel: &str| {
        let channel = proto::ApnsChannel { channel_id: channel.to_owned(), ..proto::ApnsChannel::default() };
        proto::Push {
            app: harness::APP.to_owned(),
            target: Some(proto::Target { apns_channel: Some(Box::new(channel)), ..proto::Target::default() }),
            content: Some(proto::Content { apns: Some(Box::new(apns.clone())), ..proto::Content::default() }),
            ..proto::Push::default()
        }
    };
    let result = world.send(to("dHN0LXNyY2gtY2hubA==")).await;
    assert_eq!(result.outcome(), Outcome::Accepted, "{result:?}");
    let gone = world.send(to("Z29uZQ==")).await;
    assert_eq!((gone.outcome(), gone.token_action()), (Outcome::Unregistered, TokenAction::Delete));
    assert_eq!(gone.upstream_reason, "ChannelNotRegistered");
}

#[tokio::test]
async fn nothing_is_sent_after_its_deadline() {
    let world = World::with(|builder| builder, |config| config.upstream.max_resends = 100_000).await;
    world.send(push(&good(0))).await;
    let fault = Fault::ResetStream { code: 7, at: Phase::BeforeBody };
    world.simulator.add_fault(FaultRule::always(Trigger::DeviceToken(good(1)), fault));
    let result = world.send(within(push(&good(1)), Duration::from_millis(500))).await;
    // Each stream was refused, so the push was provably not processed.
    assert_eq!(result.delivery(), Delivery::No, "{result:?}");
}
