//! 5,000 hosts that lead nowhere, in subscriptions that anybody could make up, beside browsers and APNs that are well.

mod network;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fanfare::app::Gateway;
use fanfare::proto::{self, Outcome};
use fanfare_simulator::{
    AfterGoAway, Fault, GoAway, LastId, Subscription, Vendor, WebPushScriptedOutcome, WebPushSettings,
};
use fanfare_upstream::UpstreamSettings;
use futures_util::future::{join, join_all};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use self::network::{Death, Network};
use crate::harness::{APP, World, config, connect, good, metric_sum, push, until, within};
use crate::web_push;

/// How many made-up hosts there are.
const DEAD: usize = 5000;

/// How many callers send to them at once.
const CALLERS: usize = 1500;

/// How often each good target is sent to while they do, each time over a new connection.
const ROUNDS: usize = 5;

/// What a resolver waits for at least, in the settings of these tests.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// A gateway whose subscriptions lead to good push services and to dead hosts.
struct Town {
    world: World,
    network: Arc<Network>,
    /// Good targets: three browsers of vendors whose hosts are known exactly, one below a vendor's domain, and one of a small
    /// push service below a domain that the app lists.
    browsers: Vec<Subscription>,
    warnings: Arc<AtomicUsize>,
}

/// Counts the lines that would be logged, before the log counts repeated ones.
#[derive(Clone, Default)]
struct Warnings(Arc<AtomicUsize>);

impl<S: Subscriber> Layer<S> for Warnings {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() <= Level::WARN && event.metadata().target().starts_with("fanfare") {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Town {
    async fn start(death: Death, warnings: Arc<AtomicUsize>) -> Self {
        let simulator = web_push::simulator(WebPushSettings::default()).await;
        let key = simulator.web_push().new_key().unwrap();
        let network = Network::new(death, simulator.web_push().address());
        let mut config = config(&simulator);
        config.apps[0].web_push = web_push::app(APP, &key, |_| {}).web_push;
        config.web_push.trust = crate::harness::trust(&simulator);
        config.upstream.connect_timeout = CONNECT_TIMEOUT;
        let net =
            fanfare::app::Network { resolver: Arc::clone(&network) as _, dialer: Arc::clone(&network) as _ };
        let gateway = Gateway::start(config, net).await.unwrap();
        let client = connect(&gateway).await;
        let hosts = [
            ("updates.push.services.mozilla.com", Vendor::Mozilla),
            ("fcm.googleapis.com", Vendor::Google),
            ("web.push.apple.com", Vendor::Apple),
            ("wns2-am3p.notify.windows.com", Vendor::Microsoft),
            ("small.push.example.net", Vendor::Mozilla),
        ];
        let subscribe = |(host, vendor)| {
            let (origin, fate) = (format!("https://{host}"), WebPushScriptedOutcome::Good);
            simulator.web_push().subscribe_at(&origin, vendor, &key.public_key, fate).unwrap()
        };
        let browsers = hosts.map(subscribe).to_vec();
        Self { world: World { simulator, gateway, client }, network, browsers, warnings }
    }

    /// Sends to each good target over a new connection. Returns how many were accepted, of how many, and how long the
    /// slowest took.
    async fn good_round(&self, number: usize) -> (usize, usize, Duration) {
        let simulator = &self.world.simulator;
        let goaway = GoAway { last: LastId::Highest, code: 0, reason: None, then: AfterGoAway::Drain };
        for connection in simulator.open_connections() {
            // It may have closed in the meantime.
            let _ = simulator.on_connection(connection.id, &Fault::GoAway(goaway.clone()));
        }
        until(|| simulator.open_connections().is_empty()).await;
        let began = Instant::now();
        let device = std::iter::once(push(&good(number)));
        let pushes: Vec<_> = device.chain(self.browsers.iter().map(web_push::push)).collect();
        let results =
            join_all(pushes.into_iter().map(|push| self.world.send(within(push, CONNECT_TIMEOUT * 5)))).await;
        let accepted = results.iter().filter(|result| result.outcome() == Outcome::Accepted).count();
        if accepted < results.len() {
            eprintln!("{results:#?}");
        }
        (accepted, results.len(), began.elapsed())
    }

