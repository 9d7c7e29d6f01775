//! What one address may do that shows nothing.

use std::num::NonZeroU32;

use secrecy::ExposeSecret;

use super::*;
use crate::harness::metric;

/// A head whose body does not come, so that its call is in flight until its connection ends.
fn unfinished(lines: &str) -> String {
    format!("POST {SEND_PUSH} HTTP/1.1\r\nhost: gateway\r\n{lines}content-length: 1000\r\n\r\n{{")
}

/// In front of a connection: where it comes from.
fn from(address: &str) -> String {
    format!("PROXY TCP4 {address} 192.0.2.8 4711 443\r\n")
}

fn behind_a_proxy(http: &mut HttpSettings, config: &mut Config, keys: &[&CallerKey]) {
    config.callers = vec![caller("mattermost", &[]), caller("orders", keys)];
    http.caller = Some("mattermost".to_owned());
    http.listener.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
}

#[tokio::test]
async fn further_calls_in_flight_of_an_address_are_refused_before_their_bodies_are_read() {
    let key = CallerKey::generate().unwrap();
    let world = world(|http, config| {
        behind_a_proxy(http, config, &[&key]);
        http.max_requests_per_source = 2;
    })
    .await;
    let open = async |text: String| {
        let mut stream = connect(&world).await;
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    };
    let attacker = from("192.0.2.1");
    let held =
        [open(attacker.clone() + &unfinished("")).await, open(attacker.clone() + &unfinished("")).await];
    // The third is refused once the first two are in flight, and its body never comes.
    let refused_at_last = async {
        loop {
            let mut third = open(attacker.clone() + &unfinished("")).await;
            if let Ok(answer) = timeout(std::time::Duration::from_millis(200), one_answer(&mut third)).await {
                return answer;
            }
        }
    };
    let answer = timeout(SOON, refused_at_last).await.expect("it is refused");
    assert_eq!((status_of(&answer), field(&answer, "retry-after")), (429, Some("1")), "{answer}");
    // Others are not held up by it, nor is a caller at the same address that shows a key.
    let complete = post(SEND_PUSH, "connection: close\r\n");
    assert!(is_taken(status_of(&rest(open(from("192.0.2.2") + &complete).await).await)));
    let shown = format!("connection: close\r\nauthorization: Bearer {}\r\n", key.expose_secret());
    assert!(is_taken(status_of(&rest(open(attacker.clone() + &post(SEND_PUSH, &shown)).await).await)));
    // One that shows a wrong key is refused without being told whether the key is right.
    let wrong = post(SEND_PUSH, "connection: close\r\nauthorization: Bearer x\r\n");
    assert_eq!(status_of(&rest(open(attacker.clone() + &wrong).await).await), 429);
    drop(held);
    let taken =
        async { while !is_taken(status_of(&rest(open(attacker.clone() + &complete).await).await)) {} };
    timeout(SOON, taken).await.expect("its place is free again");
}

#[tokio::test]
async fn an_address_that_calls_too_often_is_told_when_to_come_again() {
    let key = CallerKey::generate().unwrap();
    let world = world(|http, config| {
        behind_a_proxy(http, config, &[&key]);
        // One that is so low that no test is so slow as to see its next turn.
        http.requests_per_second_per_source = NonZeroU32::MIN;
    })
    .await;
    let call = async |address: &str, lines: &str| {
        let lines = format!("connection: close\r\n{lines}");
        tell(&world, &(from(address) + &post(SEND_PUSH, &lines))).await
    };
    // Wherever the second begins, one of three calls at once comes too early.
    let mut answers = Vec::new();
    while refused(&world, "source_rate") == 0.0 {
        answers.push(call("192.0.2.1", "").await);
        assert!(answers.len() < 1000, "an address is bounded");
    }
    let last = answers.last().unwrap();
    assert_eq!((status_of(last), field(last, "retry-after")), (429, Some("1")), "{last}");
    assert!(is_taken(status_of(&call("192.0.2.2", "").await)), "others have turns of their own");
    let shown = format!("authorization: Bearer {}\r\n", key.expose_secret());
    for _ in 0..3 {
        assert!(is_taken(status_of(&call("192.0.2.1", &shown).await)), "known callers are not bounded here");
    }
    assert_eq!(metric(&world.gateway, "fanfare_unknown_callers_total{shown=\"nothing_shown\"}"), 0.0);
}

/// A Mattermost server is one address, and never sends again what is refused.
#[tokio::test]
async fn an_address_in_a_network_that_the_listener_names_is_not_bounded() {
    let world = world(|http, config| {
        behind_a_proxy(http, config, &[]);
        http.networks = vec!["192.0.2.0/28".parse().unwrap()];
        http.requests_per_second_per_source = NonZeroU32::MIN;
    })
    .await;
    let call = async |address: &str| {
        status_of(&tell(&world, &(from(address) + &post(SEND_PUSH, "connection: close\r\n"))).await)
    };
    for _ in 0..3 {
        assert!(is_taken(call("192.0.2.1").await));
    }
    assert_eq!(refused(&world, "source_rate"), 0.0);
    while refused(&world, "source_rate") == 0.0 {
        assert!(matches!(call("192.0.2.100").await, 401 | 429), "others are bounded, and not taken");
    }
}
