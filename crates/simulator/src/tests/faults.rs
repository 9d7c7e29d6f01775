//! Faults in the middle of things, as a client sees them and as the journal tells them.

use std::time::Duration;

use bytes::Bytes;

use super::client::{Client, GOOD, PATIENCE, finish};
use crate::journal::RequestOutcome;
use crate::{
    AfterGoAway, Fault, FaultRule, GoAway, HangUp, LastId, Phase, ScriptedAnswer, Simulator, Trigger,
};

fn on_token(token: &str, fault: Fault) -> FaultRule {
    FaultRule::once(Trigger::DeviceToken(token.to_owned()), fault)
}

#[tokio::test]
async fn goaway_excludes_what_is_above_its_last_id_and_serves_the_rest() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut client = Client::trusted(&simulator).await;
    simulator.add_fault(on_token("0a01", Fault::Delay(Duration::from_millis(50))));
    let served = client.start("0a01").await;
    simulator.journal().wait_for_read(2, PATIENCE).await.unwrap();
    let goaway = GoAway {
        last: LastId::BeforeThis,
        code: 0,
        reason: Some("Shutdown".to_owned()),
        then: AfterGoAway::Drain,
    };
    simulator.add_fault(on_token("0a02", Fault::GoAway(goaway)));
    let excluded = client.start("0a02").await;

    let error = finish(excluded).await.unwrap_err();
    assert!(error.is_go_away() && error.is_remote());
    assert!(error.to_string().contains(r#"{\"reason\":\"Shutdown\"}"#), "{error}");
    assert_eq!(finish(served).await.unwrap().status, 200);

    simulator.wait_until(PATIENCE, |s| s.counters().connections_open == 0).await.unwrap();
    let journal = simulator.journal();
    assert_eq!(journal.by_device_token("0a02")[0].outcome, RequestOutcome::Excluded);
    assert!(journal.by_device_token("0a01")[0].may_be_delivered());
    assert_eq!(simulator.counters().goaways_sent, 1);
}

#[tokio::test]
async fn a_graceful_goaway_excludes_nothing_that_was_sent() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut client = Client::trusted(&simulator).await;
    simulator.add_fault(on_token("0a01", Fault::Delay(Duration::from_millis(50))));
    let served = client.start("0a01").await;
    simulator.journal().wait_for_read(2, PATIENCE).await.unwrap();
    let pause = Duration::from_millis(5);
    simulator.on_connection(1, &Fault::GracefulGoAway { pause, reason: None }).unwrap();
    assert_eq!(finish(served).await.unwrap().status, 200);
    simulator.wait_until(PATIENCE, |s| s.counters().connections_open == 0).await.unwrap();
    assert!(client.driver.await.unwrap().is_ok(), "closed without an error");
}

#[tokio::test]
async fn a_refused_stream_is_reset_twice_and_the_connection_goes_on() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut client = Client::trusted(&simulator).await;
    simulator.add_fault(on_token("0a01", Fault::RefuseThenClosed));
    let error = client.push("0a01").await.unwrap_err();
    assert_eq!(error.reason(), Some(h2::Reason::REFUSED_STREAM));
    assert_eq!(simulator.journal().by_device_token("0a01")[0].outcome, RequestOutcome::Refused);
    assert_eq!(simulator.counters().resets_sent, 2);
    assert_eq!(client.push("0a01").await.unwrap().status, 200);
}

#[tokio::test]
async fn a_reset_after_the_answers_headers_lets_them_out_first() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut client = Client::trusted(&simulator).await;
    simulator.add_fault(on_token("0a01", Fault::ResetStream { code: 2, at: Phase::AfterAnswerHeaders }));
    let response = client.start("0a01").await.await.unwrap();
    assert_eq!(response.status(), 200);
    let error = response.into_body().data().await.unwrap().unwrap_err();
    assert_eq!(error.reason(), Some(h2::Reason::INTERNAL_ERROR));
}

