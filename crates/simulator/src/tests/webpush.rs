//! What the push services of browsers answer, and that they read what they are sent.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;

use super::client::{PATIENCE, Reply};
use super::webpush_sender::{Sealing, Sender, seal};
use crate::journal::{Decrypted, RequestOutcome, digest};
use crate::{
    Service, Subscription, Urgency, Vendor, WebPushRefusal, WebPushScriptedOutcome,
    web_push_scripted_subscriptions,
};

const MAX: usize = 3993;

#[tokio::test]
async fn each_vendor_takes_a_message_and_says_so_in_its_way() {
    let mut sender = Sender::start().await;
    for vendor in Vendor::ALL {
        let subscription = sender.subscribe(vendor, WebPushScriptedOutcome::Good);
        let reply = sender.send(&subscription, "hello").await;
        assert_eq!((reply.status.as_u16(), reply.body.len()), (201, 0), "{vendor:?}");
        let has = |name| reply.headers.contains_key(name);
        let location = matches!(vendor, Vendor::Mozilla | Vendor::Google);
        assert_eq!(has("location"), location, "{vendor:?}");
        assert_eq!(has("ttl"), vendor == Vendor::Mozilla);
        assert_eq!(has("apns-id"), vendor == Vendor::Apple);
        assert_eq!(has("x-wns-status"), vendor == Vendor::Microsoft);
        assert_eq!(sender.got(&subscription), ["hello"]);
    }
}

#[tokio::test]
async fn the_journal_has_the_plaintext_and_a_digest_of_what_was_meant() {
    let mut sender = Sender::start().await;
    let subscription = sender.subscribe(Vendor::Google, WebPushScriptedOutcome::Good);
    for ttl in ["60", "59"] {
        sender.send_with(&subscription, &sender.headers_with("ttl", ttl), "hello").await;
    }
    let meant = digest("POST", &subscription.path, &[("content-encoding", b"aes128gcm")], b"hello");
    let entries = sender.simulator.journal().by_device_token(&subscription.path);
    assert_eq!(entries.len(), 2);
    for entry in entries {
        assert_eq!(entry.service, Service::WebPush);
        assert!(entry.may_be_delivered());
        let reading = entry.read.unwrap();
        assert_eq!(reading.decrypted, Some(Decrypted::Plaintext("hello".into())));
        assert_eq!(reading.digest, meant);
    }
    assert_eq!(sender.simulator.journal().duplicates()[&subscription.path], 2);
}

#[tokio::test]
async fn what_does_not_decrypt_is_refused_and_marked() {
    let mut sender = Sender::start().await;
    let stranger = sender.subscribe(Vendor::Apple, WebPushScriptedOutcome::Good);
    let good = |to: &Subscription| seal(to, b"hello", &Sealing::default());
    for vendor in Vendor::ALL {
        let to = sender.subscribe(vendor, WebPushScriptedOutcome::Good);
        let more = Sealing { end: vec![1], ..Sealing::default() };
        let full = Sealing { record_size: 5 + 1 + 16, ..Sealing::default() };
        for (case, body, why) in [
            ("another's keys", good(&stranger), "the record does not authenticate"),
            ("cut", good(&to)[..100].to_vec(), "an empty record"),
            ("more to follow", seal(&to, b"hello", &more), "the delimiter is not that of a last record"),
            ("a full record", seal(&to, b"hello", &full), "more than one record"),
            (
                "no delimiter",
                seal(&to, b"", &Sealing { end: vec![0; 4], ..Sealing::default() }),
                "a record without a delimiter",
            ),
        ] {
            let headers = sender.headers();
            let reply = sender.post(&to.path, &headers, &body).await;
            assert_eq!(reply.status, 400, "{vendor:?} {case}");
            let entry = sender.simulator.journal().entries().pop().unwrap();
            assert_eq!(entry.read.unwrap().decrypted, Some(Decrypted::Undecipherable(why)), "{case}");
        }
        assert!(sender.got(&to).is_empty());
    }
}

#[tokio::test]
async fn padding_is_taken_off_and_the_largest_message_fits() {
    let mut sender = Sender::start().await;
    let to = sender.subscribe(Vendor::Mozilla, WebPushScriptedOutcome::Good);
    let headers = sender.headers();
    let padded = Sealing { end: [vec![2], vec![0; 100]].concat(), ..Sealing::default() };
    assert_eq!(sender.post(&to.path, &headers, &seal(&to, b"padded", &padded)).await.status, 201);
    for (len, status) in [(MAX, 201), (MAX + 1, 413)] {
        let large = Sealing { record_size: 8192, ..Sealing::default() };
        let body = seal(&to, "x".repeat(len).as_bytes(), &large);
        assert_eq!(sender.post(&to.path, &headers, &body).await.status, status);
    }
    let bare = sender.headers_without("content-encoding");
    assert_eq!(sender.post(&to.path, &bare, b"").await.status, 201, "no body");
    assert_eq!(sender.got(&to), ["padded".to_owned(), "x".repeat(MAX), String::new()]);
}

