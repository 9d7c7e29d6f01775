//! Pushes to both platforms, and the answers that their verdicts become.

use fanfare_simulator::ApnsScriptedOutcome;

use super::*;
use crate::harness::{good, metric};

#[tokio::test]
async fn a_message_reaches_apns_as_the_real_proxy_sends_it() {
    let world = World::start().await;
    let answer = world.send(&message("apple_rn-v2", &good(1))).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, &*response("OK")));
    assert!(answer.head.contains("content-type: text/plain; charset=utf-8"), "{answer:?}");
    let entry = world.arrived(&good(1));
    let header = |name| entry.header(name).map(|value| String::from_utf8(value.to_vec()).unwrap());
    assert_eq!(header("apns-topic").as_deref(), Some(TOPIC));
    assert_eq!(header("apns-push-type").as_deref(), Some("alert"));
    assert_eq!(header("apns-priority").as_deref(), Some("10"));
    assert_eq!((header("apns-expiration"), header("apns-collapse-id")), (None, None));
    let expected = json!({
        "aps": {
            "alert": { "title": "Town", "body": "hi 😄 <b>" }, "badge": 3, "category": "CAN_REPLY", "sound": "default",
            "content-available": 1, "mutable-content": 1, "thread-id": "r",
        },
        "ack_id": "a".repeat(26), "channel_id": "c", "channel_name": "Town", "is_crt_enabled": true, "post_id": "p",
        "root_id": "r", "sender_id": "u", "sender_name": "n", "server_id": "srv", "signature": "sig", "sub_type": "",
        "team_id": "t", "type": "message", "version": "v2",
    });
    assert_eq!(body(&entry), expected);
    assert_eq!(
        metric(&world.gateway, "fanfare_mattermost_pushes_total{kind=\"message\",status=\"ok\"}"),
        1.0
    );
}

#[tokio::test]
async fn a_call_rings_by_its_own_topic() {
    let world = World::start().await;
    let mut call = message("apple_rn", &good(1));
    (call["transport"], call["sub_type"]) = ("voip".into(), "calls".into());
    assert_eq!(world.send(&call).await.body, response("OK"));
    let entry = world.arrived(&good(1));
    assert_eq!(entry.header("apns-topic"), Some(format!("{TOPIC}.voip").as_bytes()));
    assert_eq!(entry.header("apns-push-type"), Some(&b"voip"[..]));
    assert_eq!(body(&entry)["thread_id"], "r");
}

#[tokio::test]
async fn a_message_reaches_fcm_as_the_real_proxy_sends_it() {
    let world = World::start().await;
    let answer = world.send(&message("android_rn-v2", "ok:1")).await;
    assert_eq!(answer.body, response("OK"));
    let expected = json!({ "message": {
        "token": "ok:1", "android": { "priority": "high" },
        "data": {
            "ack_id": "a".repeat(26), "badge": "3", "category": "CAN_REPLY", "channel_id": "c", "channel_name": "Town",
            "from_webhook": "", "is_crt_enabled": "true", "message": "hi 😄 <b>", "override_icon_url": "",
            "override_username": "", "post_id": "p", "root_id": "r", "sender_id": "u", "sender_name": "n",
            "server_id": "srv", "signature": "sig", "sub_type": "", "team_id": "t", "type": "message", "version": "v2",
        },
    }});
    assert_eq!(body(&world.arrived("ok:1")), expected);
}

/// A message of markup is longer in the real proxy's JSON than both push services take, so nothing arrives there.
#[tokio::test]
async fn a_long_message_of_markup_arrives() {
    let world = World::start().await;
    for (platform, device) in [("apple_rn", &*good(1)), ("android_rn", "ok:1")] {
        let mut long = message(platform, device);
        long["message"] = "\"<&>\n".repeat(600).into();
        assert_eq!(world.send(&long).await.body, response("OK"), "{platform}");
        world.arrived(device);
    }
}

