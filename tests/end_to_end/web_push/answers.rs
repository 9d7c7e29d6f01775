//! Every answer of the vendors' push services, and every fate of the simulator: the service gives it, and the caller gets its
//! verdict. The tables are written from the vendors' pages and from what senders report, and not from the code.

use std::collections::HashSet;

use fanfare::proto::{self, Outcome};
use fanfare_simulator::{
    Fault, FaultRule, ScriptedAnswer, Subscription, Trigger, Vendor, web_push_scripted_subscriptions,
};

use super::{Browsers, PRIVATE, host, push, seconds, with_options};
use crate::rows::{Row, verdict, waits};

/// This is shorter than every wait of the tables but one, so none of them is waited for.
const IMPATIENT: i64 = 4;

impl Row {
    /// A browser that subscribed at this vendor, or at a push service that is no vendor's.
    fn subscribe(&self, browsers: &Browsers) -> Subscription {
        match Vendor::ALL.into_iter().find(|vendor| Some(vendor.name()) == self.vendor.as_deref()) {
            Some(vendor) => browsers.subscribe(vendor),
            None => browsers.subscribe_at(PRIVATE, Vendor::Mozilla),
        }
    }

    /// A push with this answer is sent again within the test's patience: at once, and after a second if that fails too.
    fn attempts(&self) -> i32 {
        match (self.reason.as_str(), self.retry_after_s) {
            (reason, _) if reason.starts_with("202: ") => 2,
            ("IdleTimeout", _) => 4,
            _ => 1,
        }
    }
}

/// Sends good pushes in between, because so many invalid subscriptions in a row would be set aside.
async fn good_ones(browsers: &Browsers) {
    for vendor in [Vendor::Mozilla, Vendor::Google] {
        let good = browsers.send(push(&browsers.subscribe(vendor))).await;
        assert_eq!(good.outcome(), Outcome::Accepted, "{good:?}");
    }
}

fn impatient(subscription: &Subscription) -> proto::Push {
    with_options(subscription, proto::Options { max_wait: seconds(IMPATIENT), ..proto::Options::default() })
}

#[tokio::test]
async fn every_documented_answer_becomes_its_verdict() {
    let rows: Vec<Row> = serde_json::from_str(include_str!("../../data/webpush-answers.json")).unwrap();
    assert!(rows.len() > 90, "{} rows", rows.len());
    assert!(rows.iter().all(|row| row.vendor.is_some()), "each is of a vendor, or of none by name");
    let browsers = Browsers::start().await;
    for row in &rows {
        good_ones(&browsers).await;
        let subscription = row.subscribe(&browsers);
        let rule = Trigger::DeviceToken(subscription.path.clone());
        browsers.simulator().add_fault(FaultRule::always(rule, Fault::Answer(row.answer())));
        // Attempts whose waits are drawn have time for all of them.
        let patience = if row.attempts() > 2 { 60 } else { IMPATIENT };
        let push = with_options(
            &subscription,
            proto::Options { max_wait: seconds(patience), ..proto::Options::default() },
        );
        let result = browsers.send(push).await;
        assert_eq!(
            verdict(&result),
            row.expected(),
            "{} {:?} {} {result:?}",
            row.upstream,
            row.vendor,
            row.source
        );
        assert_eq!(
            (Some(&result.upstream_id), result.provider()),
            (row.id.as_ref(), proto::Provider::WebPush)
        );
        assert_eq!(result.attempts, row.attempts(), "{:?} {} {result:?}", row.vendor, row.source);
        let asked = browsers.asked(&subscription);
        assert_eq!(asked.len(), row.attempts() as usize, "what was told of attempts is what arrived");
        // No redirect is followed: nothing asks for its `Location`.
        assert!(asked.iter().all(|entry| entry.method == http::Method::POST));
    }
}

/// Each row is a fate's name, its outcome, its token action, the vendor's reason, and the wait.
type Fated = (&'static str, &'static str, &'static str, &'static str, Option<u64>);

const GONE: &str = "push subscription has unsubscribed or expired.";
const OTHER_KEY: &str = "the VAPID credentials in the authorization header do not correspond to the credentials used to create the subscriptions.";

