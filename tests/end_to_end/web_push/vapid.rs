//! As whom: the VAPID tokens of a whole gateway, counted where they arrive.

use std::collections::HashSet;
use std::time::Duration;

use fanfare::proto::{self, Delivery, Outcome, TokenAction};
use fanfare::simulator::{
    Answer, Fault, FaultRule, Subscription, Trigger, Vendor, WebPushFate, WebPushSettings,
};
use futures_util::future::join_all;

use super::{Browsers, PRIVATE, app, header, host, push, simulator};
use crate::harness::APP;
use crate::net::Net;

/// The least between two tokens for an origin. Source: Apple, "Sending web push notifications in web apps and
/// browsers".
const AN_HOUR: Duration = Duration::from_secs(60 * 60);

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
    // The first of each origin at once, so that many wish for a token that is not there yet.
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

/// Two apps; the first has the key that browsers subscribed with.
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
    // Google and Mozilla say that it is the key; Apple says as much and not whose fault it is; Microsoft answers as
    // to any other token.
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
        // The app whose key it is goes on, over the same connection.
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
    // The app with the right key is none the worse for it.
    let gone = browsers.fated(
        host(Vendor::Google),
        Vendor::Google,
        WebPushFate::Refused(fanfare::simulator::WebPushRefusal::KeyMismatch),
    );
    assert_eq!(browsers.send(push(&gone)).await.token_action(), TokenAction::Delete);
}

/// Lets an hour pass for the gateway, whose timers run in this runtime.
async fn an_hour_passes() {
    tokio::time::pause();
    tokio::time::advance(AN_HOUR).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_refused_token_is_made_anew_at_most_once_an_hour_and_only_for_its_origin() {
    for (vendor, status) in [(Vendor::Mozilla, 401), (Vendor::Apple, 403)] {
        let browsers = Browsers::start().await;
        let elsewhere = [browsers.subscribe(Vendor::Google)];
        let there: Vec<_> = (0..30).map(|_| browsers.subscribe(vendor)).collect();
        assert_eq!(browsers.send(push(&elsewhere[0])).await.outcome(), Outcome::Accepted);
        let refuse = |subscription: &Subscription| {
            let when = Trigger::DeviceToken(subscription.path.clone());
            let answer = Answer { status, ..Answer::default() };
            browsers.simulator().add_fault(FaultRule::always(when, Fault::Answer(answer)));
        };
        there[..29].iter().for_each(refuse);
        let mut known = 1;
        for hour in 0..3 {
            // The first refusal of the hour makes a newer one for those that follow.
            for subscription in &there[..29] {
                let result = browsers.send(push(subscription)).await;
                assert_eq!((result.outcome(), result.attempts), (Outcome::Credential, 1), "{result:?}");
                assert_eq!((result.retryable, result.token_action()), (false, TokenAction::Keep));
            }
            known = if hour == 0 { 1 } else { known + 1 };
            assert_eq!(tokens(&browsers, &there).len(), known, "hour {hour}");
            let all = join_all(there[..29].iter().map(|it| browsers.send(push(it)))).await;
            assert!(all.iter().all(|it| it.outcome() == Outcome::Credential));
            assert_eq!(tokens(&browsers, &there).len(), known, "hour {hour}");
            an_hour_passes().await;
        }
        let good = browsers.send(push(&there[29])).await;
        assert_eq!(good.outcome(), Outcome::Accepted, "{good:?}");
        let again = browsers.send(push(&elsewhere[0])).await;
        assert_eq!(again.outcome(), Outcome::Accepted, "{again:?}");
        assert_eq!((known, tokens(&browsers, &elsewhere).len()), (3, 1));
    }
}
