//! Endpoints: their path goes out byte for byte, and their origin has one spelling.

use fanfare::proto::{Delivery, Outcome, TokenAction};
use fanfare_simulator::{Subscription, Vendor};

use super::{Browsers, header, push};

/// The longest endpoint, in bytes. Source: push.proto, WebPushSubscription.
const MOST: usize = 2048;

/// Sends to a path that no browser has. Returns whether the gateway took the endpoint.
async fn is_asked_for(browsers: &Browsers, path: &str) -> bool {
    let known = browsers.subscribe(Vendor::Mozilla);
    let endpoint = format!("https://updates.push.services.mozilla.com{path}");
    let result = browsers.world.call(push(&Subscription { endpoint, ..known })).await;
    let asked = browsers.simulator().journal().take();
    let Ok(result) = result else {
        assert!(asked.is_empty(), "{path}: {asked:?}");
        return false;
    };
    if result.outcome() == Outcome::InvalidPush {
        assert_eq!((&*result.field, result.attempts), ("target.web_push.endpoint", 0), "{path}");
        assert!(asked.is_empty(), "{path}: {asked:?}");
        return false;
    }
    assert_eq!((result.outcome(), asked.len()), (Outcome::Unregistered, 1), "{path}: {result:?}");
    assert_eq!(&*asked[0].path, path);
    assert_eq!(header(&asked[0], "host"), None, "the authority has it");
    true
}

#[tokio::test]
async fn a_path_goes_out_byte_for_byte() {
    let browsers = Browsers::start().await;
    for path in [
        "/",
        "/?token=a%2bb%2Fc%3d%3D",
        "/a//b/../c/./d/",
        "/%7Euser/~user/%00/%",
        "/a;b=c,d:e@f/!$&'()*+-._~",
        "/a?b?c=d/e&f=[g]",
        "/a/https://evil.example/",
    ] {
        assert!(is_asked_for(&browsers, path).await, "{path}");
    }
    let room = MOST - "https://updates.push.services.mozilla.com/".len();
    assert!(is_asked_for(&browsers, &format!("/{}", "x".repeat(room))).await);
    // Some bytes that a URL may not hold (RFC 3986, section 2) are refused, and none is changed.
    let mut refused = String::new();
    for byte in (b'!'..=b'~').map(char::from) {
        if !is_asked_for(&browsers, &format!("/p{byte}q?r{byte}s")).await {
            refused.push(byte);
        }
    }
    assert_eq!(refused, "\"#<>\\`");
    for hostile in ["/a b", "/a\r\nx: y", "/a\tb", "/\u{e9}", "/a\\b", "/a#b", ""] {
        assert!(!is_asked_for(&browsers, hostile).await, "{hostile:?}");
    }
}

#[tokio::test]
async fn one_origin_in_several_spellings_is_one_audience_and_one_peer() {
    let browsers = Browsers::start().await;
    let subscription = browsers.subscribe(Vendor::Mozilla);
    let rest = subscription.endpoint.strip_prefix("https://updates").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    for endpoint in [
        subscription.endpoint.clone(),
        format!("https://updates{host}:443/{path}"),
        format!("HTTPS://UPDATES{}/{path}", host.to_uppercase()),
    ] {
        let spelt = Subscription { endpoint, ..subscription.clone() };
        let result = browsers.send(push(&spelt)).await;
        assert_eq!(result.outcome(), Outcome::Accepted, "{result:?}");
    }
    assert_eq!(browsers.got(&subscription).len(), 3);
    let counters = browsers.simulator().counters();
    assert_eq!((counters.vapid_tokens_seen, counters.connections_opened), (1, 1));
}

#[tokio::test]
async fn a_subscription_that_its_browser_gave_up_is_gone_and_nobody_is_asked() {
    let browsers = Browsers::start().await;
    // Source: github.com/Couchers-org/couchers, pull request 8212, on Edge for Android.
    let good = browsers.subscribe(Vendor::Google);
    let endpoint = format!("https://permanently-removed.invalid{}", good.path);
    let result = browsers.send(push(&Subscription { endpoint, ..good })).await;
    assert_eq!((result.outcome(), result.token_action()), (Outcome::Unregistered, TokenAction::Delete));
    assert_eq!((result.delivery(), result.retryable, result.attempts), (Delivery::No, false, 0));
    assert_eq!((browsers.net.resolved(), browsers.net.dialled().len()), (0, 0));
}
