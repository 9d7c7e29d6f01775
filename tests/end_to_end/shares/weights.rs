//! Ten callers with weights and one app, and ten apps with weights and one caller.

use std::time::Duration;

use fanfare::app::{Gateway, Network};
use fanfare::caller::{CallerKey, CallerSettings, Permissions};
use fanfare::config::Config;
use fanfare_simulator::Simulator;
use secrecy::ExposeSecret;

use super::{
    Client, apns_app, client_with, give_streams, one_connection, push_of, send, send_one, sender,
    take_streams, waiting,
};
use crate::harness::{APP, TOPIC, World, config, connect, figure, sized};

/// The weights of the ten.
const WEIGHTS: [u8; 10] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

/// All of them together.
const ROUND: usize = 55;

/// Few streams. Bulk leaves a fifth of them.
const STREAMS: u32 = 10;

async fn world(change: impl FnOnce(&Simulator, &mut Config)) -> World {
    let simulator =
        Simulator::builder().bundle_ids([TOPIC]).latency(Duration::from_millis(2)).start().await.unwrap();
    let mut config = config(&simulator);
    one_connection(&mut config);
    change(&simulator, &mut config);
    let gateway = Gateway::start(config, Network::default()).await.unwrap();
    let client = connect(&gateway).await;
    World { simulator, gateway, client }
}

fn caller(name: usize, weight: u8) -> (String, CallerSettings) {
    let key = CallerKey::generate().unwrap();
    let settings = CallerSettings {
        name: format!("caller-{name}"),
        permissions: Permissions { weight, ..Permissions::everything() },
        keys: vec![key.digest()],
        certificate: None,
        token: None,
        anonymous: false,
    };
    (key.expose_secret().to_owned(), settings)
}

/// Each of the ten stands in line with pushes for all rounds. Then there are streams, and each is given its share of those
/// that are used while all of them still wait.
async fn shares(world: &World, what: &str, senders: Vec<(Client, String)>) {
    // For how many rounds each of them has pushes.
    let all_rounds = sized(30, 300);
    send_one(&senders[0].0, push_of(99, 0, &senders[0].1)).await.unwrap();
    let connection = take_streams(world).await;
    let (mut batches, mut in_line) = (Vec::new(), 0);
    for (number, ((client, app), weight)) in senders.into_iter().zip(WEIGHTS).enumerate() {
        let pushes: Vec<_> =
            (0..all_rounds * usize::from(weight)).map(|push| push_of(number, push, &app)).collect();
        in_line += pushes.len();
        batches.push((pushes.len(), send(client, pushes).await));
        waiting(world, in_line).await;
    }
    give_streams(world, connection, STREAMS);
    for (pushes, batch) in &mut batches {
        batch.all_accepted(*pushes).await;
    }
    let entries = world.simulator.journal().entries();
    let arrived: Vec<_> = entries.iter().map(|entry| sender(entry.device_token().unwrap())).skip(1).collect();
    assert_eq!(arrived.len(), in_line);
    for rounds in [10, all_rounds * 9 / 10] {
        let busy = &arrived[..rounds * ROUND];
        let counts = (0..WEIGHTS.len()).map(|number| busy.iter().filter(|sender| **sender == number).count());
        for (count, weight) in counts.zip(WEIGHTS) {
            let due = rounds * usize::from(weight);
            // As many requests as there are streams may overtake each other on their way to the connection.
            let slack = due / 10 + STREAMS as usize;
            assert!(count.abs_diff(due) <= slack, "{what}: {count} pushes of weight {weight}, {due} are due");
            if rounds > 10 {
                let share = 100.0 * count as f64 / busy.len() as f64;
                figure(&format!(
                    "{what} of weight {weight}: {share:.1} %, due {:.1} %",
                    100.0 * due as f64 / busy.len() as f64
                ));
            }
        }
    }
}

#[tokio::test]
async fn ten_callers_share_the_streams_of_one_app_by_their_weights() {
    let callers: Vec<_> =
        WEIGHTS.into_iter().enumerate().map(|(name, weight)| caller(name, weight)).collect();
    let (keys, settings): (Vec<_>, Vec<_>) = callers.into_iter().unzip();
    let world = world(|_, config| config.callers = settings).await;
    let mut senders = Vec::new();
    for key in &keys {
        senders.push((client_with(&world, key).await, APP.to_owned()));
    }
    shares(&world, "a caller", senders).await;
}

#[tokio::test]
async fn ten_apps_share_the_streams_of_one_caller_by_their_weights() {
    let names = WEIGHTS.map(|weight| format!("app-{weight}"));
    let world = world(|simulator, config| {
        let apps = names.iter().zip(WEIGHTS).map(|(name, weight)| {
            let mut app = apns_app(simulator, name);
            app.weight = weight;
            app
        });
        config.apps = apps.collect();
    })
    .await;
    let client = client_with(&world, "none").await;
    shares(&world, "an app", names.into_iter().map(|name| (client.clone(), name)).collect()).await;
}

#[tokio::test]
async fn what_a_caller_is_given_is_shared_by_its_apps() {
    let (keys, settings): (Vec<_>, Vec<_>) = (0..2).map(|name| caller(name, 1)).unzip();
    let names = ["one", "two", "three"];
    let world = world(|simulator, config| {
        config.callers = settings;
        config.apps = names.iter().map(|name| apns_app(simulator, name)).collect();
    })
    .await;
    // The first caller pushes for one app, and the second for all three.
    let senders = [(0, 0), (1, 0), (1, 1), (1, 2)];
    let clients = [client_with(&world, &keys[0]).await, client_with(&world, &keys[1]).await];
    send_one(&clients[0], push_of(99, 0, names[0])).await.unwrap();
    let connection = take_streams(&world).await;
    let mut batches = Vec::new();
    for (number, (caller, app)) in senders.into_iter().enumerate() {
        let pushes = (0..600).map(|push| push_of(number, push, names[app])).collect();
        batches.push(send(clients[caller].clone(), pushes).await);
        waiting(&world, 600 * (number + 1)).await;
    }
    give_streams(&world, connection, STREAMS);
    for batch in &mut batches {
        batch.all_accepted(600).await;
    }
    let entries = world.simulator.journal().entries();
    let busy: Vec<_> =
        entries.iter().map(|entry| sender(entry.device_token().unwrap())).skip(1).take(900).collect();
    for (number, due) in [450, 150, 150, 150].into_iter().enumerate() {
        let count = busy.iter().filter(|sender| **sender == number).count();
        assert!(count.abs_diff(due) <= due / 10, "{number}: {count}, {due} are due");
    }
}