#[tokio::test]
async fn every_header_is_checked() {
    let mut sender = Sender::start().await;
    let to = sender.subscribe(Vendor::Mozilla, WebPushScriptedOutcome::Good);
    let (topic, long) = ("a-Z_9".repeat(6) + "xx", "x".repeat(33));
    for (name, value, errno) in [
        ("ttl", Some("0"), None),
        ("ttl", Some("99999999999999999999999"), None),
        ("ttl", None, Some(111)),
        ("ttl", Some("soon"), Some(111)),
        ("ttl", Some(""), Some(111)),
        ("ttl", Some("-1"), Some(114)),
        ("urgency", Some("very-low"), None),
        ("urgency", Some("urgent"), Some(110)),
        ("topic", Some(topic.as_str()), None),
        ("topic", Some(long.as_str()), Some(113)),
        ("topic", Some("a.b"), Some(113)),
        ("topic", Some(""), Some(113)),
        ("content-encoding", None, Some(110)),
        ("content-encoding", Some("aesgcm"), Some(110)),
    ] {
        let headers = match value {
            Some(value) => sender.headers_with(name, value),
            None => sender.headers_without(name),
        };
        let reply = sender.send_with(&to, &headers, "hi").await;
        let told = (reply.status != 201).then(|| reply.json()["errno"].clone());
        assert_eq!(told, errno.map(Value::from), "{name} {value:?}");
    }
    for (name, value, errno) in [("ttl", "60", 114), ("urgency", "low", 110), ("topic", "a", 113)] {
        let mut headers = sender.headers_with(name, value);
        headers.push((name, value.to_owned()));
        let reply = sender.send_with(&to, &headers, "hi").await;
        assert_eq!(reply.json()["errno"], errno, "{name} twice");
    }
    let delivered = sender.simulator.web_push().delivered(&to);
    let ttl: Vec<_> = delivered.iter().map(|message| message.ttl).collect();
    assert_eq!(ttl, [0, 30 * 24 * 60 * 60, 60, 60], "shortened to what is kept at most");
    assert_eq!((delivered[2].urgency, delivered[3].topic.as_deref()), (Urgency::VeryLow, Some(&*topic)));
}

#[tokio::test]
async fn wns_keeps_what_has_no_time_to_live_unless_it_is_told_not_to() {
    let mut sender = Sender::start().await;
    let to = sender.subscribe(Vendor::Microsoft, WebPushScriptedOutcome::Good);
    let mut headers = sender.headers_with("ttl", "0");
    let reply = sender.send_with(&to, &headers, "now").await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.headers["x-wns-error-description"], "Ttl value conflicts with X-WNS-Cache-Policy.");
    headers.push(("x-wns-cache-policy", "no-cache".to_owned()));
    assert_eq!(sender.send_with(&to, &headers, "now").await.status, 201);
}

#[tokio::test]
async fn messages_wait_for_a_browser_that_is_away_and_a_topic_replaces() {
    let mut sender = Sender::start().await;
    let to = sender.subscribe(Vendor::Mozilla, WebPushScriptedOutcome::Good);
    sender.simulator.web_push().go_away(&to);
    let topic = |topic: &str| sender.headers_with("topic", topic);
    let (score, news, no_ttl) = (topic("score"), topic("news"), sender.headers_with("ttl", "0"));
    let long = [sender.headers_with("ttl", "600"), vec![("topic", "news".to_owned())]].concat();
    let plain = sender.headers();
    for (headers, text) in [
        (&score, "1:0"),
        (&plain, "a"),
        (&news, "old"),
        (&score, "1:1"),
        (&plain, "b"),
        (&no_ttl, "lost"),
        (&long, "new"),
    ] {
        assert_eq!(sender.send_with(&to, headers, text).await.status, 201, "{text}");
    }
    let held = sender.simulator.web_push().held(&to);
    assert_eq!(held.len(), 4);
    assert!(sender.got(&to).is_empty());
    sender.advance(Duration::from_secs(60));
    assert_eq!(sender.simulator.web_push().held(&to).len(), 1, "the others have expired");
    sender.simulator.web_push().come_back(&to);
    assert_eq!(sender.got(&to), ["new"]);
    let (one, two) = (topic_of(&held[1].topic), topic_of(&held[3].topic));
    assert_eq!((one, &*held[1].plaintext, two), ("score", &b"1:1"[..], "news"));
}

fn topic_of(topic: &Option<String>) -> &str {
    topic.as_deref().unwrap_or_default()
}

