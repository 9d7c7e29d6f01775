//! A VAPID key is replaced while pushes go out, in the order that docs/operating.md advises and at once.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use fanfare::app::{Gateway, Network};
use fanfare::config::{Config, Trust};
use fanfare::proto::{self, Outcome, TokenAction};
use fanfare_simulator::{Simulator, Subscription, VapidKey, Vendor, WebPushScriptedOutcome, WebPushSettings};
use futures_util::future::join_all;

use crate::harness::{APP, World, connect, trust, until};
use crate::net::{Net, PUBLIC};
use crate::web_push::{app, push, simulator};

/// The app that has the key of before, for those who subscribed with it.
const BEFORE: &str = "before";

const HOST: &str = "https://updates.push.services.mozilla.com";

/// How many pushes to each browser are under way at once.
const AT_ONCE: usize = 4;

/// How many of each row get their verdict between two reloads.
const BETWEEN: usize = 5;

fn config(simulator: &Simulator, apps: &[(&str, &VapidKey)]) -> Config {
    let apps = apps.iter().map(|(name, key)| app(name, key, |_| {})).collect();
    let mut config = Config::on_loopback(apps, Trust::of_system().unwrap());
    config.web_push.trust = trust(simulator);
    config
}

async fn world(apps: impl FnOnce(&Simulator) -> Config) -> World {
    let simulator = simulator(WebPushSettings::default()).await;
    let net = Net::new(simulator.web_push().address());
    net.say(&PUBLIC[..1]);
    let network = Network { resolver: Arc::clone(&net) as _, dialer: net };
    let gateway = Gateway::start(apps(&simulator), network).await.unwrap();
    let client = connect(&gateway).await;
    World { simulator, gateway, client }
}

/// A browser, and the pushes that go to it one after the other in a few rows.
struct Browser {
    subscription: Subscription,
    /// The app that the pushes name.
    app: Mutex<&'static str>,
    stopped: AtomicBool,
    settled: [AtomicUsize; AT_ONCE],
}

impl Browser {
    fn subscribe(world: &World, key: &VapidKey) -> Self {
        let services = world.simulator.web_push();
        let good = WebPushScriptedOutcome::Good;
        let subscription = services.subscribe_at(HOST, Vendor::Mozilla, &key.public_key, good).unwrap();
        let (stopped, settled) = Default::default();
        Self { subscription, app: Mutex::new(APP), stopped, settled }
    }

    /// Sends to it until it is told to stop. Returns the results, those of each row in their order.
    async fn send(&self, world: &World) -> Vec<Vec<proto::PushResult>> {
        let row = async |settled: &AtomicUsize| {
            let mut results = Vec::new();
            while !self.stopped.load(Ordering::Relaxed) {
                let app = (*self.app.lock().unwrap()).to_owned();
                results.push(world.send(proto::Push { app, ..push(&self.subscription) }).await);
                settled.fetch_add(1, Ordering::Relaxed);
            }
            results
        };
        join_all(self.settled.iter().map(row)).await
    }

    /// Waits until more pushes to it have had their verdict, among them all that are under way now.
    async fn more(&self) {
        let settled = || self.settled.each_ref().map(|it| it.load(Ordering::Relaxed));
        let before = settled();
        until(|| settled().iter().zip(before).all(|(now, before)| *now >= before + BETWEEN)).await;
    }

    fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    fn asked(&self, world: &World) -> usize {
        world.simulator.journal().by_device_token(&self.subscription.path).len()
    }

    fn got(&self, world: &World) -> usize {
        world.simulator.web_push().delivered(&self.subscription).len()
    }
}

fn keys(simulator: &Simulator) -> [VapidKey; 2] {
    [(); 2].map(|()| simulator.web_push().new_key().unwrap())
}

#[tokio::test]
async fn a_key_is_replaced_under_load_and_each_push_is_accepted_once() {
    let mut made = None;
    let world = world(|simulator| config(simulator, &[(APP, &made.insert(keys(simulator))[0])])).await;
    let [old, new] = &made.unwrap();
    let (early, late) = (Browser::subscribe(&world, old), Browser::subscribe(&world, new));
    let reload = |apps: &[(&str, &VapidKey)]| {
        let reloaded = world.gateway.reload(config(&world.simulator, apps)).unwrap();
        assert_eq!((reloaded.changed, reloaded.needs_restart), (vec!["apps"], vec![]));
    };
    let reloads = async {
        early.more().await;
        reload(&[(APP, old), (BEFORE, old)]);
        early.more().await;
        *early.app.lock().unwrap() = BEFORE;
        early.more().await;
        reload(&[(APP, new), (BEFORE, old)]);
        let afterwards = async {
            tokio::join!(early.more(), late.more());
            early.stop();
            late.more().await;
            reload(&[(APP, new)]);
            late.more().await;
            late.stop();
        };
        tokio::join!(late.send(&world), afterwards).0
    };
    let (of_early, of_late) = tokio::join!(early.send(&world), reloads);
    for result in of_early.iter().chain(&of_late).flatten() {
        assert_eq!((result.outcome(), result.attempts), (Outcome::Accepted, 1), "{result:?}");
    }
    for (browser, results) in [(&early, of_early), (&late, of_late)] {
        let sent = results.iter().flatten().count();
        assert_eq!((browser.asked(&world), browser.got(&world)), (sent, sent));
    }
    assert_eq!(
        world.simulator.counters().vapid_tokens_seen,
        2,
        "each key has the one token that it began with"
    );
    world.gateway.shut_down().await;
}

#[tokio::test]
async fn who_subscribed_with_the_key_of_before_is_refused_as_soon_as_the_app_has_another() {
    let mut made = None;
    let world = world(|simulator| config(simulator, &[(APP, &made.insert(keys(simulator))[0])])).await;
    let [old, new] = &made.unwrap();
    let (early, late) = (Browser::subscribe(&world, old), Browser::subscribe(&world, new));
    let reloads = async {
        early.more().await;
        world.gateway.reload(config(&world.simulator, &[(APP, new)])).unwrap();
        early.more().await;
        early.stop();
        let some = async {
            late.more().await;
            late.stop();
        };
        tokio::join!(late.send(&world), some).0
    };
    let (of_early, of_late) = tokio::join!(early.send(&world), reloads);
    let is_accepted = |result: &proto::PushResult| result.outcome() == Outcome::Accepted;
    for row in &of_early {
        // A push has the key that the app had when it was taken.
        assert!(row.iter().is_sorted_by_key(|it| !is_accepted(it)), "{row:?}");
        for refused in row.iter().filter(|it| !is_accepted(it)) {
            assert_eq!((refused.outcome(), refused.attempts), (Outcome::InvalidToken, 1), "{refused:?}");
            assert_ne!(refused.token_action(), TokenAction::Keep, "{refused:?}");
        }
    }
    let (sent, accepted) =
        (of_early.iter().flatten().count(), of_early.iter().flatten().filter(|it| is_accepted(it)).count());
    assert!(accepted < sent);
    assert_eq!((early.asked(&world), early.got(&world)), (sent, accepted));
    assert!(of_late.iter().flatten().all(is_accepted), "{of_late:?}");
    world.gateway.shut_down().await;
}
