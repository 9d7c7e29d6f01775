//! What a browser gets: the documented JSON, raw bytes unchanged, or no payload; each is encrypted for that browser alone.

use std::collections::HashSet;

use fanfare::proto::{self, Delivery, Outcome, Reason, SendBatchRequest, TokenAction};
use fanfare_simulator::journal::Decrypted;
use fanfare_simulator::{Subscription, Vendor, WebPushSettings};
use serde_json::{Value, json};

use super::{Browsers, app, body, header, host, push, raw, simulator, target, with_content, with_options};
use fanfare::provider::webpush::WebPushSettings as App;

use crate::dry_runs::{assert_refused_alike, dry, expired};
use crate::harness::APP;
use crate::net::Net;

/// How many of 4,096 bytes are left for the payload. Source: RFC 8291, section 4, and RFC 8188, section 2.1.
const MOST: usize = 3993;
/// The head of the content coding, the delimiter and the tag. Source: RFC 8188, section 2.1.
const OVERHEAD: usize = 86 + 1 + 16;

#[tokio::test]
async fn a_service_worker_reads_the_documented_json() {
    let browsers = Browsers::start().await;
    let full = proto::Content {
        notification: Some(proto::Notification {
            title: "Grüße".to_owned(),
            subtitle: "left out".to_owned(),
            body: "\"Hello\", said the \u{1F427}".to_owned(),
            image: "https://example.com/a.png".to_owned(),
            sound: "left out".to_owned(),
            badge: Some(0),
            category: "reply".to_owned(),
            thread: "chat-7".to_owned(),
            ..proto::Notification::default()
        }),
        data: [("order".to_owned(), "17".to_owned()), ("".to_owned(), "\u{0}".to_owned())].into(),
        web_push: Some(proto::WebPushOptions {
            link: "https://example.com/orders/17".to_owned(),
            ..proto::WebPushOptions::default()
        }),
        ..proto::Content::default()
    };
    let mut with_topic = full.clone();
    with_topic.web_push.as_mut().unwrap().topic = "orders".to_owned();
    let data = proto::Content { data: full.data.clone(), ..proto::Content::default() };
    let documented = json!({
        "title": "Grüße", "body": "\"Hello\", said the \u{1F427}", "image": "https://example.com/a.png",
        "tag": "chat-7", "app_badge": 0, "action": "reply", "link": "https://example.com/orders/17",
        "data": { "order": "17", "": "\u{0}" },
    });
    let mut tagged = documented.clone();
    tagged["tag"] = "orders".into();
    for (content, expected) in [
        (full, documented.clone()),
        (with_topic, tagged),
        (data, json!({ "data": documented["data"] })),
        (
            push(&browsers.subscribe(Vendor::Mozilla)).content.unwrap(),
            json!({"title": "Hello", "body": "World"}),
        ),
    ] {
        for vendor in Vendor::ALL {
            let subscription = browsers.subscribe(vendor);
            let result = browsers.send(with_content(&subscription, content.clone())).await;
            assert_eq!(result.outcome(), Outcome::Accepted, "{result:?}");
            let got = browsers.got(&subscription);
            assert_eq!(got.len(), 1);
            assert_eq!(serde_json::from_slice::<Value>(&got[0]).unwrap(), expected, "{vendor:?}");
            let asked = browsers.asked(&subscription).remove(0);
            assert_eq!(header(&asked, "content-type").unwrap(), "application/octet-stream");
            assert_eq!(header(&asked, "content-encoding").unwrap(), "aes128gcm");
            assert_eq!(body(&asked).len(), got[0].len() + OVERHEAD);
            assert_eq!(header(&asked, "content-length").unwrap(), body(&asked).len().to_string());
        }
    }
}

#[tokio::test]
async fn raw_bytes_arrive_as_they_are_up_to_the_limit() {
    let browsers = Browsers::start().await;
    let all: Vec<u8> = (0..=255).collect();
    let most: Vec<u8> = all.iter().copied().cycle().take(MOST).collect();
    // Zeros at the end are not taken for padding.
    for payload in [all, most, vec![0], vec![2, 0, 0], b"{}".to_vec()] {
        let subscription = browsers.subscribe(Vendor::Google);
        let result = browsers.send(with_content(&subscription, raw(payload.clone()))).await;
        assert_eq!(result.outcome(), Outcome::Accepted, "{result:?}");
        assert_eq!(browsers.got(&subscription), [payload]);
    }
    let subscription = browsers.subscribe(Vendor::Google);
    let long = proto::Content { data: [("k".to_owned(), "x".repeat(MOST))].into(), ..Default::default() };
    for content in [raw(vec![1; MOST + 1]), long] {
        let large = browsers.send(with_content(&subscription, content)).await;
        assert_eq!((large.outcome(), large.reason()), (Outcome::PayloadTooLarge, Reason::PayloadOverLimit));
        assert_eq!((large.delivery(), large.attempts, &*large.field), (Delivery::No, 0, "content"));
        assert_eq!((large.token_action(), large.retryable), (TokenAction::Keep, false));
    }
    assert!(browsers.asked(&subscription).is_empty());
}