#[tokio::test]
async fn a_tcp_reset_after_the_body_leaves_the_push_read_and_unanswered() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut client = Client::trusted(&simulator).await;
    let fault = Fault::HangUp { how: HangUp::Reset, at: Phase::AfterBody };
    simulator.add_fault(on_token("0a01", fault));
    let error = client.push("0a01").await.unwrap_err();
    assert_eq!(error.get_io().unwrap().kind(), std::io::ErrorKind::ConnectionReset);

    let entry = simulator.journal().by_device_token("0a01").remove(0);
    assert!(entry.read.is_some());
    assert_eq!(entry.outcome, RequestOutcome::Unanswered);
    assert!(entry.may_be_delivered());
}

#[tokio::test]
async fn a_fin_after_the_answers_headers_lets_them_out_first() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut client = Client::trusted(&simulator).await;
    let fault = Fault::HangUp { how: HangUp::Fin, at: Phase::AfterAnswerHeaders };
    simulator.add_fault(on_token("0a01", fault));
    let response = client.start("0a01").await.await.unwrap();
    assert!(response.into_body().data().await.unwrap().unwrap_err().is_io());
    assert_eq!(simulator.counters().resets_sent, 0);
}

#[tokio::test]
async fn a_fin_before_the_body_leaves_the_push_unread() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut client = Client::trusted(&simulator).await;
    let fault = Fault::HangUp { how: HangUp::Fin, at: Phase::BeforeBody };
    simulator.add_fault(on_token("0a01", fault));
    let error = client.push("0a01").await.unwrap_err();
    assert_eq!(error.get_io().unwrap().kind(), std::io::ErrorKind::BrokenPipe);
    let entry = simulator.journal().by_device_token("0a01").remove(0);
    assert!(entry.read.is_none() && !entry.may_be_delivered());
}

#[tokio::test]
async fn a_half_open_connection_says_nothing_more() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut client = Client::trusted(&simulator).await;
    let first = client.start("deaf").await;
    simulator.journal().wait_for_read(2, PATIENCE).await.unwrap();
    simulator.on_connection(1, &Fault::HalfOpen).unwrap();
    let second = client.start(GOOD).await;
    // Both answers are waited for longer than loopback takes; neither can come.
    let silence = Duration::from_millis(200);
    assert!(tokio::time::timeout(silence, first).await.is_err());
    assert!(tokio::time::timeout(silence, second).await.is_err());
    assert_eq!(simulator.journal().arrived(), 2, "the second was never read");
    assert_eq!(simulator.counters().connections_open, 1);
}

#[tokio::test]
async fn a_half_open_connection_can_still_be_reset() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut client = Client::trusted(&simulator).await;
    simulator.add_fault(on_token("0a01", Fault::HalfOpen));
    let pending = client.start("0a01").await;
    simulator.journal().wait_for_arrived(2, PATIENCE).await.unwrap();
    simulator.disconnect(1, HangUp::Reset).unwrap();
    assert!(finish(pending).await.unwrap_err().is_io());
    simulator.wait_until(PATIENCE, |s| s.counters().connections_open == 0).await.unwrap();
    let entry = simulator.journal().by_device_token("0a01").remove(0);
    assert_eq!(entry.outcome, RequestOutcome::Unanswered);
}

#[tokio::test]
async fn a_half_open_connection_that_hangs_up_ends() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut client = Client::trusted(&simulator).await;
    let _pending = client.start("deaf").await;
    simulator.journal().wait_for_arrived(2, PATIENCE).await.unwrap();
    simulator.disconnect(1, HangUp::Fin).unwrap();
    simulator.on_connection(1, &Fault::HalfOpen).unwrap();
    simulator.wait_until(PATIENCE, |s| s.counters().connections_open == 0).await.unwrap();
}

#[tokio::test]
async fn too_many_bad_tokens_end_the_connection_after_the_last_answer() {
    let simulator = Simulator::builder().bad_tokens_allowed(2).start().await.unwrap();
    let mut client = Client::trusted(&simulator).await;
    for token in ["0bad01", "0bad02"] {
        assert_eq!(client.push(token).await.unwrap().reason(), "BadDeviceToken");
    }
    simulator.wait_until(PATIENCE, |s| s.counters().connections_open == 0).await.unwrap();
    assert_eq!(simulator.counters().goaways_sent, 1);
}

