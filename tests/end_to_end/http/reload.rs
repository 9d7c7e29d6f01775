//! A listener gets other settings while it serves.

use fanfare::app::Reloaded;
use secrecy::ExposeSecret;

use super::*;
use crate::harness::config;

/// Reloads with a listener that is changed.
fn reload(world: &World, change: impl FnOnce(&mut HttpSettings, &mut Config)) -> Reloaded {
    let mut newer = config(&world.simulator);
    let mut http = listener();
    change(&mut http, &mut newer);
    newer.http.push(http);
    world.gateway.reload(newer).unwrap()
}

#[tokio::test]
async fn what_a_call_is_held_to_changes_on_connections_that_are_open() {
    let (key, other) = (CallerKey::generate().unwrap(), CallerKey::generate().unwrap());
    let world = world(|http, config| {
        config.callers = vec![caller("mattermost", &[&key])];
        http.caller = Some("mattermost".to_owned());
    })
    .await;
    let (mut unproved, mut proved) = (connect(&world).await, connect(&world).await);
    let ask = async |stream: &mut TcpStream, lines: &str| {
        stream.write_all(post(SEND_PUSH, lines).as_bytes()).await.unwrap();
        status_of(&one_answer(stream).await)
    };
    let shown = |key: &CallerKey| format!("authorization: Bearer {}\r\n", key.expose_secret());
    assert!(is_taken(ask(&mut unproved, "").await) && is_taken(ask(&mut proved, &shown(&key)).await));

    // Another caller, another key, and other networks.
    let reloaded = reload(&world, |http, config| {
        config.callers = vec![caller("others", &[&other])];
        http.caller = Some("others".to_owned());
        http.max_body_bytes = 1000;
    });
    assert_eq!(reloaded.changed, ["callers", "http.caller", "http.max_body_bytes"]);
    assert!(reloaded.needs_restart.is_empty(), "{reloaded:?}");
    assert!(is_taken(ask(&mut unproved, "").await));
    assert_eq!(ask(&mut proved, &shown(&key)).await, 401);
    assert!(is_taken(ask(&mut proved, &shown(&other)).await));

    let reloaded = reload(&world, |http, config| {
        config.callers = vec![caller("others", &[&other])];
        http.caller = Some("others".to_owned());
        http.networks = vec!["10.0.0.0/8".parse().unwrap()];
        http.matrix = None;
    });
    assert_eq!(reloaded.changed, ["http.serve", "http.networks", "http.max_body_bytes", "http.matrix"]);
    assert_eq!(ask(&mut unproved, "").await, 401);
    unproved.write_all(post("/_matrix/push/v1/notify", "").as_bytes()).await.unwrap();
    assert_eq!(status_of(&one_answer(&mut unproved).await), 404);
}

#[tokio::test]
async fn another_address_and_another_table_wait_for_a_restart_and_are_named_until_then() {
    let world = world(|_, _| {}).await;
    let elsewhere = |http: &mut HttpSettings| http.listener.listen = ([127, 0, 0, 2], 0).into();
    for _ in 0..2 {
        let reloaded = reload(&world, |http, _| {
            elsewhere(http);
            http.max_body_bytes = 1;
        });
        assert_eq!((&reloaded.changed[..], &reloaded.needs_restart[..]), (&[][..], &["http.listen"][..]));
    }
    assert!(is_taken(status(&world, SEND_PUSH, "").await), "it serves as it did");
    let reloaded = reload(&world, |_, config| {
        let mut second = listener();
        elsewhere(&mut second);
        config.http.push(second);
    });
    assert_eq!((&reloaded.changed[..], &reloaded.needs_restart[..]), (&[][..], &["http.listen"][..]));
    let reloaded = reload(&world, |http, _| http.listener.max_connections = 5);
    assert_eq!(
        (&reloaded.changed[..], &reloaded.needs_restart[..]),
        (&[][..], &["http.max_connections"][..])
    );
    assert_eq!(reload(&world, |_, _| {}).needs_restart, [""; 0]);
}
