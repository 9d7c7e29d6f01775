//! Who may ask, and how much at once.

use std::time::Duration;

use super::client::{Client, GOOD, PATIENCE, finish, tls};
use crate::journal::RequestOutcome;
use crate::{Environment, Fault, FaultRule, KeyScope, ProviderKeySpec, Simulator, Trigger};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_connection_has_one_stream_until_its_provider_token_is_answered() {
    let simulator = Simulator::builder().max_concurrent_streams(321).start().await.unwrap();
    let mut client = Client::connect(&simulator).await;
    simulator.wait_until(PATIENCE, |s| s.counters().settings_acknowledged == 1).await.unwrap();
    assert_eq!(simulator.connections()[0].acknowledged_limit, Some(1));
    assert_eq!(client.send.current_max_send_streams(), 1);

    client.token = None;
    assert_eq!(client.push(GOOD).await.unwrap().reason(), "MissingProviderToken");
    assert_eq!(simulator.connections()[0].limit, 1);

    client.token = Some(simulator.provider_key().sign(simulator.clock().now_s()).unwrap());
    client.push("dead").await.unwrap();
    simulator.wait_until(PATIENCE, |s| s.counters().settings_acknowledged == 2).await.unwrap();
    assert_eq!(client.send.current_max_send_streams(), 321);
    assert_eq!(simulator.connections()[0].acknowledged_limit, Some(321));
}

#[tokio::test]
async fn an_expired_provider_token_takes_the_streams_in_flight_along() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut client = Client::trusted(&simulator).await;
    let in_flight = client.start("deaf").await;
    simulator.journal().wait_for_read(2, PATIENCE).await.unwrap();

    simulator.clock().advance(HOUR + Duration::from_secs(5));
    let expired = client.push(GOOD).await.unwrap();
    assert_eq!((expired.status.as_u16(), expired.reason().as_str()), (403, "ExpiredProviderToken"));

    let refused = finish(in_flight).await.unwrap_err();
    assert!(refused.is_reset() && refused.is_remote());
    assert_eq!(refused.reason(), Some(h2::Reason::REFUSED_STREAM));
    assert_eq!(simulator.journal().by_device_token("deaf")[0].outcome, RequestOutcome::Refused);
    assert_eq!(simulator.counters().resets_sent, 2, "7, then 5");
    assert_eq!(simulator.connections()[0].limit, 1);

    client.token = Some(simulator.provider_key().sign(simulator.clock().now_s()).unwrap());
    assert_eq!(client.push(GOOD).await.unwrap().status, 200, "the connection survived");
}

#[tokio::test]
async fn a_second_new_provider_token_within_twenty_minutes_is_too_many() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut client = Client::connect(&simulator).await;
    let now = simulator.clock().now_s();
    let tokens: Vec<_> = (0..3).map(|ago| simulator.provider_key().sign(now - ago).unwrap()).collect();
    for (token, status) in [(0, 200), (1, 200), (0, 200), (2, 429), (1, 200)] {
        client.token = Some(tokens[token].clone());
        assert_eq!(client.push(GOOD).await.unwrap().status, status);
    }
    simulator.clock().advance(HOUR / 3);
    client.token = Some(tokens[2].clone());
    assert_eq!(client.push(GOOD).await.unwrap().status, 200);
    assert_eq!(simulator.counters().provider_tokens_seen, 3);
}

#[tokio::test]
async fn a_connection_is_bound_to_its_first_team_and_kind_of_key() {
    let simulator = Simulator::builder().start().await.unwrap();
    let now = simulator.clock().now_s();
    let sign = |team: &str, environment, scope| {
        let spec = ProviderKeySpec { team_id: team.to_owned(), environment, scope };
        Some(simulator.add_provider_key(spec).unwrap().sign(now).unwrap())
    };
    let mut client = Client::trusted(&simulator).await;
    let own_team = simulator.provider_key().team_id.clone();
    let topics = KeyScope::Topics { topics: vec!["com.example.app".to_owned()], related: None };

    client.token = sign("TEAM000002", None, KeyScope::Team);
    assert_eq!(client.push(GOOD).await.unwrap().reason(), "InvalidProviderToken");
    client.token = sign(&own_team, None, topics);
    assert_eq!(client.push(GOOD).await.unwrap().reason(), "UnrelatedKeyIdInToken");
    client.token = sign(&own_team, Some(Environment::Sandbox), KeyScope::Team);
    assert_eq!(client.push(GOOD).await.unwrap().reason(), "BadEnvironmentKeyIdInToken");
}

#[tokio::test]
async fn a_client_certificate_needs_no_provider_token_and_has_all_streams_at_once() {
    let simulator = Simulator::builder().max_concurrent_streams(77).start().await.unwrap();
    let certificate = simulator.client_certificate(&["com.example.app"]).unwrap();
    let mut client = Client::over(tls(&simulator, Some(&certificate)).await.unwrap(), None).await;
    simulator.wait_until(PATIENCE, |s| s.counters().settings_acknowledged == 1).await.unwrap();
    assert_eq!(client.send.current_max_send_streams(), 77);

    let mut request = client.request(GOOD);
    request.headers_mut().remove("apns-topic");
    assert_eq!(client.push_request(request, "{}").await.unwrap().status, 200, "one topic, so no header");
    let mut request = client.request(GOOD);
    request.headers_mut().insert("apns-topic", "com.example.other".parse().unwrap());
    assert_eq!(client.push_request(request, "{}").await.unwrap().reason(), "TopicDisallowed");
}

#[tokio::test]
async fn lowered_settings_hold_from_their_acknowledgement() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut client = Client::trusted(&simulator).await;
    let first = client.start("deaf").await;
    let second = client.start("deaf").await;
    simulator.journal().wait_for_read(3, PATIENCE).await.unwrap();
    simulator.on_connection(1, &Fault::SetMaxStreams(2)).unwrap();
    simulator.wait_until(PATIENCE, |s| s.counters().settings_acknowledged == 3).await.unwrap();
    assert_eq!(client.send.current_max_send_streams(), 2);

    // h2 holds the third back until a stream is free.
    let third = client.start(GOOD).await;
    drop(first);
    assert_eq!(finish(third).await.unwrap().status, 200);
    let info = simulator.connections().remove(0);
    assert_eq!((info.peak_streams, info.limit_violations), (2, 0));
    drop(second);
}

#[tokio::test]
async fn faults_before_the_first_frame() {
    let simulator = Simulator::builder().start().await.unwrap();
    let faults = [Fault::RefuseTcp, Fault::RefuseTls, Fault::WrongName, Fault::ExpiredCertificate];
    for (at, fault) in (1..).zip(faults) {
        simulator.add_fault(FaultRule::once(Trigger::Connection(at), fault.clone()));
        assert!(tls(&simulator, None).await.is_err(), "{fault:?}");
    }
    let failed = |s: &Simulator| s.counters().tls_handshakes_failed == 3;
    simulator.wait_until(PATIENCE, failed).await.unwrap();

    simulator.stop_listening(Environment::Production).await;
    assert_eq!(tls(&simulator, None).await.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
    simulator.resume_listening(Environment::Production).await.unwrap();
    Client::trusted(&simulator).await;

    simulator.shutdown().await;
    simulator.shutdown().await;
    assert_eq!(simulator.counters().connections_open, 0);
}
