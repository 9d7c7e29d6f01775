//! What the guard learned under one setting judges nothing under another.

use fanfare::config::Config;
use fanfare::proto::TokenAction;
use fanfare::provider::apns::{Apns, ApnsSettings};
use fanfare::push::ApnsEnvironment;
use fanfare_simulator::ApnsScriptedOutcome;

use super::*;
use crate::harness::{config, good};

/// How many pushes go out before a reload, which is as many as the guard remembers.
const MANY: usize = 400;

/// The configuration of one app that sends to this environment, read anew.
fn of_environment(simulator: &Simulator, environment: ApnsEnvironment) -> Config {
    let mut config = config(simulator);
    let topics = vec![TOPIC.to_owned()];
    let settings = ApnsSettings { environment, topics, certificate: false, unknown_push_types: false };
    config.apps[0].apns.as_mut().unwrap().provider = Apns::try_new(settings).unwrap();
    config
}

/// Sends to these devices, all of which live in production alone. Returns how many of them callers are told to delete.
async fn deleted(world: &World, devices: std::ops::Range<usize>) -> usize {
    let devices = devices.map(|number| {
        let only = ApnsScriptedOutcome::OnlyIn(Environment::Production);
        world.simulator.script_outcome(&good(number), only);
        good(number)
    });
    let results = world.send_all(devices.collect::<Vec<_>>()).await;
    results.iter().filter(|result| result.token_action() == TokenAction::Delete).count()
}

/// What callers are told of a device that was good and is gone, by a word that alone does not prove it.
async fn told_of_a_gone_one(world: &World, number: usize) -> TokenAction {
    world.simulator.script_outcome(&good(number), ApnsScriptedOutcome::refusal(410, "Unregistered"));
    world.send(crate::harness::push(&good(number))).await.token_action()
}

#[tokio::test]
async fn good_answers_of_the_right_environment_delete_no_device_in_the_wrong_one() {
    let world = world(|simulator| of_environment(simulator, ApnsEnvironment::Production)).await;
    assert_eq!(deleted(&world, 0..MANY).await, 0);
    world.gateway.reload(of_environment(&world.simulator, ApnsEnvironment::Sandbox)).unwrap();
    assert_eq!(deleted(&world, 0..MANY).await, 9, "the tenth is suspicious already");
}

#[tokio::test]
async fn bad_answers_of_the_wrong_environment_keep_no_dead_device_in_the_right_one() {
    let world = world(|simulator| of_environment(simulator, ApnsEnvironment::Sandbox)).await;
    deleted(&world, 0..MANY).await;
    assert_eq!(told_of_a_gone_one(&world, MANY).await, TokenAction::Quarantine);
    let quarantine =
        |world: &World| metric(&world.gateway, r#"fanfare_token_quarantine{app="shop",provider="apns"} "#);
    assert_eq!(quarantine(&world), 1.0);
    world.gateway.reload(of_environment(&world.simulator, ApnsEnvironment::Production)).unwrap();
    assert_eq!(told_of_a_gone_one(&world, MANY + 1).await, TokenAction::Delete);
    assert_eq!(deleted(&world, 0..MANY).await, 0);
    assert_eq!(quarantine(&world), 0.0);
}

#[tokio::test]
async fn what_is_said_anew_of_something_else_forgets_nothing() {
    let world = world(|simulator| of_environment(simulator, ApnsEnvironment::Sandbox)).await;
    deleted(&world, 0..MANY).await;
    let mut other = of_environment(&world.simulator, ApnsEnvironment::Sandbox);
    (other.max_in_flight, other.apps[0].weight) = (77, 3);
    world.gateway.reload(other).unwrap();
    assert_eq!(told_of_a_gone_one(&world, MANY).await, TokenAction::Quarantine);
}
