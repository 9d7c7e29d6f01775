//! Platforms that are not served here: their pushes go to another push proxy, and its answers come back as they are.

use fanfare_simulator::{Fault, FaultRule, HangUp, Phase, ScriptedAnswer, Service, Trigger};

use super::*;
use crate::harness::{good, metric};

fn forwards(world: &World, outcome: &str) -> f64 {
    metric(&world.gateway, &format!("fanfare_mattermost_forwards_total{{outcome=\"{outcome}\"}}"))
}

/// The requests that the simulated push proxy got.
fn at_the_proxy(world: &World) -> Vec<Entry> {
    world.simulator.journal().select(|entry| entry.service == Service::Mattermost)
}

#[tokio::test]
async fn another_platform_goes_to_the_other_proxy_unchanged_and_its_answer_comes_back() {
    for tls in [false, true] {
        let world = World::with(
            |simulator| {
                let proxy = simulator.mattermost();
                forwarding(simulator, &if tls { proxy.tls_origin() } else { proxy.origin() })
            },
            |_| {},
        )
        .await;
        // The spaces, the unknown member and the order are those of the server.
        let sent = format!(
            "{{\"platform\": \"apple\",  \"novelty\":1, \"server_id\":\"srv\",\n\"device_id\":\"{}\",\"type\":\"clear\"}} ",
            good(1)
        );
        let lines =
            "x-mattermost-auth: hunter2\r\nx-mattermost-serverid: srv\r\nauthorization: Basic Om93bg==\r\n";
        let answer = post(world.address(), SEND_PUSH, lines, &sent).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, &*response("OK")));
        let mut arrived = at_the_proxy(&world);
        let entry = arrived.pop().unwrap();
        assert_eq!((arrived.len(), &*entry.path), (0, SEND_PUSH));
        assert_eq!(entry.read.as_ref().unwrap().body.as_deref(), Some(sent.as_bytes()));
        assert_eq!(entry.header("x-mattermost-auth"), Some(&b"hunter2"[..]));
        assert_eq!(entry.header("x-mattermost-serverid"), Some(&b"srv"[..]));
        assert_eq!(entry.header("authorization"), None, "what is shown to this gateway is not passed on");
        assert_eq!(forwards(&world, "answered"), 1.0);
        // A platform that is served here goes to APNs.
        assert_eq!(world.send(&message("apple_rn", &good(2))).await.body, response("OK"));
        assert_eq!(at_the_proxy(&world).len(), 1);
    }
}

#[tokio::test]
async fn whatever_the_other_proxy_answers_comes_back_byte_for_byte() {
    let world =
        World::with(|simulator| forwarding(simulator, &simulator.mattermost().origin()), |_| {}).await;
    let scripted = |status, kind: &str, body: &'static str| ScriptedAnswer {
        status,
        body: Some(body.into()),
        headers: vec![("content-type".to_owned(), kind.to_owned())],
        ..ScriptedAnswer::default()
    };
    for (number, (status, kind, body)) in [
        (200, "text/plain; charset=utf-8", "{\"status\":\"REMOVE\"}\n"),
        (200, "application/json", " { \"status\" : \"NOVELTY\" } "),
        (429, "text/plain", "limit exceeded\n"),
        (502, "text/html", "<html>Bad Gateway</html>"),
        (404, "text/plain", ""),
    ]
    .into_iter()
    .enumerate()
    {
        let rule =
            FaultRule::once(Trigger::DeviceToken(good(number)), Fault::Answer(scripted(status, kind, body)));
        world.simulator.add_fault(rule);
        let answer = world.send(&message("apple", &good(number))).await;
        assert_eq!((answer.status, answer.body.as_str()), (status, body));
        assert!(answer.head.contains(&format!("content-type: {kind}")), "{answer:?}");
    }
    assert_eq!(at_the_proxy(&world).len(), 5, "no answer is asked for twice");
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_a_failure_in_words() {
    let world = World::with(
        |simulator| forwarding(simulator, "http://127.0.0.1:1"),
        |config| {
            config.upstream.connect_patience = 1;
        },
    )
    .await;
    let error = failure(&world.send(&message("apple", &good(1))).await);
    assert!(error.contains("that other platforms are forwarded to gave no answer: "), "{error}");
    assert_eq!(forwards(&world, "unsent"), 1.0);
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_not_asked_for_again() {
    let world =
        World::with(|simulator| forwarding(simulator, &simulator.mattermost().origin()), |_| {}).await;
    let cut = Fault::HangUp { how: HangUp::Fin, at: Phase::AfterBody };
    world.simulator.add_fault(FaultRule::once(Trigger::DeviceToken(good(1)), cut));
    let error = failure(&world.send(&message("apple", &good(1))).await);
    assert!(error.contains("gave no answer"), "{error}");
    assert_eq!((at_the_proxy(&world).len(), forwards(&world, "unanswered")), (1, 1.0));
}

/// A gateway as the other proxy of a gateway.
#[tokio::test]
async fn a_gateway_forwards_to_a_gateway_and_never_to_itself() {
    let behind = World::start().await;
    let to = format!("http://{}", behind.address());
    let front = World::with(
        |simulator| {
            let mut settings = forwarding(simulator, &to);
            settings.platforms.clear();
            settings
        },
        |_| {},
    )
    .await;
    assert_eq!(front.send(&message("apple_rn", &good(1))).await.body, response("OK"));
    behind.arrived(&good(1));
    // The one behind now forwards what it does not serve to the one in front, from where that came.
    let mut config = configured(&behind.simulator, served());
    config.http[0].mattermost = Some(forwarding(&behind.simulator, &format!("http://{}", front.address())));
    behind.gateway.reload(config).unwrap();
    let error = failure(&front.send(&message("windows", &good(1))).await);
    assert!(error.contains("came back"), "{error}");
}
