//! What a refusal of APNs concerns: the key in one environment, or one topic of it.

use fanfare::config::{ApnsConfig, ApnsCredential, Config};
use fanfare::proto::{self, Outcome};
use fanfare::provider::apns::{Apns, ApnsSettings};
use fanfare::push::ApnsEnvironment;
use fanfare_simulator::{
    Environment, Fault, FaultRule, KeyScope, ProviderKey, ProviderKeySpec, ScriptedAnswer, Simulator, Trigger,
};

use super::{label, not_sent, readiness, refused_by_apns};
use crate::harness::{APP, PROBE_IS_DUE, TOPIC, World, app, config, connect, good, metric, pass, push};

const OTHER_TOPIC: &str = "com.example.other";

/// A gateway of one app with this key and two topics.
async fn serve(simulator: Simulator, key: &ProviderKey) -> World {
    let mut config: Config = config(&simulator);
    let credential = ApnsCredential::token(&key.private_key_pem.clone().into(), &key.key_id, &key.team_id);
    let settings = ApnsSettings {
        environment: ApnsEnvironment::Production,
        topics: vec![TOPIC.to_owned(), OTHER_TOPIC.to_owned()],
        certificate: false,
        unknown_push_types: false,
    };
    config.apps[0].apns =
        Some(ApnsConfig { provider: Apns::try_new(settings).unwrap(), credential: credential.unwrap() });
    let gateway = fanfare::app::Gateway::start(config, fanfare::app::Network::default()).await.unwrap();
    let client = connect(&gateway).await;
    World { simulator, gateway, client }
}

async fn simulator() -> Simulator {
    Simulator::builder().bundle_ids([TOPIC, OTHER_TOPIC]).start().await.unwrap()
}

fn key(simulator: &Simulator, environment: Option<Environment>, scope: KeyScope) -> ProviderKey {
    simulator.add_provider_key(ProviderKeySpec { team_id: "TEAM000002".into(), environment, scope }).unwrap()
}

fn to_sandbox(token: &str) -> proto::Push {
    let mut push = push(token);
    let apns = push.target.as_mut().unwrap().apns.as_mut().unwrap();
    apns.environment = proto::ApnsEnvironment::Sandbox.into();
    push
}

fn dry_run(push: proto::Push) -> proto::Push {
    let options = proto::Options { dry_run: true, ..proto::Options::default() };
    proto::Push { options: Some(options), ..push }
}

fn to_other_topic(token: &str) -> proto::Push {
    let mut push = push(token);
    push.target.as_mut().unwrap().apns.as_mut().unwrap().topic = OTHER_TOPIC.to_owned();
    push
}