/// Sources: mozilla-services/autopush-rs, `docs/src/http.md`; Apple, "Sending web push notifications in web apps and
/// browsers"; Microsoft, "Push notification service request and response headers"; of Google what senders report.
const FATED: [Fated; 32] = [
    ("mozilla-good", "ACCEPTED", "KEEP", "", None),
    ("mozilla-gone", "UNREGISTERED", "DELETE", "106: push subscription has unsubscribed or expired.", None),
    ("mozilla-unknown", "UNREGISTERED", "DELETE", "102: no such subscription", None),
    ("mozilla-mismatch", "INVALID_TOKEN", "DELETE", "109: VAPID public key mismatch", None),
    ("mozilla-throttled", "RATE_LIMITED", "KEEP", "201: too many messages", Some(7)),
    ("mozilla-too-large", "PAYLOAD_TOO_LARGE", "KEEP", "104: the body is too large", None),
    ("mozilla-internal", "UPSTREAM_UNAVAILABLE", "KEEP", "999: internal error", Some(10)),
    ("mozilla-bridge", "UPSTREAM_UNAVAILABLE", "KEEP", "902: the bridge cannot be reached", Some(10)),
    ("mozilla-overloaded", "UPSTREAM_UNAVAILABLE", "KEEP", "201: overloaded", Some(120)),
    ("mozilla-again", "UPSTREAM_UNAVAILABLE", "KEEP", "202: try again", Some(10)),
    ("mozilla-late", "ACCEPTED", "KEEP", "", None),
    ("mozilla-deaf", "UNCONFIRMED", "KEEP", "", None),
    ("google-good", "ACCEPTED", "KEEP", "", None),
    ("google-gone", "UNREGISTERED", "DELETE", GONE, None),
    ("google-unknown", "UNREGISTERED", "DELETE", "no such subscription", None),
    ("google-mismatch", "INVALID_TOKEN", "DELETE", OTHER_KEY, None),
    ("google-unauthorized", "CREDENTIAL", "QUARANTINE", "UnauthorizedRegistration", None),
    ("google-throttled", "RATE_LIMITED", "KEEP", "too many messages", Some(9)),
    ("google-overloaded", "UPSTREAM_UNAVAILABLE", "KEEP", "overloaded", Some(5)),
    ("apple-good", "ACCEPTED", "KEEP", "", None),
    ("apple-gone", "UNREGISTERED", "DELETE", "Unregistered", None),
    ("apple-mismatch", "CREDENTIAL", "QUARANTINE", "VapidPkHashMismatch", None),
    ("apple-throttled", "RATE_LIMITED", "KEEP", "TooManyRequests", Some(60)),
    ("apple-idle", "UPSTREAM_UNAVAILABLE", "KEEP", "IdleTimeout", Some(1)),
    ("microsoft-good", "ACCEPTED", "KEEP", "", None),
    ("microsoft-gone", "UNREGISTERED", "DELETE", GONE, None),
    ("microsoft-unknown", "UNREGISTERED", "DELETE", "no such subscription", None),
    ("microsoft-blocked", "CREDENTIAL", "KEEP", "Domain Blocked", None),
    ("microsoft-throttled", "RATE_LIMITED", "KEEP", "too many messages", Some(7)),
    ("microsoft-overloaded", "UPSTREAM_UNAVAILABLE", "KEEP", "overloaded", Some(10)),
    ("microsoft-dropped", "ACCEPTED", "KEEP", "dropped", None),
    ("microsoft-limited", "RATE_LIMITED", "KEEP", "channelthrottled", Some(60)),
];

