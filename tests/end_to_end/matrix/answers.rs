//! What a homeserver is answered by what became of the pushes.

use fanfare::ingress::matrix::UnknownApp;
use fanfare::push::ApnsEnvironment;
use fanfare_simulator::{ApnsScriptedOutcome, Environment};

use super::*;
use crate::harness::metric;

fn counted(world: &World, fate: &str) -> f64 {
    metric(&world.gateway, &format!("fanfare_matrix_devices_total{{fate=\"{fate}\"}} "))
}

#[tokio::test]
async fn a_push_says_what_apps_that_used_sygnal_read() {
    let world = with(|builder| builder.keep_bodies(10).keep_headers(10), |_, _| {}).await;
    let mut device = device(&pushkey(1));
    device["data"] = json!({"default_payload": {"aps": {"mutable-content": 1}}, "format": "x"});
    assert_eq!(rejected(&notify(&world, &event("$one", &[device.clone()])).await), [""; 0]);
    let [arrived] = &world.simulator.journal().by_device_token(&good(1))[..] else { panic!() };
    let body: Value = serde_json::from_slice(arrived.read.as_ref().unwrap().body.as_ref().unwrap()).unwrap();
    let arguments = ["Alice", "Mission Control", "hello"];
    let alert = json!({"loc-key": "MSG_FROM_USER_IN_ROOM_WITH_CONTENT", "loc-args": arguments});
    let aps = json!({"mutable-content": 1, "alert": alert, "badge": 1});
    assert_eq!(body, json!({"aps": aps, "event_id": "$one", "room_id": "!room:example.org"}));
    let header = |name| arrived.header(name).map(|value| String::from_utf8(value.to_vec()).unwrap());
    assert_eq!(header("apns-priority").as_deref(), Some("10"));
    assert_eq!(header("apns-push-type").as_deref(), Some("alert"));
    assert_eq!(header("apns-collapse-id").as_deref(), Some("$one"));
    // The same event has the same apns-id, also at another gateway.
    assert_eq!(header("apns-id").as_deref(), Some("52909723-4497-56e4-95a3-916edf2d0cec"));
    let badge = json!({"notification": {"counts": {"unread": 0}, "devices": [device], "id": "", "sender": "", "type": null}});
    assert_eq!(rejected(&notify(&world, &badge).await), [""; 0]);
    let pushes = world.simulator.journal().by_device_token(&good(1));
    let body = pushes[1].read.as_ref().unwrap().body.as_ref().unwrap();
    assert_eq!(std::str::from_utf8(body).unwrap(), r#"{"aps":{"badge":0}}"#);
    assert_eq!(counted(&world, "served"), 2.0);
}

#[tokio::test]
async fn one_bad_device_does_not_spoil_the_rest() {
    let other = json!({"app_id": "com.example.other", "pushkey": "other"});
    for (unknown, more) in [(UnknownApp::Retry, None), (UnknownApp::Reject, Some("other"))] {
        let world = world(|settings, _| settings.unknown_app = unknown).await;
        let devices = [device(&pushkey(1)), device(&gone(1)), other.clone()];
        let told = notify(&world, &event("$one", &devices)).await;
        let expected: Vec<_> = std::iter::once(gone(1)).chain(more.map(str::to_owned)).collect();
        assert_eq!(rejected(&told), expected);
        assert_eq!(arrived(&world, &good(1)), 1);
        let alone = notify(&world, &event("$two", std::slice::from_ref(&other))).await;
        match unknown {
            UnknownApp::Retry => {
                assert_eq!((alone.status, alone.body["errcode"].as_str()), (502, Some("M_UNKNOWN")))
            }
            UnknownApp::Reject => assert_eq!(rejected(&alone), ["other"]),
        }
        assert_eq!(counted(&world, "served"), 1.0);
    }
}

#[tokio::test]
async fn a_wrong_environment_of_the_whole_app_rejects_nobody() {
    let world = world(|_, config| {
        let apns = config.apps[0].apns.as_mut().unwrap();
        let settings = fanfare::provider::apns::ApnsSettings {
            environment: ApnsEnvironment::Sandbox,
            topics: vec![crate::harness::TOPIC.to_owned()],
            certificate: false,
            unknown_push_types: false,
        };
        apns.provider = fanfare::provider::apns::Apns::try_new(settings).unwrap();
    })
    .await;
    for number in 0..30 {
        let only = ApnsScriptedOutcome::OnlyIn(Environment::Production);
        world.simulator.script_outcome(&good(number), only);
        let told = notify(&world, &event(&format!("${number}"), &[device(&pushkey(number))])).await;
        assert_eq!(rejected(&told), [""; 0], "device {number}");
    }
    assert_eq!(world.simulator.journal().answered(), 30, "each was refused by the push service");
    assert_eq!(counted(&world, "given_up"), 30.0);
}

#[tokio::test]
async fn a_push_that_can_never_succeed_is_not_repeated() {
    let world = world(|_, _| {}).await;
    let mut large = device(&pushkey(1));
    large["data"] = json!({"default_payload": {"own": "x".repeat(5000)}});
    let mut malformed = device("this is no pushkey");
    malformed["data"] = json!({"default_payload": 5});
    for device in [large, malformed, device("this is no pushkey")] {
        assert_eq!(rejected(&notify(&world, &event("$one", &[device])).await), [""; 0]);
    }
    assert_eq!(world.simulator.journal().arrived(), 0);
    assert_eq!(counted(&world, "given_up"), 3.0);
}

/// Whoever is on the internet may make them up.
#[tokio::test]
async fn pushkeys_that_can_be_none_keep_no_device_from_being_removed() {
    let world = world(|_, _| {}).await;
    for number in 0..150 {
        let made_up = device(&format!("no pushkey {number}"));
        assert_eq!(rejected(&notify(&world, &event(&format!("${number}"), &[made_up])).await), [""; 0]);
    }
    // Without a moment since when it is gone, its word alone does not prove it.
    world.simulator.script_outcome(&good(1), ApnsScriptedOutcome::refusal(410, "Unregistered"));
    assert_eq!(rejected(&notify(&world, &event("$one", &[device(&pushkey(1))])).await), [pushkey(1)]);
}

/// Well-formed ones, so the push service is asked about each, and says that it is none. Callers that are known share the app.
#[tokio::test]
async fn made_up_pushkeys_turn_no_advice_to_known_callers() {
    let world = world(|_, _| {}).await;
    let gone = |number| {
        world.simulator.script_outcome(&good(number), ApnsScriptedOutcome::refusal(410, "Unregistered"))
    };
    for number in 1000..1400 {
        world.simulator.script_outcome(&good(number), ApnsScriptedOutcome::refusal(400, "BadDeviceToken"));
    }
    for number in (1000..1400).step_by(20) {
        let made_up: Vec<_> = (number..number + 20).map(|number| device(&pushkey(number))).collect();
        assert_eq!(rejected(&notify(&world, &event(&format!("${number}"), &made_up)).await), [""; 0]);
    }
    assert_eq!(world.simulator.journal().answered(), 400);
    gone(1);
    let told = world.send(crate::harness::push(&good(1))).await;
    assert_eq!(told.token_action(), fanfare::proto::TokenAction::Delete, "{told:?}");
    // What homeservers ask for is judged by what they asked for before.
    gone(2);
    assert_eq!(rejected(&notify(&world, &event("$two", &[device(&pushkey(2))])).await), [""; 0]);
}

#[tokio::test]
async fn a_refused_credential_is_told_as_something_to_repeat() {
    let world = world(|_, _| {}).await;
    world.simulator.revoke_provider_key(&world.simulator.provider_key().key_id);
    let told = notify(&world, &event("$one", &[device(&pushkey(1))])).await;
    assert_eq!((told.status, told.body["errcode"].as_str()), (502, Some("M_UNKNOWN")));
    assert_eq!(counted(&world, "misconfigured"), 1.0);
}
