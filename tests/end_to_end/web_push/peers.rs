//! More and more origins: peers are bounded, idle ones make room for others, and little is kept of each.

use fanfare::proto::{Delivery, Outcome};
use fanfare_simulator::{Simulator, Vendor};
use futures_util::future::join_all;

use super::{App, Browsers, push};
use crate::harness::{SOON, metric_sum, until};

const MAX_PEERS: usize = 4;
const ORIGINS: usize = 20;

fn sum(browsers: &Browsers, begins: &str, contains: &str) -> usize {
    metric_sum(&browsers.world, begins, contains) as usize
}

#[tokio::test]
async fn idle_peers_make_room_for_others_and_come_back() {
    let browsers = Browsers::with(|_| {}, |config| config.upstream.max_peers = MAX_PEERS).await;
    let subscriptions: Vec<_> = (0..ORIGINS)
        .map(|it| browsers.subscribe_at(&format!("wns-{it}.notify.windows.com"), Vendor::Microsoft))
        .collect();
    for round in 1..=3 {
        for subscription in &subscriptions {
            let result = browsers.send(push(subscription)).await;
            assert_eq!((result.outcome(), result.attempts), (Outcome::Accepted, 1), "{result:?}");
        }
        let ended = round * ORIGINS - MAX_PEERS;
        until(|| sum(&browsers, "fanfare_upstream_connections_closed_total{", "\"evicted\"") == ended).await;
        let few = |it: &Simulator| it.open_connections().len() == MAX_PEERS;
        browsers.simulator().wait_until(SOON, few).await.unwrap();
        assert_eq!(browsers.simulator().counters().connections_opened, (round * ORIGINS) as u64);
    }
    // The VAPID token of an origin outlives its connections.
    assert_eq!(browsers.simulator().counters().vapid_tokens_seen, ORIGINS as u64);
    assert!(browsers.simulator().journal().duplicates().values().all(|times| *times == 3));
}

#[tokio::test]
async fn origins_beyond_the_bound_are_refused_while_the_others_are_in_use_and_served_afterwards() {
    // Hosts that an app lists are no strangers, who may take a part alone.
    let host = |it: usize| format!("wns-{it}.notify.windows.com");
    let lists = |app: &mut App| app.hosts.extend((0..ORIGINS).map(host));
    let browsers = Browsers::with(lists, |config| config.upstream.max_peers = MAX_PEERS).await;
    let subscriptions: Vec<_> = (0..ORIGINS)
        .flat_map(|it| {
            let host = host(it);
            [(); 5].map(|()| browsers.subscribe_at(&host, Vendor::Microsoft))
        })
        .collect();
    let not_attempted = || sum(&browsers, "fanfare_pushes_total{", "\"not_attempted\"");
    let refused = subscriptions.len() / ORIGINS * (ORIGINS - MAX_PEERS);

    // No connect gets through, so that the first peers stay in use until all others were refused.
    browsers.net.stall();
    let sent = join_all(subscriptions.iter().map(|subscription| browsers.send(push(subscription))));
    let go_on = async {
        until(|| not_attempted() == refused).await;
        assert_eq!(browsers.net.dialled().len(), MAX_PEERS);
        browsers.net.go_on();
    };
    let (results, ()) = tokio::join!(sent, go_on);
    let mut left = Vec::new();
    for (subscription, result) in subscriptions.iter().zip(&results) {
        if result.outcome() == Outcome::NotAttempted {
            assert!(result.retryable && result.detail.contains("upstream.max_peers"), "{result:?}");
            assert_eq!((result.delivery(), result.attempts), (Delivery::No, 0));
            left.push(subscription);
        } else {
            assert_eq!(result.outcome(), Outcome::Accepted, "{result:?}");
        }
    }
    assert_eq!((left.len(), not_attempted()), (refused, refused));
    for subscription in left {
        assert_eq!(browsers.send(push(subscription)).await.outcome(), Outcome::Accepted);
    }
    assert!(subscriptions.iter().all(|subscription| browsers.got(subscription).len() == 1));
}

#[tokio::test]
async fn tokens_are_kept_for_as_many_origins_as_are_allowed() {
    let browsers = Browsers::with(|_| {}, |config| config.web_push.max_origins = 2).await;
    let [a, b, c] =
        ["a", "b", "c"].map(|it| browsers.subscribe_at(&format!("{it}.push.example.net"), Vendor::Mozilla));
    for subscription in [&a, &b, &a, &b, &a, &c, &a, &c, &a, &b] {
        assert_eq!(browsers.send(push(subscription)).await.outcome(), Outcome::Accepted);
    }
    // The token of `b` was the one unused for longest when `c` came, so it was made anew.
    assert_eq!(browsers.simulator().counters().vapid_tokens_seen, 4);
}