    /// Sends to dead hosts until each was sent to and `enough` is set. Returns how often each outcome came.
    async fn flood(&self, sent: &AtomicUsize, enough: &AtomicBool) -> BTreeMap<String, usize> {
        let template = &self.browsers[4];
        let caller = async || {
            let mut told = BTreeMap::<String, usize>::new();
            while sent.load(Ordering::SeqCst) < DEAD || !enough.load(Ordering::SeqCst) {
                let number = sent.fetch_add(1, Ordering::SeqCst) % DEAD;
                let domain = if number.is_multiple_of(2) { "push.example.net" } else { "notify.windows.com" };
                let mut push = web_push::push(template);
                let subscription = push.target.as_mut().unwrap().web_push.as_mut().unwrap();
                subscription.endpoint = format!("https://dead-{number}.{domain}/push/1");
                let result = self.world.send(within(push, CONNECT_TIMEOUT * 2)).await;
                *told.entry(outcome(&result)).or_default() += 1;
                if result.outcome() == Outcome::NotAttempted {
                    // A caller that is told to come back does so later, though not as late as it is told.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            told
        };
        let mut all = BTreeMap::new();
        for told in join_all((0..CALLERS).map(|_| caller())).await {
            for (outcome, times) in told {
                *all.entry(outcome).or_default() += times;
            }
        }
        all
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        self.network.end();
    }
}

fn outcome(result: &proto::PushResult) -> String {
    format!("{} / {}", result.outcome().as_str_name(), result.reason().as_str_name())
}

async fn good_ones_are_served_beside(death: Death) {
    let warnings = Warnings::default();
    let _subscribed = tracing::subscriber::set_default(tracing_subscriber::registry().with(warnings.clone()));
    // While there is one subscriber, a line that another thread logs first, without any, is taken for one that nobody wants.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let town = Town::start(death, warnings.0).await;
    // Those below a domain have brought a good answer before.
    assert_eq!(town.good_round(0).await.0, 6);
    let (sent, enough) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (peers, connections) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let rounds = async {
        let mut slowest = Duration::ZERO;
        let (mut accepted, mut of) = (0, 0);
        for round in 1..=ROUNDS {
            until(|| sent.load(Ordering::SeqCst) >= round * CALLERS).await;
            let now = |begins, contains| metric_sum(&town.world, begins, contains) as usize;
            connections.fetch_max(now("fanfare_upstream_connections{", ""), Ordering::SeqCst);
            let unknown =
                now("fanfare_upstream_peers{", "stranger") + now("fanfare_upstream_peers{", "claimed");
            peers.fetch_max(unknown, Ordering::SeqCst);
            let (good, all, took) = town.good_round(round).await;
            (accepted, of, slowest) = (accepted + good, of + all, slowest.max(took));
        }
        enough.store(true, Ordering::SeqCst);
        (accepted, of, slowest)
    };
    let (told, (accepted, of, slowest)) = join(town.flood(&sent, &enough), rounds).await;
    let (lookups, dials) = town.network.peaks();
    let lines = town.warnings.load(Ordering::SeqCst);
    figures(&format!(
        "strangers, {death:?}: {accepted} of {of} good pushes accepted, the slowest round took {slowest:?}; {} pushes to \
         {DEAD} dead hosts: {told:?}; {} look-ups of them, at most {lookups} at once, at most {dials} connects to them, {} \
         strangers and {} connections and connects of all at once; {lines} lines of the log",
        told.values().sum::<usize>(),
        town.network.asked(),
        peers.load(Ordering::SeqCst),
        connections.load(Ordering::SeqCst),
    ));
    assert_eq!(accepted, of, "good pushes");
    // Half of what strangers may take is for those that have brought a good answer.
    let shares = UpstreamSettings::default();
    assert!(lookups <= shares.max_stranger_lookups / 2, "{lookups}");
    assert!(dials <= shares.max_stranger_connections / 2, "{dials}");
    assert!(peers.into_inner() <= shares.max_stranger_peers);
    assert!(lines <= 3, "{lines} lines");
}

/// Adds a line to the file that `FANFARE_FIGURES` names.
fn figures(line: &str) {
    if let Some(file) = std::env::var_os("FANFARE_FIGURES") {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file).unwrap();
        writeln!(file, "{line}").unwrap();
    }
}

#[tokio::test]
async fn good_ones_are_served_beside_hosts_that_the_resolver_does_not_know() {
    good_ones_are_served_beside(Death::NoName).await;
}

#[tokio::test]
async fn good_ones_are_served_beside_hosts_of_which_the_resolver_says_nothing() {
    good_ones_are_served_beside(Death::Silence).await;
}

#[tokio::test]
async fn good_ones_are_served_beside_hosts_at_which_nothing_answers() {
    good_ones_are_served_beside(Death::NoAnswer).await;
}
