//! Who may send, in the words of each vendor.

use std::time::Duration;

use super::client::Reply;
use super::webpush_sender::{CONTACT, Sender};
use crate::{Subscription, Vendor, WebPushScriptedOutcome};

const DAY: u64 = 24 * 60 * 60;

/// Returns status and reason as a vendor gives them.
fn told(vendor: Vendor, reply: &Reply) -> (u16, String) {
    let reason = match vendor {
        Vendor::Mozilla => reply.json()["errno"].to_string(),
        Vendor::Apple => reply.reason(),
        Vendor::Google => {
            let text = std::str::from_utf8(&reply.body).unwrap();
            text.split([':', '\n']).next().unwrap().to_owned()
        }
        Vendor::Microsoft => {
            let text = reply.headers["x-wns-error-description"].to_str().unwrap();
            text.split(':').next().unwrap().to_owned()
        }
    };
    (reply.status.as_u16(), reason)
}

fn subscriptions(sender: &Sender) -> Vec<(Vendor, Subscription)> {
    Vendor::ALL.map(|vendor| (vendor, sender.subscribe(vendor, WebPushScriptedOutcome::Good))).into()
}

#[tokio::test]
async fn a_request_that_proves_nothing_is_refused_as_the_vendor_does() {
    let mut sender = Sender::start().await;
    let bare = sender.headers_without("authorization");
    for (vendor, subscription) in subscriptions(&sender) {
        let reply = sender.send_with(&subscription, &bare, "hi").await;
        let expected = match vendor {
            Vendor::Mozilla => (401, "109"),
            Vendor::Google => (400, "UnauthorizedRegistration"),
            Vendor::Apple => (403, "BadAuthorizationHeader"),
            Vendor::Microsoft => (401, "VAPID"),
        };
        let (status, reason) = told(vendor, &reply);
        assert_eq!((status, reason.as_str()), expected);
        assert!(sender.got(&subscription).is_empty());
    }
    let anybody =
        sender.simulator.web_push().subscribe(Vendor::Mozilla, "", WebPushScriptedOutcome::Good).unwrap();
    assert_eq!(sender.send_with(&anybody, &bare, "hi").await.status, 201, "made without a key");
}

#[tokio::test]
async fn another_key_than_the_subscriptions_is_refused_as_the_vendor_does() {
    let mut sender = Sender::start().await;
    let subscriptions = subscriptions(&sender);
    sender.key = sender.simulator.web_push().new_key().unwrap();
    for (vendor, subscription) in subscriptions {
        let (status, reason) = told(vendor, &sender.send(&subscription, "hi").await);
        let does_not_match = "the VAPID credentials in the authorization header do not correspond to the credentials used to create the subscriptions.";
        let expected = match vendor {
            Vendor::Mozilla => (401, "109"),
            Vendor::Google | Vendor::Microsoft => (403, does_not_match),
            Vendor::Apple => (400, "VapidPkHashMismatch"),
        };
        assert_eq!((status, reason.as_str()), expected);
    }
}

#[tokio::test]
async fn every_claim_is_judged() {
    let mut sender = Sender::start().await;
    let (origin, now) = (sender.simulator.web_push().origin(), sender.now_s());
    let good = sender.authorization();
    let (token, _) = good.split_once(", k=").unwrap();
    let other = sender.simulator.web_push().new_key().unwrap();
    let sign =
        |audience: &str, expires_s, subject| sender.key.authorization(audience, expires_s, subject).unwrap();
    let bad = [
        ("aud with a path", sign(&format!("{origin}/"), now + 60, Some(CONTACT)), "BadJwtToken"),
        ("aud of another", sign("https://localhost", now + 60, Some(CONTACT)), "BadJwtToken"),
        ("exp past", sign(&origin, now - 1, Some(CONTACT)), "BadJwtToken"),
        ("exp too far", sign(&origin, now + DAY + 60, Some(CONTACT)), "BadJwtToken"),
        ("sub no URL", sign(&origin, now + 60, Some("ops@example.com")), "BadJwtToken"),
        ("sub missing", sign(&origin, now + 60, None), "BadJwtToken"),
        ("signed by another", format!("{token}, k={}", other.public_key), "BadJwtToken"),
        ("k cut", format!("{token}, k={}", &other.public_key[2..]), "BadVapidPublicKey"),
        ("no k", token.to_owned(), "BadAuthorizationHeader"),
        ("draft scheme", good.replace("vapid", "WebPush"), "BadAuthorizationHeader"),
    ];
    let without_subject = sign(&origin, now + 60, None);
    let apple = sender.subscribe(Vendor::Apple, WebPushScriptedOutcome::Good);
    for (case, authorization, reason) in bad {
        let headers = sender.headers_with("authorization", &authorization);
        let reply = sender.send_with(&apple, &headers, "hi").await;
        assert_eq!((reply.status.as_u16(), reply.reason().as_str()), (403, reason), "{case}");
    }
    let headers = sender.headers_with("authorization", &without_subject);
    let google = sender.subscribe(Vendor::Google, WebPushScriptedOutcome::Good);
    assert_eq!(sender.send_with(&google, &headers, "hi").await.status, 201, "the RFC leaves sub open");
}

#[tokio::test]
async fn a_token_is_counted_once_and_expires_by_the_simulators_clock() {
    let mut sender = Sender::start().await;
    let mozilla = sender.subscribe(Vendor::Mozilla, WebPushScriptedOutcome::Good);
    let microsoft = sender.subscribe(Vendor::Microsoft, WebPushScriptedOutcome::Good);
    let headers = sender.headers();
    for subscription in [&mozilla, &microsoft, &mozilla] {
        assert_eq!(sender.send_with(subscription, &headers, "hi").await.status, 201);
    }
    assert_eq!(sender.simulator.counters().vapid_tokens_seen, 1);
    sender.advance(Duration::from_secs(DAY / 2));
    assert_eq!(told(Vendor::Mozilla, &sender.send_with(&mozilla, &headers, "hi").await).0, 401);
    assert_eq!(told(Vendor::Microsoft, &sender.send_with(&microsoft, &headers, "hi").await).0, 401);
    assert_eq!(sender.send(&mozilla, "hi").await.status, 201, "a newer one is good");
    assert_eq!(sender.simulator.counters().vapid_tokens_seen, 2);
}