#[tokio::test]
async fn strange_answers_arrive_as_scripted() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut client = Client::trusted(&simulator).await;
    let html = ScriptedAnswer {
        status: 502,
        body: Some(Bytes::from_static(b"<html>no gateway</html>")),
        pieces: 5,
        headers: vec![("via".to_owned(), "1.1 somebody".to_owned())],
        trailers: vec![("x-end".to_owned(), "1".to_owned())],
        ..ScriptedAnswer::default()
    };
    simulator.add_fault(on_token("0a01", Fault::Answer(html)));
    let reply = client.push("0a01").await.unwrap();
    assert_eq!((reply.status.as_u16(), &reply.body[..]), (502, &b"<html>no gateway</html>"[..]));
    assert_eq!(reply.headers["via"], "1.1 somebody");

    simulator.add_fault(on_token(
        "0a02",
        Fault::Answer(ScriptedAnswer { status: 500, ..ScriptedAnswer::default() }),
    ));
    assert!(client.push("0a02").await.unwrap().body.is_empty());

    simulator.add_fault(on_token("0a03", Fault::HugeBody(300_000)));
    assert_eq!(client.push("0a03").await.unwrap().body.len(), 300_000);

    simulator.add_fault(on_token("0a04", Fault::Trickle { every: Duration::from_millis(1) }));
    assert_eq!(client.push("0a04").await.unwrap().reason(), "InternalServerError");

    let throttle = Fault::Throttle { bytes: 7, every: Duration::from_millis(1) };
    simulator.on_connection(1, &throttle).unwrap();
    assert_eq!(client.push("dead").await.unwrap().reason(), "Unregistered");
}

#[tokio::test]
async fn a_busy_client_within_the_limit_is_never_refused_and_a_cancelled_push_is_noted() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut client = Client::trusted(&simulator).await;
    let mut pushes = Vec::new();
    for _ in 0..50 {
        pushes.push(client.start(GOOD).await);
    }
    for push in pushes {
        assert_eq!(finish(push).await.unwrap().status, 200);
    }
    let counters = simulator.counters();
    assert_eq!((counters.limit_violations, counters.requests_answered), (0, 51));
    let cancelled = client.start("deaf").await;
    simulator.journal().wait_for_read(52, PATIENCE).await.unwrap();
    drop(cancelled);
    simulator.wait_until(PATIENCE, |s| s.counters().resets_received == 1).await.unwrap();
    assert_eq!(simulator.journal().by_device_token("deaf")[0].cancelled, Some(8));
    assert_eq!(simulator.connections()[0].streams, 0);
}

#[tokio::test]
async fn unfinished_answers_and_silence_stay_open_until_the_client_gives_up() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut client = Client::trusted(&simulator).await;
    simulator.add_fault(on_token("0a01", Fault::HeadersWithoutBody));
    simulator.add_fault(on_token("0a02", Fault::BodyWithoutEnd));
    simulator.add_fault(on_token("0a03", Fault::Silence));
    let headers = client.start("0a01").await.await.unwrap();
    let mut beginning = client.start("0a02").await.await.unwrap();
    let silent = client.start("0a03").await;
    simulator.journal().wait_for_read(4, PATIENCE).await.unwrap();
    assert_eq!(headers.status(), 200);
    assert_eq!(beginning.body_mut().data().await.unwrap().unwrap(), r#"{"reason":"#);
    assert_eq!(simulator.connections()[0].streams, 3);

    drop((headers, beginning, silent));
    simulator.wait_until(PATIENCE, |s| s.connections()[0].streams == 0).await.unwrap();
    assert_eq!(client.push(GOOD).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_server_without_settings_leaves_the_client_without_a_limit_to_go_by() {
    let simulator = Simulator::builder().start().await.unwrap();
    simulator.add_fault(FaultRule::once(Trigger::Connection(1), Fault::NoSettings));
    let mut client = Client::connect(&simulator).await;
    let pending = client.start(GOOD).await;
    simulator.shutdown().await;
    assert!(finish(pending).await.unwrap_err().is_io());
    assert_eq!(simulator.journal().arrived(), 0);
}
