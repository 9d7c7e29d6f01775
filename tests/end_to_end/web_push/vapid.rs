//! The VAPID tokens of a whole gateway, counted where they arrive.

use std::collections::HashSet;
use std::time::Duration;

use fanfare::proto::{self, Delivery, Outcome, TokenAction};
use fanfare_simulator::{
    Fault, FaultRule, ScriptedAnswer, Subscription, Trigger, Vendor, WebPushRefusal, WebPushScriptedOutcome,
    WebPushSettings,
};
use futures_util::future::join_all;

use super::{Browsers, PRIVATE, app, header, host, push, simulator};
use crate::harness::{APP, pass};
use crate::net::Net;

/// The tokens that were shown to an origin's browsers, in the order of their first use.
fn tokens(browsers: &Browsers, subscriptions: &[Subscription]) -> Vec<String> {
    let mut all: Vec<_> =
        subscriptions.iter().flat_map(|subscription| browsers.asked(subscription)).collect();
    all.sort_unstable_by_key(|entry| entry.order);
    let mut seen = HashSet::new();
    let shown = all.iter().map(|entry| header(entry, "authorization").unwrap());
    shown.filter(|token| seen.insert(token.clone())).collect()
}

fn from(app: &str, subscription: &Subscription) -> proto::Push {
    proto::Push { app: app.to_owned(), ..push(subscription) }
}

#[tokio::test]
async fn however_many_pushes_there_are_each_origin_sees_one_token() {
    let browsers = Browsers::start().await;
    let mut subscriptions = Vec::new();
    for vendor in Vendor::ALL {
        subscriptions.push((0..50).map(|_| browsers.subscribe(vendor)).collect::<Vec<_>>());
    }
    subscriptions.push((0..50).map(|_| browsers.subscribe_at(PRIVATE, Vendor::Mozilla)).collect());
    // The first pushes of each origin are sent at once, so that many ask for a token that is not there yet.
    for _ in 0..2 {
        let all = subscriptions.iter().flatten().map(|subscription| browsers.send(push(subscription)));
        for result in join_all(all).await {
            assert_eq!((result.outcome(), result.attempts), (Outcome::Accepted, 1), "{result:?}");
        }
    }
    assert_eq!(browsers.simulator().counters().vapid_tokens_seen, 5);
    for of_one in &subscriptions {
        assert_eq!(tokens(&browsers, of_one).len(), 1, "{}", of_one[0].endpoint);
    }
}

/// A gateway with two apps, of which the first has the key that browsers subscribed with.
async fn two_apps(same_key: bool) -> Browsers {
    let simulator = simulator(WebPushSettings::default()).await;
    let key = simulator.web_push().new_key().unwrap();
    let other = if same_key { key.clone() } else { simulator.web_push().new_key().unwrap() };
    let apps = vec![app(APP, &key, |_| {}), app("other", &other, |_| {})];
    let net = Net::new(simulator.web_push().address());
    Browsers::serve(simulator, net, key, apps, |_| {}).await
}

#[tokio::test]
async fn apps_that_share_a_key_share_its_tokens_and_connections() {
    let browsers = two_apps(true).await;
    let subscription = browsers.subscribe(Vendor::Mozilla);
    for name in [APP, "other"].repeat(5) {
        let result = browsers.send(from(name, &subscription)).await;
        assert_eq!(result.outcome(), Outcome::Accepted, "{result:?}");
    }
    let counters = browsers.simulator().counters();
    assert_eq!((counters.vapid_tokens_seen, counters.connections_opened), (1, 1));
}