#[tokio::test]
async fn only_a_device_that_was_registered_and_is_gone_is_removed() {
    let world = World::start().await;
    for (platform, device) in
        [("apple_rn", format!("dead{:060x}", 1)), ("android_rn", "unregistered:1".to_owned())]
    {
        let answer = world.send(&message(platform, &device)).await;
        assert_eq!((answer.status, answer.body), (200, response("REMOVE")), "{platform}");
    }
    // What was never valid here may be the configuration's fault. The words are those that the push service gave.
    for (platform, device, words) in [
        ("apple_rn", format!("0bad{:060x}", 1), "BadDeviceToken"),
        ("apple_rn", format!("d1ff{:060x}", 1), "DeviceTokenNotForTopic"),
        ("android_rn", "mismatch:1".to_owned(), "SenderId mismatch"),
        (
            "android_rn",
            "invalid:1".to_owned(),
            "The registration token is not a valid FCM registration token",
        ),
        ("android_rn", "apns-auth:1".to_owned(), "Auth error from APNS or Web Push Service"),
        ("apple_rn", "not hexadecimal".to_owned(), "device token"),
    ] {
        let error = failure(&world.send(&message(platform, &device)).await);
        assert!(error.contains(words), "{device}: {error}");
        assert!(!error.contains(&device), "{error}");
    }
    assert_eq!(
        metric(&world.gateway, "fanfare_mattermost_pushes_total{kind=\"message\",status=\"remove\"}"),
        2.0
    );
    assert_eq!(
        metric(&world.gateway, "fanfare_mattermost_pushes_total{kind=\"message\",status=\"fail\"}"),
        6.0
    );
}

#[tokio::test]
async fn what_the_push_service_refuses_or_lacks_is_said_in_its_words() {
    let world = World::with(|_| served(), |config| config.dispatch.max_attempts = 1).await;
    for (reason, status) in [("PayloadTooLarge", 413), ("TooManyRequests", 429), ("ServiceUnavailable", 503)]
    {
        world.simulator.script_outcome(&good(1), ApnsScriptedOutcome::refusal(status, reason));
        let error = failure(&world.send(&message("apple_rn", &good(1))).await);
        assert!(error.starts_with(&format!("{reason}: ")), "{error}");
    }
}

#[tokio::test]
async fn acknowledgements_are_taken_and_counted() {
    let world = World::start().await;
    for platform in ["ios", "android", "android", "toaster"] {
        let ack =
            json!({ "id": "x", "platform": platform, "type": "message", "post_id": null, "novelty": 1 });
        let answer = post(world.address(), "/api/v1/ack", "", &ack.to_string()).await;
        assert_eq!((answer.status, answer.body), (200, response("OK")));
    }
    let acks = |platform| {
        metric(&world.gateway, &format!("fanfare_mattermost_acks_total{{platform=\"{platform}\"}}"))
    };
    assert_eq!(["ios", "android", "other"].map(acks), [1.0, 2.0, 1.0]);
    let get =
        ask(world.address(), "GET /api/v1/ack HTTP/1.1\r\nhost: proxy\r\nconnection: close\r\n\r\n").await;
    assert_eq!((get.status, get.body.as_str()), (405, ""));
    let get =
        ask(world.address(), "GET /api/v1/send_push HTTP/1.1\r\nhost: proxy\r\nconnection: close\r\n\r\n")
            .await;
    assert_eq!((get.status, get.body.as_str()), (404, "404 page not found\n"));
    let page = ask(world.address(), "GET / HTTP/1.1\r\nhost: proxy\r\nconnection: close\r\n\r\n").await;
    assert_eq!((page.status, page.body.as_str()), (200, "<html><body>Mattermost Push Proxy</body></html>"));
}

#[tokio::test]
async fn a_body_that_is_too_large_is_answered_in_words() {
    let world = World::start().await;
    let mut large = message("apple_rn", &good(1));
    large["message"] = "m".repeat(1 << 20).into();
    let error = failure(&world.send(&large).await);
    assert!(error.contains("at most 1048576 bytes"), "{error}");
}
