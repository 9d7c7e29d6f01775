//! The recorded answers of a real Mattermost push proxy: each exchange comes to its verdict.

use fanfare::proto::{self, Delivery, Outcome, TokenAction};
use fanfare_simulator::{ApnsScriptedOutcome, Fault, FaultRule, ScriptedAnswer, Trigger};
use serde_json::Value;

use crate::harness::{APP, World};
use crate::mattermost::{good_push, world_with};

/// A recorded exchange of the real proxy, as a push that a caller can send. `None` if no push can say it.
fn as_push(request: &Value) -> Option<proto::Push> {
    let text = |name: &str| request[name].as_str().unwrap_or_default().to_owned();
    if text("device_id").is_empty() || text("server_id").is_empty() {
        return None;
    }
    let device = proto::MattermostDevice {
        device_id: format!("{}:{}", text("platform"), text("device_id")),
        server_id: text("server_id"),
    };
    let message = text("message");
    let long = message == "x repeated 5000 times";
    let notification = proto::Notification {
        title: text("channel_name"),
        body: if long { "x".repeat(5000) } else { message },
        category: text("category"),
        sound: text("sound"),
        badge: request["badge"].as_i64().and_then(|badge| i32::try_from(badge).ok()),
        ..proto::Notification::default()
    };
    let options = proto::MattermostOptions {
        r#type: text("type"),
        ack_id: text("ack_id"),
        post_id: text("post_id"),
        team_id: text("team_id"),
        channel_id: text("channel_id"),
        sender_id: text("sender_id"),
        sender_name: text("sender_name"),
        version: text("version"),
        is_id_loaded: request["is_id_loaded"].as_bool().unwrap_or_default(),
        ..proto::MattermostOptions::default()
    };
    Some(proto::Push {
        app: APP.to_owned(),
        target: Some(proto::Target { mattermost: Some(Box::new(device)), ..proto::Target::default() }),
        content: Some(proto::Content {
            notification: Some(notification),
            mattermost: Some(Box::new(options)),
            ..proto::Content::default()
        }),
        ..proto::Push::default()
    })
}

/// The verdict of what the real proxy answered: outcome, token action, retryable, delivery.
fn verdict_of(body: &str, status: u64) -> (Outcome, TokenAction, bool, Delivery) {
    let word = serde_json::from_str::<Value>(body).unwrap_or_default();
    let error = word["error"].as_str().unwrap_or_default();
    let keep = TokenAction::Keep;
    match (status, word["status"].as_str().unwrap_or_default()) {
        (200, "OK") => (Outcome::Accepted, keep, false, Delivery::Accepted),
        (200, "REMOVE") => (Outcome::Unregistered, TokenAction::Delete, false, Delivery::No),
        (200, "FAIL") if error == "unknown send response error" => {
            (Outcome::UpstreamUnavailable, keep, true, Delivery::No)
        }
        (200, "FAIL") if error.contains("because of missing") => {
            (Outcome::InvalidPush, keep, false, Delivery::No)
        }
        (200, "FAIL") if error.starts_with("Failed to read message body") => {
            (Outcome::Internal, keep, false, Delivery::No)
        }
        // This is a page, or the proxy's version, and not the answer to a push.
        (200, _) => (Outcome::Unconfirmed, keep, true, Delivery::Maybe),
        (404, _) => (Outcome::Credential, keep, false, Delivery::No),
        other => panic!("{other:?} has no verdict here"),
    }
}

/// The fate at APNs that a case is named after, such as `APNs 400 BadDeviceToken`.
fn fate(case: &str) -> Option<ApnsScriptedOutcome> {
    let (status, reason) = case.strip_prefix("APNs ")?.split_at(3);
    let reason = match (status, reason.trim()) {
        ("200", _) => return None,
        ("429", "") => "TooManyRequests",
        ("503", "") => "ServiceUnavailable",
        (_, reason) => reason,
    };
    Some(ApnsScriptedOutcome::refusal(status.parse().unwrap(), reason))
}

/// Each exchange that a push can say is sent as its Mattermost server sent it, and the simulated proxy finds its own answer.
/// The others (no device, no server, other paths) are answered with the recorded bytes.
#[tokio::test]
async fn every_recorded_exchange_of_the_real_proxy_becomes_its_verdict() {
    let recorded: Value =
        serde_json::from_str(include_str!("../../crates/simulator/tests/data/mattermost-push-proxy.json"))
            .unwrap();
    let settings = fanfare_simulator::MattermostSettings {
        apple: vec![("apple".to_owned(), "com.example.app".to_owned())],
        android: Vec::new(),
        ..fanfare_simulator::MattermostSettings::default()
    };
    let world =
        world_with(false, |builder| builder.mattermost(settings), |config| config.dispatch.max_attempts = 1)
            .await;
    let exchanges = recorded["exchanges"].as_array().unwrap();
    let mut scripted = 0;
    for exchange in exchanges {
        let (case, request) = (exchange["case"].as_str().unwrap(), &exchange["request"]);
        let (status, body) = (&exchange["response"]["status"], &exchange["response"]["body"]);
        let (status, body) = (status.as_u64().unwrap(), body.as_str().unwrap());
        if let Some(fate) = fate(case) {
            world.simulator.script_outcome(request["device_id"].as_str().unwrap(), fate);
        }
        let sent = as_push(request).unwrap_or_else(|| {
            scripted += 1;
            let answer = ScriptedAnswer {
                status: u16::try_from(status).unwrap(),
                body: Some(body.to_owned().into()),
                ..ScriptedAnswer::default()
            };
            world.simulator.add_fault(FaultRule::once(Trigger::Always, Fault::Answer(answer)));
            good_push(scripted)
        });
        let result = world.send(sent).await;
        let seen = (result.outcome(), result.token_action(), result.retryable, result.delivery());
        assert_eq!(seen, verdict_of(body, status), "{case} {result:?}");
        assert_eq!((u64::from(result.upstream_status), result.attempts), (status, 1), "{case}");
    }
    assert_eq!((exchanges.len(), scripted), (27, 8));
    assert_asked(&world, &recorded);
}

/// The proxy asked APNs what the real one asked, so the gateway told it what a Mattermost server tells it.
fn assert_asked(world: &World, recorded: &Value) {
    let wanted = recorded["apns_requests_in_order"].as_array().unwrap();
    let asked = world.simulator.mattermost().proxied_requests();
    assert_eq!(asked.len(), wanted.len());
    for (asked, wanted) in asked.iter().zip(wanted) {
        assert_eq!(asked.path, wanted["path"].as_str().unwrap());
        match serde_json::from_str::<Value>(wanted["body"].as_str().unwrap()) {
            Ok(body) => assert_eq!(asked.body, body),
            // The real proxy cut the long message. The gateway sends none that the proxy has to cut.
            Err(_) => assert_eq!(asked.body["aps"]["alert"]["body"], "x".repeat(2047)),
        }
    }
}