#[tokio::test]
async fn an_empty_payload_has_no_body_and_asks_for_no_keys() {
    let browsers = Browsers::start().await;
    for vendor in Vendor::ALL {
        let subscription = browsers.subscribe(vendor);
        let without_keys =
            Subscription { p256dh: String::new(), auth: String::new(), ..subscription.clone() };
        for to in [&subscription, &without_keys] {
            let result = browsers.send(with_content(to, raw(""))).await;
            assert_eq!(result.outcome(), Outcome::Accepted, "{result:?}");
        }
        assert_eq!(browsers.got(&subscription), ["", ""]);
        for asked in browsers.asked(&subscription) {
            assert_eq!(asked.read.as_ref().unwrap().body_len, 0);
            assert_eq!(header(&asked, "content-encoding"), None);
            assert_eq!(header(&asked, "content-type"), None);
            assert_eq!(header(&asked, "ttl").unwrap(), "2419200");
        }
    }
}

#[tokio::test]
async fn over_http1_browsers_get_the_same_on_one_kept_connection() {
    let simulator = simulator(WebPushSettings { http2: false, ..WebPushSettings::default() }).await;
    let key = simulator.web_push().new_key().unwrap();
    let (apps, net) = (vec![app(APP, &key, |_| {})], Net::new(simulator.web_push().address()));
    let browsers = Browsers::serve(simulator, net, key, apps, |_| {}).await;
    let subscription = browsers.subscribe(Vendor::Microsoft);
    for payload in [vec![], vec![1; MOST], vec![0], vec![]] {
        let result = browsers.send(with_content(&subscription, raw(payload))).await;
        assert_eq!((result.outcome(), result.attempts), (Outcome::Accepted, 1), "{result:?}");
    }
    assert_eq!(browsers.got(&subscription), [vec![], vec![1; MOST], vec![0], vec![]]);
    let asked = browsers.asked(&subscription);
    assert_eq!(header(&asked[0], "host").as_deref(), Some(host(Vendor::Microsoft)));
    assert_eq!(header(&asked[0], "content-length").as_deref(), Some("0"));
    let counters = browsers.simulator().counters();
    assert_eq!((counters.connections_opened, counters.vapid_tokens_seen), (1, 1));
}

#[tokio::test]
async fn padding_hides_the_length_and_leaves_the_payload() {
    for (pad_to, lengths) in [(1024, [1, 500, 1024]), (4096, [1, 2000, MOST])] {
        let browsers = Browsers::with(|app| app.pad_to = pad_to, |_| {}).await;
        let subscription = browsers.subscribe(Vendor::Mozilla);
        for length in lengths {
            let result = browsers.send(with_content(&subscription, raw(vec![7; length]))).await;
            assert_eq!(result.outcome(), Outcome::Accepted, "{result:?}");
        }
        // If the limit does not allow the next multiple, the payload is padded up to the limit.
        let padded = pad_to.min(MOST) + OVERHEAD;
        assert!(browsers.asked(&subscription).iter().all(|asked| body(asked).len() == padded));
        let got: Vec<_> = browsers.got(&subscription).iter().map(bytes::Bytes::len).collect();
        assert_eq!(got, lengths);
    }
}

/// The salt, and the sender's public key. Source: RFC 8188, section 2.1, and RFC 8291, section 4.
fn salt_and_key(body: &[u8]) -> (Vec<u8>, Vec<u8>) {
    (body[..16].to_vec(), body[21..86].to_vec())
}

#[tokio::test]
async fn a_multicast_gives_each_of_fifty_browsers_a_ciphertext_of_its_own() {
    let browsers = Browsers::start().await;
    let subscriptions: Vec<_> =
        Vendor::ALL.into_iter().cycle().take(50).map(|vendor| browsers.subscribe(vendor)).collect();
    let addressees = subscriptions
        .iter()
        .map(|subscription| proto::Addressee { target: Some(target(subscription)), ..Default::default() });
    let multicast = proto::Multicast {
        app: APP.to_owned(),
        content: push(&subscriptions[0]).content,
        addressees: addressees.collect(),
        ..proto::Multicast::default()
    };
    let request = SendBatchRequest { multicasts: vec![multicast], ..SendBatchRequest::default() };
    let call = browsers.world.client.clone().send_batch(tokio_stream::once(request)).await;
    let (mut answers, mut results) = (call.unwrap().into_inner(), Vec::new());
    while let Some(answer) = answers.message().await.unwrap() {
        results.extend(answer.results);
    }
    assert_eq!(results.len(), 50);
    assert!(results.iter().all(|it| it.outcome() == Outcome::Accepted && it.attempts == 1), "{results:?}");
    let (mut salts, mut keys, mut bodies) = (HashSet::new(), HashSet::new(), HashSet::new());
    for subscription in &subscriptions {
        let [asked] = &browsers.asked(subscription)[..] else { panic!("{}", subscription.endpoint) };
        let (salt, key) = salt_and_key(&body(asked));
        assert!(salts.insert(salt) && keys.insert(key) && bodies.insert(body(asked)));
        let got = browsers.got(subscription);
        // All browsers get the same bytes, because the content is encoded once.
        assert_eq!((got.len(), &got[0]), (1, &browsers.got(&subscriptions[0])[0]));
        let opened = asked.read.as_ref().unwrap().decrypted.clone();
        assert_eq!(opened, Some(Decrypted::Plaintext(got[0].clone())));
    }
    assert_eq!(browsers.simulator().counters().vapid_tokens_seen, 4);
}

