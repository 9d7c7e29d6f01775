//! What the status says of an app whose push service takes it, refuses it, fails, or wants it to slow down.

use std::num::NonZeroU32;

use fanfare::caller::{CallerSettings, Permissions, Rate};
use fanfare::proto::Outcome;
use fanfare_simulator::{Environment, Fault, FaultRule, ScriptedAnswer, Service, Trigger};

use super::{app, status};
use crate::harness::{APP, PROBE_IS_DUE, World, good, http_get, pass, push};

#[tokio::test]
async fn an_app_is_unused_until_its_first_push_and_then_well() {
    let world = World::start().await;
    let before = status(&world).await;
    assert_eq!(app(&before, APP, "apns")["health"], "unused");
    assert_eq!(world.send(push(&good(1))).await.outcome(), Outcome::Accepted);
    let after = status(&world).await;
    let shop = app(&after, APP, "apns");
    assert_eq!((&shop["health"], &shop["sentence"]), (&"well".into(), &"APNs takes its pushes.".into()));
    assert_eq!(shop["last_minute"]["accepted"], 1);
    let peers = after["peers"].as_array().unwrap();
    let used: Vec<_> =
        peers.iter().filter(|peer| !peer["connections"].as_array().unwrap().is_empty()).collect();
    assert_eq!(used.len(), 1, "{peers:?}");
    assert_eq!((&used[0]["breaker"], &used[0]["why"]), (&"closed".into(), &serde_json::Value::Null));
    assert!(used[0]["streams_allowed"].as_u64().unwrap() > 0);
    assert_eq!((&after["ready"], &after["callers"][0]["name"]), (&true.into(), &"anyone".into()));
}

#[tokio::test]
async fn a_refused_key_is_named_with_its_reason_and_its_remedy_until_it_is_mended() {
    let world = World::start().await;
    let key = world.simulator.provider_key().clone();
    world.simulator.revoke_provider_key(&key.key_id);
    for number in 0..3 {
        assert_eq!(world.send(push(&good(number))).await.outcome(), Outcome::Credential);
    }
    let refused = status(&world).await;
    let shop = app(&refused, APP, "apns");
    assert_eq!(shop["health"], "failing");
    let sentence = shop["sentence"].as_str().unwrap();
    let who = format!("APNs refuses the key {} of team {} in production since ", key.key_id, key.team_id);
    assert!(sentence.starts_with(&who), "{sentence}");
    assert!(sentence.ends_with(" UTC: InvalidProviderToken (403)."), "{sentence}");
    let remedy = shop["remedy"].as_str().unwrap();
    assert!(remedy.starts_with("Check key, key id and team id."), "{remedy}");
    let credentials = refused["credentials"].as_array().unwrap();
    let states: Vec<_> = credentials.iter().map(|it| (it["place"].as_str(), it["state"].as_str())).collect();
    assert_eq!(states[0], (Some("apns production"), Some("refused")), "{states:?}");
    assert_eq!(states[1], (Some("apns sandbox"), Some("good")), "{states:?}");
    // One app's fault takes no replica out, and whoever may read it is told the same sentence.
    assert_eq!(refused["ready"], true);
    let ready = http_get(world.gateway.admin_address(), "/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 200") && ready.contains(&format!("{APP}, apns: {who}")), "{ready}");

    world.simulator.restore_provider_key(&key.key_id);
    pass(2 * PROBE_IS_DUE).await;
    assert_eq!(world.send(push(&good(4))).await.outcome(), Outcome::Accepted);
    let mended = status(&world).await;
    assert_eq!(app(&mended, APP, "apns")["health"], "well");
    assert!(mended["credentials"].as_array().unwrap().iter().all(|it| it["state"] == "good"));
}

#[tokio::test]
async fn a_problem_is_told_with_its_target_cut_short() {
    let world = World::start().await;
    let dead = format!("dead{:060x}", 1);
    for _ in 0..2 {
        assert_eq!(world.send(push(&dead)).await.outcome(), Outcome::Unregistered);
    }
    // What is no device token is never sent, and is told all the same, without anything of it.
    assert_eq!(world.send(push("no token")).await.outcome(), Outcome::InvalidToken);
    let told = status(&world).await;
    let problems = told["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 2, "{problems:?}");
    let names = ["app", "provider", "outcome", "reason", "token"];
    let malformed = names.map(|name| problems[0][name].as_str().unwrap());
    assert_eq!(malformed, [APP, "apns", "invalid_token", "FIELD_INVALID", ""]);
    assert!(!problems[0]["id"].as_str().unwrap().is_empty(), "{problems:?}");
    let problem = &problems[1];
    let of = ["app", "provider", "outcome", "token"].map(|name| problem[name].as_str().unwrap());
    assert_eq!(of, [APP, "apns", "unregistered", "dead0000…"]);
    assert_eq!(
        (&problem["upstream_status"], &problem["upstream_reason"]),
        (&410.into(), &"Unregistered".into())
    );
    assert!(!told.to_string().contains(&dead), "the token is told whole: {told}");
}

#[tokio::test]
async fn a_push_service_that_fails_is_named_with_why() {
    let world = World::start().await;
    assert_eq!(world.send(push(&good(0))).await.outcome(), Outcome::Accepted);
    let unavailable = ScriptedAnswer {
        status: 503,
        reason: Some("ServiceUnavailable".into()),
        ..ScriptedAnswer::default()
    };
    let apns = Trigger::Service(Service::Apns(Environment::Production));
    world.simulator.add_fault(FaultRule::always(apns, Fault::Answer(unavailable)));
    let mut sentence = String::new();
    for number in 1..200 {
        world.send(push(&good(number))).await;
        let told = status(&world).await;
        let shop = app(&told, APP, "apns");
        if shop["health"] == "failing" {
            sentence = shop["sentence"].as_str().unwrap().to_owned();
            assert!(!shop["remedy"].as_str().unwrap().is_empty());
            let open: Vec<_> =
                told["peers"].as_array().unwrap().iter().filter(|peer| peer["breaker"] == "open").collect();
            assert_eq!(open.len(), 1, "{told}");
            assert!(open[0]["why"].is_string() && open[0]["since"].is_string(), "{open:?}");
            break;
        }
    }
    assert!(sentence.starts_with("APNs at https://") && sentence.contains(" fails since "), "{sentence:?}");
    assert!(sentence.ends_with(": it answers 503."), "{sentence:?}");
}

#[tokio::test]
async fn a_caller_over_its_rate_is_told_with_its_refusals() {
    let world = World::with(
        |builder| builder,
        |config| {
            let rate = Rate::new(NonZeroU32::MIN, NonZeroU32::MIN);
            let permissions = Permissions { rate: Some(rate), ..Permissions::everything() };
            config.callers = vec![CallerSettings {
                name: "orders".to_owned(),
                permissions,
                keys: Vec::new(),
                certificate: None,
                token: None,
                anonymous: true,
            }];
        },
    )
    .await;
    // Two within a second are one too many.
    let over = loop {
        if let Err(over) = world.call(push(&good(1))).await {
            break over;
        }
    };
    assert_eq!(over.code(), tonic::Code::ResourceExhausted, "{over:?}");
    let told = status(&world).await;
    let orders = &told["callers"][0];
    assert_eq!((&orders["name"], &orders["rate"]["burst"]), (&"orders".into(), &1.into()));
    assert_eq!(
        (&orders["refusals"]["pushes_per_second"], &orders["in_flight"]),
        (&1.into(), &0.into()),
        "{orders}"
    );
}