#[tokio::test]
async fn a_subscription_made_with_another_key_is_told_in_each_vendors_way() {
    let browsers = two_apps(false).await;
    // Google and Mozilla say that the key is wrong. Apple says so too, but not whose fault it is. Microsoft answers as it does
    // to any bad token.
    for (vendor, outcome, action, reason) in [
        (Vendor::Mozilla, Outcome::InvalidToken, TokenAction::Delete, "109"),
        (Vendor::Google, Outcome::InvalidToken, TokenAction::Delete, "the VAPID credentials in the"),
        (Vendor::Apple, Outcome::Credential, TokenAction::Quarantine, "VapidPkHashMismatch"),
        (Vendor::Microsoft, Outcome::Credential, TokenAction::Keep, "the VAPID credentials in the"),
    ] {
        let subscription = browsers.subscribe(vendor);
        let foreign = browsers.send(from("other", &subscription)).await;
        assert_eq!((foreign.outcome(), foreign.token_action()), (outcome, action), "{foreign:?}");
        assert!(foreign.upstream_reason.starts_with(reason), "{foreign:?}");
        assert_eq!((foreign.retryable, foreign.attempts), (false, 1));
        assert_eq!(foreign.delivery(), Delivery::No);
        // The app with the right key goes on, over the same connection.
        assert_eq!(browsers.send(push(&subscription)).await.outcome(), Outcome::Accepted);
        assert_eq!(browsers.got(&subscription).len(), 1);
    }
    assert_eq!(browsers.simulator().counters().connections_opened, 4);
}

#[tokio::test]
async fn where_all_subscriptions_are_of_another_key_they_are_set_aside() {
    let browsers = two_apps(false).await;
    let mut deleted = 0;
    for number in 1..=30 {
        let result = browsers.send(from("other", &browsers.subscribe(Vendor::Google))).await;
        assert_eq!(result.outcome(), Outcome::InvalidToken, "{result:?}");
        deleted += usize::from(result.token_action() == TokenAction::Delete);
        assert!(number < 10 || result.token_action() == TokenAction::Quarantine, "{number}: {result:?}");
    }
    assert_eq!(deleted, 9);
    // The app with the right key does not suffer from that.
    let gone = browsers.fated(
        host(Vendor::Google),
        Vendor::Google,
        WebPushScriptedOutcome::Refused(WebPushRefusal::KeyMismatch),
    );
    assert_eq!(browsers.send(push(&gone)).await.token_action(), TokenAction::Delete);
}

/// A browser whose push service refuses whatever token is shown.
fn refusing(browsers: &Browsers, vendor: Vendor, status: u16) -> Subscription {
    let subscription = browsers.subscribe(vendor);
    let when = Trigger::DeviceToken(subscription.path.clone());
    let answer = ScriptedAnswer { status, ..ScriptedAnswer::default() };
    browsers.simulator().add_fault(FaultRule::always(when, Fault::Answer(answer)));
    subscription
}

/// Source: Apple, "Sending web push notifications in web apps and browsers".
#[tokio::test]
async fn a_refused_token_is_made_anew_at_most_once_an_hour_and_only_for_its_origin() {
    for (vendor, status) in [(Vendor::Mozilla, 401), (Vendor::Apple, 403)] {
        let browsers = Browsers::start().await;
        let elsewhere = [browsers.subscribe(Vendor::Google)];
        let there: Vec<_> = (0..20).map(|_| refusing(&browsers, vendor, status)).collect();
        assert_eq!(browsers.send(push(&elsewhere[0])).await.outcome(), Outcome::Accepted);
        for known in 1..=3 {
            // From the second hour on, the first refusal in an hour has a newer token made for the pushes that follow. More
            // refusals make no other, whether they come one by one, at once, or a minute before the hour is over.
            for at_once in [1, 1, 1, there.len(), 1, 1] {
                let all = join_all(there[..at_once].iter().map(|it| browsers.send(push(it)))).await;
                for result in all {
                    assert_eq!((result.outcome(), result.attempts), (Outcome::Credential, 1), "{result:?}");
                    assert_eq!((result.retryable, result.token_action()), (false, TokenAction::Keep));
                }
                if at_once > 1 {
                    assert_eq!(tokens(&browsers, &there).len(), known);
                    pass(Duration::from_secs(60 * 59)).await;
                }
            }
            assert_eq!(tokens(&browsers, &there).len(), known);
            pass(Duration::from_secs(60)).await;
        }
        for subscription in [&browsers.subscribe(vendor), &elsewhere[0]] {
            let good = browsers.send(push(subscription)).await;
            assert_eq!(good.outcome(), Outcome::Accepted, "{good:?}");
        }
        assert_eq!(tokens(&browsers, &elsewhere).len(), 1);
    }
}