#[tokio::test]
async fn a_dry_run_checks_what_it_can_and_asks_nobody() {
    let browsers = Browsers::start().await;
    let subscription = browsers.subscribe(Vendor::Apple);
    let dry = || with_options(&subscription, proto::Options { dry_run: true, ..Default::default() });
    let good = browsers.send(dry()).await;
    assert_eq!((good.outcome(), good.delivery()), (Outcome::Validated, Delivery::No), "{good:?}");
    assert_eq!((good.attempts, good.token_action()), (0, TokenAction::Keep));
    let large = browsers.send(proto::Push { content: Some(raw(vec![1; MOST + 1])), ..dry() }).await;
    assert_eq!(large.outcome(), Outcome::PayloadTooLarge);
    let keyless = Subscription { p256dh: String::new(), ..subscription.clone() };
    let keyless = browsers.send(proto::Push { target: Some(target(&keyless)), ..dry() }).await;
    assert_eq!((keyless.outcome(), &*keyless.field), (Outcome::InvalidPush, "target.web_push.p256dh"));
    assert_eq!((browsers.net.resolved(), browsers.net.dialled().len()), (0, 0));
    assert_eq!(browsers.simulator().counters().requests_arrived, 0);
}

#[tokio::test]
async fn keys_that_are_missing_or_none_are_named_by_their_fields() {
    let browsers = Browsers::start().await;
    let good = browsers.subscribe(Vendor::Mozilla);
    let zeros = "A".repeat(87);
    // This is another notation of a point: it is compressed, and filled up to the same length. Source: SEC 1, section 2.3.3.
    let compressed = format!("Aw{}", &good.p256dh[2..]);
    for (p256dh, auth, field, reason) in [
        ("", good.auth.as_str(), "p256dh", Reason::FieldRequired),
        (good.p256dh.as_str(), "", "auth", Reason::FieldRequired),
        (zeros.as_str(), good.auth.as_str(), "p256dh", Reason::FieldInvalid),
        (compressed.as_str(), good.auth.as_str(), "p256dh", Reason::FieldInvalid),
        ("AAAA", good.auth.as_str(), "p256dh", Reason::FieldInvalid),
        (good.p256dh.as_str(), good.p256dh.as_str(), "auth", Reason::FieldInvalid),
    ] {
        let bad = Subscription { p256dh: p256dh.to_owned(), auth: auth.to_owned(), ..good.clone() };
        let result = browsers.send(push(&bad)).await;
        // A push without a payload arrives even at a subscription that has no keys.
        let (outcome, action) = if reason == Reason::FieldRequired {
            (Outcome::InvalidPush, TokenAction::Keep)
        } else {
            (Outcome::InvalidToken, TokenAction::Delete)
        };
        assert_eq!((result.outcome(), result.reason()), (outcome, reason), "{result:?}");
        assert_eq!(result.field, format!("target.web_push.{field}"));
        assert_eq!((result.delivery(), result.attempts), (Delivery::No, 0));
        assert_eq!(result.token_action(), action);
    }
    assert_eq!(browsers.net.dialled(), [""; 0]);
}

#[tokio::test]
async fn a_dry_run_is_refused_as_the_push_would_be_and_takes_no_place() {
    let listed = |app: &mut App| app.hosts = vec!["127.0.0.1".to_owned(), "[::1]".to_owned()];
    let browsers = Browsers::with(listed, |_| {}).await;
    let subscription = browsers.subscribe(Vendor::Mozilla);
    let at = |endpoint: &str| push(&Subscription { endpoint: endpoint.to_owned(), ..subscription.clone() });
    let bad = vec![
        at("http://updates.push.services.mozilla.com/wpush/v2/x"),
        at("https://elsewhere.example/x"),
        at("https://updates.push.services.mozilla.com:444/x"),
        // These hosts are listed, and no connection may go to their addresses.
        at("https://127.0.0.1/x"),
        at("https://[::1]/x"),
        at("https://permanently-removed.invalid/x"),
        push(&Subscription { p256dh: String::new(), ..subscription.clone() }),
        proto::Push { content: Some(raw(vec![1; MOST + 1])), ..push(&subscription) },
    ];
    assert_refused_alike(&browsers.world, bad).await;
    assert_eq!(browsers.send(dry(push(&subscription))).await.outcome(), Outcome::Validated);
    assert_eq!((browsers.net.resolved(), browsers.net.dialled().len()), (0, 0));
    // A push that may expire while it waits is looked at when it has its stream.
    assert_refused_alike(&browsers.world, vec![expired(push(&subscription))]).await;
    assert_eq!(browsers.simulator().counters().requests_arrived, 0);
}