#[tokio::test]
async fn a_key_that_was_mended_is_asked_about_by_one_push_and_then_taken() {
    let world = World::start().await;
    let key = world.simulator.provider_key().clone();
    world.simulator.revoke_provider_key(&key.key_id);
    let told = world.send_all((0..500).map(good)).await;
    for result in &told {
        refused_by_apns(result, 403, "InvalidProviderToken");
    }
    let shut = world.simulator.journal().entries().len();
    assert!((2..=10).contains(&shut), "{shut} requests");
    let ready = readiness(&world).await;
    let counted = format!("ready\ncredentials refused: 1\napp {APP}: a credential is refused\n");
    let sentence = ready.strip_prefix(&counted).unwrap_or_else(|| panic!("{ready}"));
    assert!(sentence.starts_with(&format!("{APP}, apns: APNs refuses the key {}", key.key_id)), "{sentence}");

    // A probe that is refused shuts it for longer, and the others are not sent.
    pass(PROBE_IS_DUE).await;
    let told = world.send_all((0..100).map(good)).await;
    assert!(told.iter().all(|result| result.outcome() == Outcome::Credential), "{told:?}");
    assert_eq!(told.iter().filter(|result| result.attempts > 0).count(), 1);

    world.simulator.restore_provider_key(&key.key_id);
    pass(2 * PROBE_IS_DUE).await;
    let probe = world.send(push(&good(1))).await;
    assert_eq!((probe.outcome(), probe.attempts), (Outcome::Accepted, 1), "{probe:?}");
    let later = world.send_all((0..500).map(good)).await;
    assert!(later.iter().all(|result| result.outcome() == Outcome::Accepted), "{later:?}");
    assert_eq!(readiness(&world).await, "ready\n");
    let labels = format!(r#"{{credential="{}",place="apns production"}}"#, label(&key));
    assert_eq!(metric(&world.gateway, &format!("fanfare_credential_refused{labels}")), 0.0);
}

#[tokio::test]
async fn a_dead_tokens_answer_opens_as_a_good_one_does() {
    let world = World::start().await;
    let key = world.simulator.provider_key().key_id.clone();
    world.simulator.revoke_provider_key(&key);
    for number in 0..3 {
        world.send(push(&good(number))).await;
    }
    not_sent(&world.send(push(&good(3))).await, &[&key]);
    world.simulator.restore_provider_key(&key);
    pass(PROBE_IS_DUE).await;
    let dead = world.send(push(&format!("dead{:060x}", 1))).await;
    assert_eq!(dead.outcome(), Outcome::Unregistered, "{dead:?}");
    assert_eq!(world.send(push(&good(4))).await.outcome(), Outcome::Accepted);
}

#[tokio::test]
async fn a_dry_run_hears_of_a_refused_key_and_leaves_the_right_to_probe_to_a_push() {
    let world = World::start().await;
    let key = world.simulator.provider_key().key_id.clone();
    assert_eq!(world.send(dry_run(push(&good(0)))).await.outcome(), Outcome::Validated);
    world.simulator.revoke_provider_key(&key);
    for number in 0..3 {
        world.send(push(&good(number))).await;
    }
    let told = world.send(dry_run(push(&good(3)))).await;
    not_sent(&told, &[&key]);
    refused_by_apns(&told, 403, "InvalidProviderToken");
    world.simulator.restore_provider_key(&key);
    pass(PROBE_IS_DUE).await;
    not_sent(&world.send(dry_run(push(&good(4)))).await, &[&key]);
    assert_eq!(world.send(push(&good(5))).await.outcome(), Outcome::Accepted);
    assert_eq!(world.send(dry_run(push(&good(6)))).await.outcome(), Outcome::Validated);
}

#[tokio::test]
async fn a_probe_whose_caller_left_leaves_its_place_to_the_next_push() {
    let world = World::start().await;
    let key = world.simulator.provider_key().key_id.clone();
    // A connection that has brought a good answer has streams for others beside the one that is never answered.
    assert_eq!(world.send(push(&good(0))).await.outcome(), Outcome::Accepted);
    let refusal = Fault::Answer(ScriptedAnswer::refusal(403, "InvalidProviderToken"));
    world.simulator.add_fault(FaultRule::always(Trigger::DeviceToken(good(1)), refusal));
    for _ in 0..2 {
        world.send(push(&good(1))).await;
    }
    let silent = FaultRule::once(Trigger::DeviceToken(good(2)), Fault::Silence);
    world.simulator.add_fault(silent);
    pass(PROBE_IS_DUE).await;
    let before = world.simulator.journal().entries().len();
    let probe = tokio::spawn({
        let mut client = world.client.clone();
        let request = proto::SendPushRequest { push: Some(Box::new(push(&good(2)))) };
        async move { client.send_push(request).await }
    });
    crate::harness::until(|| world.simulator.journal().entries().len() > before).await;
    not_sent(&world.send(push(&good(3))).await, &[&key]);
    probe.abort();
    let taken = async { while world.send(push(&good(4))).await.outcome() != Outcome::Accepted {} };
    tokio::time::timeout(crate::harness::SOON, taken).await.expect("another push asks");
}

#[tokio::test]
async fn all_apps_that_show_the_key_hear_it() {
    let simulator = simulator().await;
    let mut config = config(&simulator);
    let key = simulator.provider_key().clone();
    let credential = ApnsCredential::token(&key.private_key_pem.clone().into(), &key.key_id, &key.team_id);
    config.apps.push(app("news", credential.unwrap()));
    let gateway = fanfare::app::Gateway::start(config, fanfare::app::Network::default()).await.unwrap();
    let client = connect(&gateway).await;
    let world = World { simulator, gateway, client };
    world.simulator.revoke_provider_key(&key.key_id);
    for number in 0..2 {
        world.send(push(&good(number))).await;
    }
    let other = world.send(proto::Push { app: "news".to_owned(), ..push(&good(3)) }).await;
    not_sent(&other, &[&key.key_id]);
    let ready = readiness(&world).await;
    assert!(ready.contains("app news") && ready.contains("app shop"), "{ready}");
}

#[tokio::test]
async fn a_refusal_that_another_connection_may_mend_counts_only_when_it_comes_again() {
    for reason in ["UnrelatedKeyIdInToken", "ExpiredProviderToken"] {
        let world = World::start().await;
        assert_eq!(world.send(push(&good(0))).await.outcome(), Outcome::Accepted);
        let refusal = Fault::Answer(ScriptedAnswer::refusal(403, reason));
        world.simulator.add_fault(FaultRule::always(Trigger::PathPrefix("/3/device/".to_owned()), refusal));
        // The first of its attempts went over the connection that was good, and the second over a new one.
        let first = world.send(push(&good(1))).await;
        assert_eq!((first.outcome(), first.attempts), (Outcome::Credential, 2), "{first:?}");
        let second = world.send(push(&good(2))).await;
        assert_eq!((second.outcome(), second.attempts), (Outcome::Credential, 1), "{second:?}");
        let third = world.send(push(&good(3))).await;
        refused_by_apns(&third, 403, reason);
        not_sent(&third, &["apns production"]);
        assert_eq!(world.simulator.journal().entries().len(), 4);
    }
}

#[tokio::test]
async fn one_refusal_between_good_answers_shuts_nothing() {
    let world = World::start().await;
    let refusal = Fault::Answer(ScriptedAnswer::refusal(403, "InvalidProviderToken"));
    world.simulator.add_fault(FaultRule::always(Trigger::DeviceToken(good(1)), refusal));
    for _ in 0..5 {
        assert_eq!(world.send(push(&good(0))).await.outcome(), Outcome::Accepted);
        let refused = world.send(push(&good(1))).await;
        assert_eq!((refused.outcome(), refused.attempts), (Outcome::Credential, 1), "{refused:?}");
    }
}

#[tokio::test]
async fn a_key_of_the_other_environment_is_refused_there_and_good_here() {
    let simulator = simulator().await;
    let key = key(&simulator, Some(Environment::Production), KeyScope::Team);
    let world = serve(simulator, &key).await;
    for number in 0..2 {
        refused_by_apns(&world.send(to_sandbox(&good(number))).await, 403, "BadEnvironmentKeyIdInToken");
    }
    let third = world.send(to_sandbox(&good(3))).await;
    refused_by_apns(&third, 403, "BadEnvironmentKeyIdInToken");
    not_sent(&third, &["apns sandbox", &key.key_id, &key.team_id]);
    for number in 0..10 {
        assert_eq!(world.send(push(&good(number))).await.outcome(), Outcome::Accepted);
    }
    not_sent(&world.send(to_sandbox(&good(4))).await, &["apns sandbox"]);
}

#[tokio::test]
async fn a_topic_that_is_refused_leaves_the_others_alone() {
    let simulator = simulator().await;
    let key = key(&simulator, None, KeyScope::Topics { topics: vec![TOPIC.to_owned()], related: None });
    let world = serve(simulator, &key).await;
    for number in 0..2 {
        let refused = world.send(to_other_topic(&good(number))).await;
        assert_eq!(refused.attempts, 1, "{refused:?}");
        assert_eq!(world.send(push(&good(number))).await.outcome(), Outcome::Accepted);
    }
    let third = world.send(to_other_topic(&good(3))).await;
    refused_by_apns(&third, 400, "TopicDisallowed");
    not_sent(&third, &[OTHER_TOPIC, &key.key_id]);
    not_sent(&world.send(dry_run(to_other_topic(&good(4)))).await, &[OTHER_TOPIC, &key.key_id]);
    assert_eq!(world.send(dry_run(push(&good(4)))).await.outcome(), Outcome::Validated);
    let good_ones = world.send_all((0..100).map(good)).await;
    assert!(good_ones.iter().all(|result| result.outcome() == Outcome::Accepted), "{good_ones:?}");
    let labels = format!(r#"{{credential="{}",place="apns production, topic {OTHER_TOPIC}"}}"#, label(&key));
    assert_eq!(metric(&world.gateway, &format!("fanfare_credential_refused{labels}")), 1.0);
    assert!(readiness(&world).await.contains(&format!("app {APP}")));
}