fn retry_after(reply: &Reply) -> Option<&str> {
    reply.headers.get("retry-after").map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn every_fate_is_met() {
    let mut sender = Sender::start().await;
    for row in web_push_scripted_subscriptions() {
        let to = sender.subscribe(row.vendor, row.outcome);
        let refused = matches!(row.outcome, WebPushScriptedOutcome::Refused(_));
        let status =
            row.description.get(..3).filter(|_| refused).map_or(201, |status| status.parse().unwrap());
        if row.outcome == WebPushScriptedOutcome::Silent {
            continue;
        }
        let reply = sender.send(&to, "hi").await;
        assert_eq!(reply.status, status, "{}", row.name());
        let delivered = sender.simulator.journal().by_device_token(&to.path)[0].may_be_delivered();
        let taken = !refused && !matches!(row.outcome, WebPushScriptedOutcome::Discarded(_));
        assert_eq!((delivered, sender.got(&to).len() == 1), (taken, taken), "{}", row.name());
        match (row.vendor, row.word) {
            (Vendor::Google, "throttled") => {
                let at = httpdate::parse_http_date(retry_after(&reply).unwrap()).unwrap();
                assert!(at.duration_since(UNIX_EPOCH).unwrap().as_secs() >= sender.now_s());
            }
            (Vendor::Apple, "throttled") => assert_eq!(retry_after(&reply), None),
            (_, "throttled") => assert_eq!(retry_after(&reply), Some("7")),
            (Vendor::Mozilla, "overloaded") => assert_eq!(retry_after(&reply), Some("120")),
            (Vendor::Google, "overloaded") => assert_eq!(retry_after(&reply), Some("5")),
            (Vendor::Mozilla, "again") => assert_eq!(reply.json()["errno"], 202),
            (Vendor::Mozilla, "gone") => assert_eq!(reply.headers["cache-control"], "max-age=86400"),
            (Vendor::Microsoft, "limited") => assert_eq!(reply.headers["x-wns-status"], "channelthrottled"),
            (Vendor::Microsoft, "dropped" | "blocked" | "gone") => {
                assert_eq!(reply.headers["x-wns-status"], "dropped");
            }
            (Vendor::Apple, "gone") => assert_eq!(reply.reason(), "Unregistered"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_fate_can_change_and_a_silent_service_has_the_message() {
    let mut sender = Sender::start().await;
    let to = sender.subscribe(Vendor::Apple, WebPushScriptedOutcome::Refused(WebPushRefusal::Internal));
    assert_eq!(sender.send(&to, "one").await.status, 500);
    sender.simulator.web_push().script_outcome(&to, WebPushScriptedOutcome::Silent);
    let request = http::Request::post(format!("https://localhost{}", to.path))
        .header("authorization", sender.authorization())
        .header("ttl", "60")
        .header("content-encoding", "aes128gcm");
    let body = seal(&to, b"two", &Sealing::default());
    let _unanswered = sender.client.start_request(request.body(()).unwrap(), body).await;
    let delivered = |simulator: &crate::Simulator| !simulator.web_push().delivered(&to).is_empty();
    sender.simulator.wait_until(PATIENCE, delivered).await.unwrap();
    assert_eq!(sender.simulator.journal().entries()[1].outcome, RequestOutcome::Unanswered);
}

#[tokio::test]
async fn a_path_that_nobody_subscribed_is_answered_in_the_form_of_its_vendor() {
    let mut sender = Sender::start().await;
    let headers = sender.headers();
    let reply = sender.post("/wpush/v2/gAAAAAnobody", &headers, b"").await;
    assert_eq!((reply.status.as_u16(), reply.json()["errno"].clone()), (404, 102.into()));
    let reply = sender.post("/Qnobody", &headers, b"").await;
    assert_eq!((reply.status.as_u16(), reply.reason().as_str()), (404, "BadPath"));
    assert_eq!(
        sender.post("/fcm/send/nobody", &headers, b"").await.headers["content-type"],
        "text/plain; charset=utf-8"
    );
    let reply = sender.post("/w/?token=BQYAAAC%2b", &headers, b"").await;
    assert_eq!((reply.status.as_u16(), reply.headers["x-wns-status"].as_bytes()), (404, &b"dropped"[..]));
    // Decoding a token makes another token of it; writing its escapes in capitals does not.
    let to = sender.subscribe(Vendor::Microsoft, WebPushScriptedOutcome::Good);
    let decoded = to.path.replace("%2b", "+");
    let capitals = to.path.replace("%2b", "%2B");
    assert_eq!(sender.post(&capitals, &sender.headers_without("content-encoding"), b"").await.status, 201);
    assert_eq!(sender.post(&decoded, &headers, b"").await.status, 404);
}
