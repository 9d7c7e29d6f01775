//! Dry runs: what is wrong with a push is told as if it had been sent, and nothing leaves.

use std::time::Duration;

use fanfare::app::{Gateway, Network};
use fanfare::config::{ApnsCredential, AppConfig};
use fanfare::proto::{self, Delivery, Outcome, Reason};
use fanfare_upstream::Http;
use fanfare_upstream::tls::ClientIdentity;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use serde_json::json;

use crate::batch_command::{address, batch, by_line, line, outcome};
use crate::harness::{APP, World, alert, app, config, connect, device, good, metric_sum, push, trust};
use crate::mattermost;

/// The same push as a dry run.
pub(crate) fn dry(mut push: proto::Push) -> proto::Push {
    push.options.get_or_insert_default().dry_run = true;
    push
}

/// A push with more than any push service takes.
pub(crate) fn large(push: proto::Push) -> proto::Push {
    proto::Push { content: Some(alert("Hello", &"x".repeat(6000))), ..push }
}

pub(crate) fn expired(mut push: proto::Push) -> proto::Push {
    let expire_at = Some(prost_types::Timestamp { seconds: 1_000_000_000, nanos: 0 });
    push.options.get_or_insert_default().expire_at = expire_at;
    push
}

/// Sends pushes that the gateway refuses by itself, each also as a dry run, which has the same verdict.
pub(crate) async fn assert_refused_alike(world: &World, pushes: Vec<proto::Push>) {
    for (number, push) in pushes.into_iter().enumerate() {
        let push = proto::Push { id: format!("push-{number}"), ..push };
        let (dry, real) = (world.send(dry(push.clone())).await, world.send(push.clone()).await);
        assert_eq!(dry, real, "{push:?}");
        let good = matches!(real.outcome(), Outcome::Accepted | Outcome::Validated);
        assert!(!good && real.delivery() == Delivery::No && real.attempts == 0, "{real:?}");
    }
}

#[tokio::test]
async fn to_apns() {
    let world = World::start().await;
    let raw = |payload_json: &str| {
        let apns = proto::ApnsOptions { payload_json: payload_json.to_owned(), ..Default::default() };
        let content = proto::Content { apns: Some(Box::new(apns)), ..Default::default() };
        proto::Push { content: Some(content), ..push(&good(1)) }
    };
    let to_topic = |topic: &str| {
        let mut push = push(&good(1));
        push.target.as_mut().unwrap().apns.as_mut().unwrap().topic = topic.to_owned();
        push
    };
    let bad = vec![
        push("not hexadecimal"),
        proto::Push { target: None, ..push(&good(1)) },
        proto::Push { content: None, ..push(&good(1)) },
        proto::Push { app: "nobody".to_owned(), ..push(&good(1)) },
        mattermost::good_push(1),
        to_topic("com.example.other"),
        raw("[]"),
        large(push(&good(1))),
    ];
    assert_refused_alike(&world, bad).await;
    let checked = world.send(dry(push(&good(1)))).await;
    assert_eq!((checked.outcome(), checked.reason()), (Outcome::Validated, Reason::Unspecified));
    assert_eq!((checked.delivery(), checked.attempts), (Delivery::No, 0));
    assert_eq!(checked.provider(), proto::Provider::Apns);
    let counters = world.simulator.counters();
    assert_eq!((counters.requests_arrived, counters.connections_opened), (0, 0));
    assert_eq!(metric_sum(&world, "fanfare_pushes_total", "outcome=\"validated\""), 1.0);
    assert_eq!(metric_sum(&world, "fanfare_attempts_total", ""), 0.0);
    // A push that may expire while it waits is looked at when it has its stream.
    assert_refused_alike(&world, vec![expired(push(&good(1)))]).await;
    assert_eq!(world.simulator.counters().requests_arrived, 0);
}

