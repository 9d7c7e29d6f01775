//! Provider tokens and certificates.

use std::time::Duration;

use fanfare::config::ApnsCredential;
use fanfare::proto::{Outcome, Reason};
use fanfare_simulator::{
    Environment, Fault, FaultRule, KeyScope, ProviderKeySpec, ScriptedAnswer, Service, Trigger,
};

use crate::harness::{APP, World, apns_certificate, app, good, push};

#[tokio::test]
async fn an_expired_token_on_a_connection_is_healed_on_a_fresh_one() {
    let world = World::start().await;
    world.send(push(&good(0))).await;
    let rule = FaultRule::once(
        Trigger::DeviceToken(good(1)),
        Fault::Answer(ScriptedAnswer::refusal(403, "ExpiredProviderToken")),
    );
    world.simulator.add_fault(rule);
    let result = world.send(push(&good(1))).await;
    assert_eq!((result.outcome(), result.attempts), (Outcome::Accepted, 2), "{result:?}");
    assert_eq!(world.simulator.counters().connections_opened, 2);
    // The token was made moments ago, and APNs would refuse another one so soon.
    assert_eq!(world.simulator.counters().provider_tokens_seen, 1);
}

#[tokio::test]
async fn a_token_that_stays_expired_is_tried_twice_and_no_more() {
    let world = World::start().await;
    world.simulator.clock().advance(Duration::from_secs(2 * 60 * 60));
    let result = world.send(push(&good(1))).await;
    assert_eq!((result.outcome(), result.attempts), (Outcome::Credential, 2), "{result:?}");
    assert_eq!(result.upstream_reason, "ExpiredProviderToken");
    assert!(result.detail.contains("clock"), "{}", result.detail);
    assert!(result.retryable);
}

#[tokio::test]
async fn a_key_that_apns_does_not_know_is_the_gateways_fault() {
    let world = World::start().await;
    world.simulator.revoke_provider_key(&world.simulator.provider_key().key_id);
    let result = world.send(push(&good(1))).await;
    assert_eq!((result.outcome(), result.reason()), (Outcome::Credential, Reason::UpstreamAnswered));
    assert_eq!((result.upstream_reason.as_str(), result.retryable), ("InvalidProviderToken", false));
}

#[tokio::test]
async fn a_certificate_needs_no_token_and_starts_with_all_streams() {
    let world = World::with(|builder| builder, |_| {}).await;
    let mut config = crate::harness::config(&world.simulator);
    config.apps = vec![app(APP, apns_certificate(&world.simulator))];
    let gateway = fanfare::app::Gateway::start(config, fanfare::app::Network::default()).await.unwrap();
    let mut client = crate::harness::connect(&gateway).await;
    let request = fanfare::proto::SendPushRequest { push: Some(Box::new(push(&good(1)))) };
    let result = client.send_push(request).await.unwrap().into_inner().result.unwrap();
    assert_eq!(result.outcome(), Outcome::Accepted, "{result:?}");
    let entries = world.simulator.journal().entries();
    assert_eq!(entries[0].header("authorization"), None);
}

#[tokio::test]
async fn two_teams_never_share_a_connection() {
    let world = World::start().await;
    let spec = ProviderKeySpec { team_id: "TEAM000002".into(), environment: None, scope: KeyScope::Team };
    let other = world.simulator.add_provider_key(spec).unwrap();
    let mut config = crate::harness::config(&world.simulator);
    let credential =
        ApnsCredential::token(&other.private_key_pem.clone().into(), &other.key_id, &other.team_id);
    config.apps.push(app("news", credential.unwrap()));
    let gateway = fanfare::app::Gateway::start(config, fanfare::app::Network::default()).await.unwrap();
    let client = crate::harness::connect(&gateway).await;
    for round in 0..10 {
        for name in [APP, "news"] {
            let mut push = push(&good(round));
            push.app = name.to_owned();
            let request = fanfare::proto::SendPushRequest { push: Some(Box::new(push)) };
            let result = client.clone().send_push(request).await.unwrap().into_inner().result.unwrap();
            assert_eq!(result.outcome(), Outcome::Accepted, "{result:?}");
        }
    }
    let connections = world.simulator.connections();
    assert_eq!(
        connections.iter().filter(|it| it.service == Service::Apns(Environment::Production)).count(),
        2
    );
}
