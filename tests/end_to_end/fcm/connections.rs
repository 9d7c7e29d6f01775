//! Connections to FCM: its limits, how it ends them, HTTP/1.1 and client certificates.

use std::time::Duration;

use fanfare::proto::{self, Outcome};
use fanfare_simulator::{
    AfterGoAway, ConnectionInfo, Fault, FaultRule, FcmSettings, GoAway, LastId, Service, Simulator, Trigger,
};

use super::{PROJECT, app, burst, each_once, google, push, serve, with_certificate, world};
use crate::harness::{APP, SOON};

fn all_accepted_at_once(results: &[proto::PushResult]) {
    for result in results {
        assert_eq!((result.outcome(), result.attempts), (Outcome::Accepted, 1), "{result:?}");
    }
}

fn connections(simulator: &Simulator) -> Vec<ConnectionInfo> {
    let mut all = simulator.connections();
    all.retain(|connection| connection.service == Service::Fcm);
    all
}

#[tokio::test]
async fn a_thousand_in_flight_never_have_more_than_a_hundred_streams_on_a_connection() {
    let world = world(FcmSettings::default()).await;
    all_accepted_at_once(&burst(&world, 0..1).await);
    // The answers come when all pushes wait for one, or for a stream.
    world.simulator.set_answer_latency(Duration::from_millis(200));
    all_accepted_at_once(&burst(&world, 1..1001).await);
    each_once(&world, 1001);
    let connections = connections(&world.simulator);
    assert!(connections.len() > 1, "{connections:?}");
    assert!(connections.iter().all(|it| it.limit == 100 && it.peak_streams <= 100), "{connections:?}");
    assert!(connections.iter().any(|it| it.peak_streams == 100), "{connections:?}");
}

#[tokio::test]
async fn a_goaway_of_a_session_that_timed_out_loses_nothing() {
    let world = world(FcmSettings::default()).await;
    // Source: github.com/codedge-llc/pigeon issues 81 and 125.
    let goodbye = GoAway {
        last: LastId::This,
        code: 0,
        reason: Some("session_timed_out".to_owned()),
        then: AfterGoAway::Drain,
    };
    world.simulator.add_fault(FaultRule {
        when: Trigger::RequestOfEach(60),
        fault: Fault::GoAway(goodbye),
        times: 3,
    });
    all_accepted_at_once(&burst(&world, 0..1).await);
    all_accepted_at_once(&burst(&world, 1..501).await);
    each_once(&world, 501);
    assert!(world.simulator.counters().goaways_sent >= 3, "{:?}", world.simulator.counters());
}

#[tokio::test]
async fn where_fcm_offers_no_http2_pushes_and_tokens_go_over_kept_connections_of_http1() {
    let world = world(FcmSettings { http2: false, ..FcmSettings::default() }).await;
    for number in 0..20 {
        all_accepted_at_once(&[world.send(push(&format!("one:{number}"))).await]);
    }
    assert_eq!(world.simulator.counters().connections_opened, 1, "kept alive");
    let dead = world.send(push("unregistered:1")).await;
    assert_eq!((dead.outcome(), dead.upstream_reason.as_str()), (Outcome::Unregistered, "UNREGISTERED"));
    all_accepted_at_once(&burst(&world, 0..200).await);
    each_once(&world, 220);
    assert_eq!(world.simulator.counters().settings_acknowledged, 0, "nobody spoke HTTP/2");
    let connections = connections(&world.simulator);
    assert!(connections.iter().all(|it| it.peak_streams <= 1), "{connections:?}");
}

#[tokio::test]
async fn a_certificate_is_shown_to_fcm_and_not_to_the_token_endpoint() {
    let simulator = google(FcmSettings::default()).await;
    let account = simulator.fcm().add_service_account(&[PROJECT]).unwrap();
    let apps = vec![with_certificate(app(APP, PROJECT, &account), &simulator)];
    let world = serve(simulator, apps).await;
    all_accepted_at_once(&burst(&world, 0..50).await);
    let simulator = &world.simulator;
    simulator.wait_until(SOON, |it| it.counters().requests_answered == 51).await.unwrap();
    let counters = simulator.counters();
    assert_eq!((counters.connections_opened, counters.client_certificates_shown), (2, 1));
    let token = simulator.journal().select(|entry| &*entry.path == "/token").remove(0);
    assert!(
        simulator
            .journal()
            .select(|it| it.device_token().is_some())
            .iter()
            .all(|it| { it.connection != token.connection })
    );
}
