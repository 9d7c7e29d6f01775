//! The headers that a push arrives with: time to live, urgency and topic.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fanfare::proto::{self, Outcome, Priority, Reason, WebPushUrgency};
use fanfare_simulator::journal::Entry;
use fanfare_simulator::{Fault, FaultRule, ScriptedAnswer, Subscription, Trigger, Urgency, Vendor};
use sha2::{Digest, Sha256};

use super::{Browsers, body, header, push, raw, seconds, with_options};
use crate::harness::SOON;

const DAY: i64 = 24 * 60 * 60;

/// The header of the newest request for a browser.
fn newest(browsers: &Browsers, subscription: &Subscription, name: &str) -> Option<String> {
    header(browsers.asked(subscription).last().unwrap(), name)
}

fn ttl(entry: &Entry) -> u64 {
    header(entry, "ttl").unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_time_to_live_is_said_always_and_as_long_as_the_vendor_keeps_it() {
    let browsers = Browsers::start().await;
    // Sources: mozilla-services/autopush-rs; Apple, "Sending web push notifications in web apps and browsers"; FCM,
    // "REST Resource: projects.messages"; Microsoft, "WNS overview".
    for (vendor, days) in
        [(Vendor::Mozilla, 30), (Vendor::Google, 28), (Vendor::Apple, 30), (Vendor::Microsoft, 30)]
    {
        let subscription = browsers.subscribe(vendor);
        for (asked, said) in [(None, 28 * DAY), (Some(0), 0), (Some(365 * DAY), days * DAY)] {
            let ttl = asked.and_then(seconds);
            let options = proto::Options { ttl, ..proto::Options::default() };
            let result = browsers.send(with_options(&subscription, options)).await;
            assert_eq!(result.outcome(), Outcome::Accepted, "{result:?}");
            assert_eq!(newest(&browsers, &subscription, "ttl"), Some(said.to_string()), "{vendor:?}");
            let policy = if said == 0 { "no-cache" } else { "cache" };
            let policy = (vendor == Vendor::Microsoft).then(|| policy.to_owned());
            assert_eq!(newest(&browsers, &subscription, "x-wns-cache-policy"), policy, "{vendor:?}");
        }
    }
}

/// Sends a push that waits for its connection for at least two seconds after it was accepted.
async fn waiting_for_a_connection(browsers: &Browsers, push: proto::Push) -> proto::PushResult {
    browsers.net.stall();
    let wait = async {
        browsers.net.until_dialled(1).await;
        let clock = browsers.simulator().clock();
        let end_ms = clock.now_ms() + 2000;
        let passed = async {
            while clock.now_ms() < end_ms {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(SOON, passed).await.expect("the clock goes on");
        browsers.net.go_on();
    };
    tokio::join!(browsers.send(push), wait).0
}

#[tokio::test]
async fn a_time_to_live_counts_while_a_push_waits() {
    let browsers = Browsers::start().await;
    let subscription = browsers.subscribe(Vendor::Microsoft);
    let an_hour = || proto::Options { ttl: seconds(3600), ..proto::Options::default() };

    let result = waiting_for_a_connection(&browsers, with_options(&subscription, an_hour())).await;
    assert_eq!((result.outcome(), result.attempts), (Outcome::Accepted, 1), "{result:?}");
    let first = browsers.asked(&subscription).remove(0);
    assert!(ttl(&first) <= 3598, "{first:?}");

    // The time between two attempts counts too, though both send the same ciphertext.
    let answer = ScriptedAnswer {
        status: 503,
        headers: vec![("retry-after".into(), "2".into())],
        ..ScriptedAnswer::default()
    };
    let when = Trigger::DeviceToken(subscription.path.clone());
    browsers.simulator().add_fault(FaultRule::once(when, Fault::Answer(answer)));
    let result = browsers.send(with_options(&subscription, an_hour())).await;
    assert_eq!((result.outcome(), result.attempts), (Outcome::Accepted, 2), "{result:?}");
    let [_, refused, taken] = &browsers.asked(&subscription)[..] else { panic!("{result:?}") };
    assert!(ttl(taken) + 2 <= ttl(refused) && ttl(refused) <= 3600, "{refused:?} {taken:?}");
    assert_eq!(body(taken), body(refused));
}

#[tokio::test]
async fn a_push_that_expires_while_it_waits_is_not_sent() {
    let browsers = Browsers::start().await;
    let subscription = browsers.subscribe(Vendor::Google);
    let brief = || proto::Options { ttl: seconds(1), ..proto::Options::default() };
    let result = waiting_for_a_connection(&browsers, with_options(&subscription, brief())).await;
    assert_eq!((result.outcome(), result.reason()), (Outcome::NotAttempted, Reason::Expired), "{result:?}");
    assert_eq!((result.attempts, result.retryable), (0, false));
    assert!(browsers.asked(&subscription).is_empty());

    // A push that was sent once is told as it was answered.
    let answer = ScriptedAnswer {
        status: 429,
        headers: vec![("retry-after".into(), "2".into())],
        ..ScriptedAnswer::default()
    };
    let when = Trigger::DeviceToken(subscription.path.clone());
    browsers.simulator().add_fault(FaultRule::always(when, Fault::Answer(answer)));
    let result = browsers.send(with_options(&subscription, brief())).await;
    assert_eq!((result.outcome(), result.attempts), (Outcome::RateLimited, 1), "{result:?}");
    assert_eq!(browsers.asked(&subscription).len(), 1);
}

#[tokio::test]
async fn urgency_is_what_options_say_and_else_follows_from_the_content() {
    let browsers = Browsers::start().await;
    let alert = || push(&browsers.subscribe(Vendor::Mozilla)).content.unwrap();
    let data = || proto::Content { data: [("k".to_owned(), "v".to_owned())].into(), ..Default::default() };
    let urgent = |urgency: WebPushUrgency| {
        let options = proto::WebPushOptions { urgency: urgency.into(), ..proto::WebPushOptions::default() };
        proto::Content { web_push: Some(options), ..alert() }
    };
    let unsaid = Priority::Unspecified;
    for (content, priority, name, urgency) in [
        (alert(), unsaid, "high", Urgency::High),
        (data(), unsaid, "normal", Urgency::Normal),
        (raw("x"), unsaid, "normal", Urgency::Normal),
        (data(), Priority::High, "high", Urgency::High),
        (alert(), Priority::Normal, "normal", Urgency::Normal),
        (alert(), Priority::Low, "low", Urgency::Low),
        (urgent(WebPushUrgency::VeryLow), Priority::High, "very-low", Urgency::VeryLow),
        (urgent(WebPushUrgency::Low), unsaid, "low", Urgency::Low),
        (urgent(WebPushUrgency::Normal), unsaid, "normal", Urgency::Normal),
        (urgent(WebPushUrgency::High), Priority::Low, "high", Urgency::High),
    ] {
        for vendor in Vendor::ALL {
            let subscription = browsers.subscribe(vendor);
            let options = proto::Options { priority: priority.into(), ..proto::Options::default() };
            let push = with_options(&subscription, options);
            let result = browsers.send(proto::Push { content: Some(content.clone()), ..push }).await;
            assert_eq!(result.outcome(), Outcome::Accepted, "{result:?}");
            assert_eq!(newest(&browsers, &subscription, "urgency").unwrap(), name);
            assert_eq!(browsers.simulator().web_push().delivered(&subscription)[0].urgency, urgency);
        }
    }
}

#[tokio::test]
async fn a_topic_is_the_options_own_or_the_collapse_key_in_a_form_that_fits() {
    let browsers = Browsers::start().await;
    let hash = |key: &str| URL_SAFE_NO_PAD.encode(Sha256::digest(key))[..32].to_owned();
    let (fits, long) = ("A-z_0123456789012345678901234567", "x".repeat(33));
    for (topic, key, expected) in [
        ("", "", None),
        ("news", "", Some("news".to_owned())),
        ("news", "other", Some("news".to_owned())),
        (fits, "", Some(fits.to_owned())),
        ("", fits, Some(fits.to_owned())),
        ("", "with space", Some(hash("with space"))),
        ("", &long, Some(hash(&long))),
    ] {
        for vendor in Vendor::ALL {
            let subscription = browsers.subscribe(vendor);
            let options = proto::Options { collapse_key: key.to_owned(), ..proto::Options::default() };
            let mut push = with_options(&subscription, options);
            let own = proto::WebPushOptions { topic: topic.to_owned(), ..proto::WebPushOptions::default() };
            push.content.as_mut().unwrap().web_push = Some(own);
            let result = browsers.send(push).await;
            assert_eq!(result.outcome(), Outcome::Accepted, "{result:?}");
            assert_eq!(newest(&browsers, &subscription, "topic"), expected, "{topic:?} {key:?}");
        }
    }
    for (topic, reason) in [(long.as_str(), Reason::FieldTooLarge), ("a b", Reason::FieldInvalid)] {
        let mut push = push(&browsers.subscribe(Vendor::Mozilla));
        let own = proto::WebPushOptions { topic: topic.to_owned(), ..proto::WebPushOptions::default() };
        push.content.as_mut().unwrap().web_push = Some(own);
        let refused = browsers.send(push).await;
        assert_eq!((refused.outcome(), refused.reason()), (Outcome::InvalidPush, reason), "{refused:?}");
        assert_eq!((&*refused.field, refused.attempts), ("content.web_push.topic", 0));
    }
}

#[tokio::test]
async fn of_those_that_wait_for_a_browser_the_newest_of_a_topic_is_left() {
    let browsers = Browsers::start().await;
    let subscription = browsers.subscribe(Vendor::Apple);
    browsers.simulator().web_push().go_away(&subscription);
    for number in 0..5 {
        let options = proto::Options { collapse_key: "score".to_owned(), ..proto::Options::default() };
        let mut push = with_options(&subscription, options);
        push.content = Some(raw(format!("goal {number}")));
        assert_eq!(browsers.send(push).await.outcome(), Outcome::Accepted);
    }
    browsers.simulator().web_push().come_back(&subscription);
    assert_eq!(browsers.got(&subscription), ["goal 4"]);
}