#[tokio::test]
async fn in_every_rpc_and_by_the_commands() {
    let world = World::start().await;
    let pushes = vec![dry(push(&good(1))), dry(push("bad")), dry(expired(push(&good(2))))];
    let addressees = [good(3), "bad".to_owned()]
        .map(|token| proto::Addressee { target: Some(device(&token)), ..proto::Addressee::default() });
    let multicasts = vec![proto::Multicast {
        app: APP.to_owned(),
        content: Some(alert("All", "of you")),
        options: Some(proto::Options { dry_run: true, ..proto::Options::default() }),
        addressees: addressees.into(),
        ..proto::Multicast::default()
    }];
    let expected = [
        Outcome::Validated,
        Outcome::InvalidToken,
        Outcome::NotAttempted,
        Outcome::Validated,
        Outcome::InvalidToken,
    ];
    let request = proto::SendPushesRequest {
        pushes: pushes.clone(),
        multicasts: multicasts.clone(),
        ..proto::SendPushesRequest::default()
    };
    let results = world.client.clone().send_pushes(request).await.unwrap().into_inner().results;
    assert_eq!(results.iter().map(proto::PushResult::outcome).collect::<Vec<_>>(), expected);
    let request = proto::SendBatchRequest { pushes, multicasts, ..proto::SendBatchRequest::default() };
    let stream = world.client.clone().send_batch(tokio_stream::iter([request])).await.unwrap();
    let (mut stream, mut results) = (stream.into_inner(), Vec::new());
    while let Some(message) = stream.message().await.unwrap() {
        results.extend(message.results);
    }
    results.sort_unstable_by_key(|result| result.index);
    assert_eq!(results.iter().map(proto::PushResult::outcome).collect::<Vec<_>>(), expected);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pushes.ndjson");
    std::fs::write(&file, line(&good(1), "x") + &line("bad", "x")).unwrap();
    let (file, to) = (file.to_str().unwrap(), address(&world));
    let ran = batch([file, "--to", &to, "--results", "-", "--dry-run"]).await;
    let outcomes: Vec<_> = by_line(&ran.stdout).values().map(|it| outcome(it).to_owned()).collect();
    assert_eq!(outcomes, ["VALIDATED", "INVALID_TOKEN"], "{}", ran.stderr);
    let one = json!({"app": APP, "target": {"apns": {"token": good(1)}}, "content": {"data": {"k": "v"}}});
    let sent = tokio::task::spawn_blocking(move || {
        let mut command = assert_cmd::Command::cargo_bin("fanfare").unwrap();
        command.args(["send", "--to", &to, "--dry-run", "--json", "-"]).write_stdin(one.to_string());
        let dry = command.output().unwrap();
        let mut command = assert_cmd::Command::cargo_bin("fanfare").unwrap();
        command.args(["send", "--to", &to, "--title", "Hello", "--json", "-"]).write_stdin(one.to_string());
        (dry, command.output().unwrap())
    });
    let (dry, refused) = sent.await.unwrap();
    assert!(String::from_utf8_lossy(&dry.stdout).contains("OUTCOME_VALIDATED"), "{dry:?}");
    assert_eq!(refused.status.code(), Some(2), "flags that the file would hide are refused: {refused:?}");
    assert_eq!(world.simulator.counters().requests_arrived, 0);
}

#[tokio::test]
async fn to_a_push_proxy() {
    let world = mattermost::world(false, |builder| builder).await;
    let good = mattermost::good_push(1);
    let bad = vec![
        mattermost::push("no-colon"),
        mattermost::push("apple_rn:"),
        push("ab"),
        expired(good.clone()),
        proto::Push { content: None, ..good.clone() },
        proto::Push { app: "nobody".to_owned(), ..good.clone() },
    ];
    assert_refused_alike(&world, bad).await;
    assert_eq!(world.send(dry(good)).await.outcome(), Outcome::Validated);
    assert_eq!(world.simulator.counters().requests_arrived, 0);
}

#[tokio::test]
async fn a_certificate_that_has_ended_is_seen() {
    let world = World::start().await;
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["client.example".to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(2001, 1, 1));
    let certificate = params.self_signed(&key).unwrap();
    let identity =
        ClientIdentity::from_pem(certificate.pem().as_bytes(), key.serialize_pem().as_bytes()).unwrap();
    let certificate = trust(&world.simulator).with_identity(identity, Http::Two).unwrap();
    let mut config = config(&world.simulator);
    let apps: [AppConfig; 1] = [app(APP, ApnsCredential::Certificate(certificate))];
    config.apps = apps.into();
    let gateway = Gateway::start(config, Network::default()).await.unwrap();
    let client = connect(&gateway).await;
    let world = World { gateway, client, ..world };
    let ended = world.send(dry(push(&good(1)))).await;
    assert_eq!(ended.outcome(), Outcome::Credential, "{ended:?}");
    assert_refused_alike(&world, vec![push(&good(1))]).await;
    assert_eq!(world.simulator.counters().connections_opened, 0);
}

/// A thousand dry runs of made-up targets change nothing for the pushes of others.
#[tokio::test]
async fn what_a_dry_run_is_refused_says_nothing_of_other_targets() {
    let world = World::start().await;
    for _ in 0..100 {
        assert_eq!(world.send(dry(push("bad"))).await.token_action(), proto::TokenAction::Delete);
    }
    assert_eq!(world.send(push("bad")).await.token_action(), proto::TokenAction::Delete);
    let within = Duration::from_secs(20);
    assert_eq!(world.send(crate::harness::within(push(&good(1)), within)).await.outcome(), Outcome::Accepted);
}
