//! Pushkeys as device tokens, registration tokens and subscriptions.

use super::*;
use crate::desk::TargetDraft;
use crate::ingress::matrix::glob::Glob;
use crate::provider::apns::Target;
use crate::push::{Outcome, Refusal};

fn target(pushkey: &str, data: &Value, dialect: impl Into<Dialect>) -> Result<TargetDraft, Fate> {
    let event = json!({"event_id": "$event", "room_id": "!room", "type": "m.room.message"});
    drafted(&request(&event, pushkey, data), dialect).map(|draft| draft.target.unwrap())
}

fn token(pushkey: &str, dialect: ApnsDialect) -> Result<String, Refusal> {
    let TargetDraft::Apns(target) = target(pushkey, &json!({}), dialect).unwrap() else { panic!() };
    let Target::Device(device) = target? else { panic!() };
    Ok(device.token.as_str().to_owned())
}

#[test]
fn a_pushkey_in_base64_becomes_hexadecimal_and_hexadecimal_stays() {
    let hex = "fbff".repeat(16);
    // Both alphabets differ in these bytes.
    let (padded, url) =
        ("+//7//v/+//7//v/+//7//v/+//7//v/+//7//v/+/8=", "-__7__v_-__7__v_-__7__v_-__7__v_-__7__v_-_8");
    for pushkey in [padded, padded.trim_end_matches('='), url, &hex] {
        assert_eq!(token(pushkey, apns()).unwrap(), hex, "{pushkey}");
    }
    // 64 digits are base64 of 48 bytes as well; device tokens have been written so for longer.
    assert_eq!(token(&"ab".repeat(32), apns()).unwrap(), "ab".repeat(32));
    assert_eq!(token("abcd", apns()).unwrap(), "69b71d");
    assert_eq!(token("abcd", ApnsDialect { converts_to_hex: false, ..apns() }).unwrap(), "abcd");
    for bad in ["", "PK-FULL!", "a", "ä"] {
        let refusal = token(bad, apns()).unwrap_err();
        assert_eq!((refusal.outcome, refusal.field.as_ref()), (Outcome::InvalidPush, "target.apns.token"));
    }
    assert!(token(padded, ApnsDialect { converts_to_hex: false, ..apns() }).is_err());
}

#[test]
fn a_payload_that_is_no_object_is_told() {
    let data = json!({"default_payload": "text"});
    let TargetDraft::Apns(Err(refusal)) = target(TOKEN, &data, apns()).unwrap() else { panic!() };
    assert_eq!(refusal.outcome, Outcome::InvalidPush);
    let TargetDraft::Fcm(Err(refusal)) = target("token", &data, fcm()).unwrap() else { panic!() };
    assert_eq!(refusal.outcome, Outcome::InvalidPush);
    for data in [json!({}), json!({"default_payload": null}), json!({"default_payload": {}})] {
        assert!(matches!(target("token", &data, fcm()).unwrap(), TargetDraft::Fcm(Ok(_))));
    }
}

/// A public key of 65 bytes and a secret of 16.
const P256DH: &str =
    "BNNL5ZaTfK81qhXOx23-wewhigUeFb632jN6LvRWCFH1ubQr77FE_9qV1FuojuRmHP42zmf34rXgW80OvUVDgTk";
const AUTH: &str = "zqbxT6JKstKSY9JKibZLSQ";

#[test]
fn a_subscription_is_the_pushkey_with_its_data() {
    let data = json!({"endpoint": "https://push.example.org/x", "auth": AUTH});
    let TargetDraft::WebPush(Ok(found)) = target(P256DH, &data, web_push()).unwrap() else { panic!() };
    assert_eq!(
        (found.endpoint.as_str(), found.p256dh.len(), found.auth.len()),
        ("https://push.example.org/x", 65, 16)
    );
    for (pushkey, data, field) in [
        (P256DH, json!({"auth": AUTH}), "target.web_push.endpoint"),
        (P256DH, json!({"endpoint": "https://a/".repeat(400), "auth": AUTH}), "target.web_push.endpoint"),
        (P256DH, json!({"endpoint": "https://a/", "auth": 5}), "target.web_push.auth"),
        (P256DH, json!({"endpoint": "https://a/", "auth": "c2hvcnQ"}), "target.web_push.auth"),
        ("short", json!({"endpoint": "https://a/", "auth": AUTH}), "target.web_push.p256dh"),
    ] {
        let TargetDraft::WebPush(Err(refusal)) = target(pushkey, &data, web_push()).unwrap() else {
            panic!()
        };
        assert_eq!((refusal.outcome, refusal.field.as_ref()), (Outcome::InvalidPush, field));
    }
}

#[test]
fn a_push_service_that_is_not_allowed_is_sent_nothing_and_its_device_stays() {
    let allowed =
        WebPushDialect { allowed_endpoints: ["push.example.org", "*.example.net"].map(Glob::of).to_vec() };
    let to = |endpoint: &str| target(P256DH, &json!({"endpoint": endpoint, "auth": AUTH}), allowed.clone());
    assert!(to("https://push.example.org/x").is_ok() && to("https://A.example.NET/x").is_ok());
    for other in [
        "https://example.net/x",
        "https://push.example.org:8443/x",
        "https://push.example.org.evil/x",
        "no url",
    ] {
        assert!(matches!(to(other), Err(Fate::GivenUp)), "{other}");
    }
}
