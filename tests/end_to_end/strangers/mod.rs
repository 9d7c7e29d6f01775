//! 5,000 hosts that lead nowhere, in subscriptions that anybody could make up, beside browsers and APNs that are well.

mod network;

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fanfare::app::Gateway;
use fanfare::proto::{self, Outcome};
use fanfare_simulator::{
    AfterGoAway, Fault, GoAway, LastId, Subscription, Vendor, WebPushScriptedOutcome, WebPushSettings,
};
use fanfare_upstream::UpstreamSettings;
use futures_util::future::{join, join_all};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use self::network::{Death, Network};
use crate::harness::{
    APP, World, config, connect, figure, good, metric_sum, pass, push, sized, until, within,
};
use crate::web_push;

/// How many made-up hosts there are.
const DEAD: usize = 5000;

/// How many callers send to them at once.
const CALLERS: usize = 1500;

/// How often each good target is sent to while they do, each time over a new connection.
const ROUNDS: usize = 5;

/// What a resolver waits for at least. In full size it is the default.
fn connect_timeout() -> Duration {
    sized(Duration::from_secs(1), UpstreamSettings::default().connect_timeout)
}

/// A gateway whose subscriptions lead to good push services and to dead hosts.
struct Town {
    world: World,
    network: Arc<Network>,
    /// Good targets: three browsers of vendors whose hosts are known exactly, one below a vendor's domain, and one of a small
    /// push service below a domain that the app lists.
    browsers: Vec<Subscription>,
    warnings: Warnings,
}

/// The lines that would be logged, before the log counts repeated ones, each with its message and its fields.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber> Layer<S> for Warnings {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() <= Level::WARN && event.metadata().target().starts_with("fanfare") {
            let mut line = Line::default();
            event.record(&mut line);
            self.0.lock().unwrap().push(line.0);
        }
    }
}

#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }
}

impl Town {
    async fn start(death: Death, warnings: Warnings) -> Self {
        let simulator = web_push::simulator(WebPushSettings::default()).await;
        let key = simulator.web_push().new_key().unwrap();
        let network = Network::new(death, simulator.web_push().address());
        let mut config = config(&simulator);
        config.apps[0].web_push = web_push::app(APP, &key, |_| {}).web_push;
        config.web_push.trust = crate::harness::trust(&simulator);
        config.upstream.connect_timeout = connect_timeout();
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

    /// Sends to each good target over a new connection. Returns the results, and how long the slowest took.
    async fn good_round(&self, number: usize) -> (Vec<proto::PushResult>, Duration) {
        let simulator = &self.world.simulator;
        let goaway = GoAway { last: LastId::Highest, code: 0, reason: None, then: AfterGoAway::Drain };
        for connection in simulator.open_connections() {
            // It may have closed in the meantime.
            let _ = simulator.on_connection(connection.id, &Fault::GoAway(goaway.clone()));
        }
        until(|| simulator.open_connections().is_empty()).await;
        let began = Instant::now();
        let device = std::iter::once(push(&good(number)));
        let pushes = device.chain(self.browsers.iter().map(web_push::push));
        let sent = pushes.map(|push| self.world.send(within(push, connect_timeout() * 5)));
        (join_all(sent).await, began.elapsed())
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
                let result = self.world.send(within(push, connect_timeout() * 2)).await;
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

fn is_accepted(result: &proto::PushResult) -> bool {
    result.outcome() == Outcome::Accepted
}

fn outcome(result: &proto::PushResult) -> String {
    format!("{} / {}", result.outcome().as_str_name(), result.reason().as_str_name())
}

async fn good_ones_are_served_beside(death: Death) {
    let warnings = Warnings::default();
    let _subscribed = tracing::subscriber::set_default(tracing_subscriber::registry().with(warnings.clone()));
    // While there is one subscriber, a line that another thread logs first, without any, is taken for one that nobody wants.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let town = Town::start(death, warnings).await;
    // Those below a domain have brought a good answer before.
    assert!(town.good_round(0).await.0.iter().all(is_accepted));
    let (sent, enough) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (peers, connections) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let rounds = async {
        let (mut results, mut slowest) = (Vec::new(), Duration::ZERO);
        for round in 1..=ROUNDS {
            until(|| sent.load(Ordering::SeqCst) >= round * CALLERS).await;
            let now = |begins, contains| metric_sum(&town.world, begins, contains) as usize;
            connections.fetch_max(now("fanfare_upstream_connections{", ""), Ordering::SeqCst);
            let unknown =
                now("fanfare_upstream_peers{", "stranger") + now("fanfare_upstream_peers{", "claimed");
            peers.fetch_max(unknown, Ordering::SeqCst);
            let (told, took) = town.good_round(round).await;
            results.extend(told);
            slowest = slowest.max(took);
        }
        enough.store(true, Ordering::SeqCst);
        (results, slowest)
    };
    let (told, (results, slowest)) = join(town.flood(&sent, &enough), rounds).await;
    let accepted = results.iter().filter(|result| is_accepted(result)).count();
    let (lookups, dials) = town.network.peaks();
    // What was counted is told after a minute.
    pass(Duration::from_secs(60)).await;
    until(|| town.warnings.0.lock().unwrap().iter().any(|line| line.contains("in the last minute"))).await;
    let lines = town.warnings.0.lock().unwrap().clone();
    figure(&format!(
        "strangers, {death:?}: {accepted} of {} good pushes accepted, the slowest round took {slowest:?}; {} pushes to \
         {DEAD} dead hosts: {told:?}; {} look-ups of them, at most {lookups} at once, at most {dials} connects to them, {} \
         strangers and {} connections and connects of all at once; {} lines of the log",
        results.len(),
        told.values().sum::<usize>(),
        town.network.asked(),
        peers.load(Ordering::SeqCst),
        connections.load(Ordering::SeqCst),
        lines.len(),
    ));
    assert!(results.iter().all(is_accepted), "{results:#?}");
    // Half of what strangers may take is for those that have brought a good answer.
    let shares = UpstreamSettings::default();
    assert!(lookups <= shares.max_stranger_lookups / 2, "{lookups}");
    assert!(dials <= shares.max_stranger_connections / 2, "{dials}");
    assert!(peers.into_inner() <= shares.max_stranger_peers);
    assert_eq!(lines.len(), 2, "the first, and the number of the others: {lines:?}");
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