#[tokio::test]
async fn every_fate_of_a_subscription_becomes_its_verdict() {
    let browsers = Browsers::start().await;
    let words: HashSet<_> = FATED.iter().map(|(name, ..)| (*name).to_owned()).collect();
    for fate in web_push_scripted_subscriptions() {
        assert!(words.contains(&fate.name()), "{}", fate.name());
    }
    for (name, outcome, token_action, reason, wait) in FATED {
        good_ones(&browsers).await;
        let fate = web_push_scripted_subscriptions().iter().find(|fate| fate.name() == name).unwrap();
        let subscription = browsers.fated(host(fate.vendor), fate.vendor, fate.outcome);
        let result = browsers.send(impatient(&subscription)).await;
        assert_eq!(result.outcome().as_str_name(), format!("OUTCOME_{outcome}"), "{name} {result:?}");
        assert_eq!(result.token_action().as_str_name(), format!("TOKEN_ACTION_{token_action}"), "{name}");
        assert_eq!(result.upstream_reason, reason, "{name}");
        let delivery = match outcome {
            "ACCEPTED" => "ACCEPTED",
            "UNCONFIRMED" => "MAYBE",
            _ => "NO",
        };
        assert_eq!(result.delivery().as_str_name(), format!("DELIVERY_{delivery}"), "{name}");
        assert_eq!(result.retryable, wait.is_some() || outcome == "UNCONFIRMED", "{name}");
        // A date has no fractions of a second, so it may name one second less.
        let date = u64::from(name == "google-throttled");
        let told = waits(&result);
        assert!(told == wait || told == wait.map(|it| it - date), "{name}: {told:?}");
        // A browser gets once what its push service took.
        let taken = ["good", "late", "deaf"].contains(&fate.word);
        assert_eq!(browsers.got(&subscription).len(), usize::from(taken), "{name}");
    }
}

/// The answers of something else in place of the push service, such as a captive portal, have no subscription deleted.
#[tokio::test]
async fn a_page_in_the_place_of_a_push_service_deletes_and_accepts_nothing() {
    let browsers = Browsers::start().await;
    for vendor in Vendor::ALL {
        for (status, outcome) in [
            (200, Outcome::Unconfirmed),
            (403, Outcome::UpstreamUnavailable),
            (404, Outcome::UpstreamUnavailable),
            (410, Outcome::UpstreamUnavailable),
            (502, Outcome::Unconfirmed),
            (504, Outcome::Unconfirmed),
        ] {
            let subscription = browsers.subscribe(vendor);
            let page = "<html><head><title>Access to this site is blocked</title></head></html>";
            let answer = ScriptedAnswer {
                status,
                foreign: true,
                body: Some(page.into()),
                ..ScriptedAnswer::default()
            };
            let rule = Trigger::DeviceToken(subscription.path.clone());
            browsers.simulator().add_fault(FaultRule::always(rule, Fault::Answer(answer)));
            let result = browsers.send(impatient(&subscription)).await;
            assert_eq!(
                (result.outcome(), result.token_action()),
                (outcome, proto::TokenAction::Keep),
                "{result:?}"
            );
            assert_eq!(result.upstream_reason, "Access to this site is blocked");
            assert_eq!((result.attempts, browsers.asked(&subscription).len()), (1, 1), "{result:?}");
        }
    }
}

#[tokio::test]
async fn a_subscription_of_chromium_without_googles_keys_is_googles() {
    let browsers = Browsers::start().await;
    let subscription = browsers.subscribe_at("jmt17.google.com", Vendor::Google);
    let result = browsers.send(push(&subscription)).await;
    assert_eq!(result.outcome(), Outcome::Accepted, "{result:?}");
    assert_eq!(browsers.got(&subscription).len(), 1);
}

/// The status line says that the push was taken, so whatever happens after it must not have the push sent again.
#[tokio::test]
async fn a_201_whose_body_never_comes_is_an_acceptance() {
    let browsers = Browsers::with(|_| {}, |config| config.upstream.max_reply_bytes = 1000).await;
    let subscription = browsers.subscribe(Vendor::Mozilla);
    let answer = ScriptedAnswer {
        status: 201,
        body: Some("x".repeat(100_000).into()),
        pieces: 9,
        ..ScriptedAnswer::default()
    };
    let rule = Trigger::DeviceToken(subscription.path.clone());
    browsers.simulator().add_fault(FaultRule::always(rule, Fault::Answer(answer)));
    let options =
        proto::Options { repeatable: true, max_wait: seconds(IMPATIENT), ..proto::Options::default() };
    let result = browsers.send(with_options(&subscription, options)).await;
    assert_eq!((result.outcome(), result.attempts), (Outcome::Accepted, 1), "{result:?}");
}
