//! The second recording of a real push proxy: what it sent on, its routes, and what it accepts that others would not.

use serde_json::Value;

use super::http1::{plain, request};
use crate::{FcmRefusal, FcmScriptedOutcome, Simulator};

/// Returns a request of the second recording, which keeps bodies as they were sent, except for the one of 5 MB.
fn sent(exchange: &Value) -> String {
    let body = exchange["request"].as_str().unwrap();
    if exchange["case"] == "5 MB body" {
        return format!("{}{}\"}}", body.trim_end_matches('m'), "m".repeat(5_000_000));
    }
    body.to_owned()
}

/// Scripts what FCM answered to the device ids of the second recording.
fn recorded_fates(simulator: &Simulator) {
    let refusal = FcmRefusal::new;
    for (token, outcome) in [
        ("unreg1", refusal(404, "NOT_FOUND", "Requested entity was not found.").code("UNREGISTERED")),
        ("mismatch1", refusal(403, "PERMISSION_DENIED", "SenderId mismatch").code("SENDER_ID_MISMATCH")),
        (
            "inval1",
            refusal(400, "INVALID_ARGUMENT", "The registration token is not a valid FCM registration token")
                .code("INVALID_ARGUMENT"),
        ),
        (
            "auth1",
            refusal(401, "UNAUTHENTICATED", "Auth error from APNS or Web Push Service")
                .code("THIRD_PARTY_AUTH_ERROR"),
        ),
        ("quota1", refusal(429, "RESOURCE_EXHAUSTED", "Quota exceeded").code("QUOTA_EXCEEDED")),
        (
            "unavail1",
            refusal(503, "UNAVAILABLE", "The service is currently unavailable.").code("UNAVAILABLE"),
        ),
    ] {
        simulator.fcm().script_outcome(token, FcmScriptedOutcome::Refused(outcome));
    }
}

#[tokio::test]
async fn every_exchange_of_the_second_recording_comes_out_the_same() {
    let recorded: Value =
        serde_json::from_str(include_str!("../../tests/data/mattermost-push-proxy-2.json")).unwrap();
    let simulator = Simulator::builder().start().await.unwrap();
    recorded_fates(&simulator);
    let exchanges = recorded["exchanges"].as_array().unwrap();
    for exchange in exchanges {
        let text = |name: &str| exchange[name].as_str().unwrap();
        let (case, method, body) = (text("case"), text("method"), sent(exchange));
        let mut line = plain(simulator.mattermost().address()).await;
        let before = simulator.mattermost().proxied_requests().len();
        let reply = request(&mut line, method, text("path"), &body).await;
        assert_eq!(u64::from(reply.status.as_u16()), exchange["status"].as_u64().unwrap(), "{case}");
        assert_eq!(reply.body, text("body"), "{case}");
        let wanted = exchange["headers"].as_object().unwrap();
        let names: Vec<_> = wanted.keys().map(|name| name.to_lowercase()).collect();
        assert!(
            reply.headers.keys().all(|name| name == "date" || names.contains(&name.to_string())),
            "{case}"
        );
        for (name, value) in wanted {
            assert_eq!(reply.headers[name.as_str()], value.as_str().unwrap(), "{case} {name}");
        }
        assert_asked_as_recorded(&simulator, before, exchange);
    }
    assert_eq!(exchanges.len(), 63);
}

/// Compares the body that the proxy sent on, except for the emoji, which stays as it is here.
fn assert_asked_as_recorded(simulator: &Simulator, before: usize, exchange: &Value) {
    let case = exchange["case"].as_str().unwrap();
    let asked = simulator.mattermost().proxied_requests().into_iter().nth(before);
    let upstream = exchange["upstream"].as_array().unwrap();
    let wanted = upstream.iter().find(|request| request["path"] != "/token");
    let (asked, wanted) = match (asked, wanted) {
        (Some(asked), Some(wanted)) => (asked, wanted),
        (asked, wanted) => return assert_eq!(asked.is_some(), wanted.is_some(), "{case}"),
    };
    assert!(wanted["path"].as_str().unwrap().ends_with(&asked.path), "{case}");
    for (name, value) in &asked.headers {
        assert_eq!(wanted["headers"][name], *value, "{case} {name}");
    }
    let body =
        wanted["body"].as_str().unwrap().replace("\u{1f604} ", ":smile:").replace("\u{1f389} ", ":tada:");
    assert_eq!(asked.body, serde_json::from_str::<Value>(&body).unwrap(), "{case}");
}
