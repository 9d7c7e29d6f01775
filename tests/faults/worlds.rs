//! A gateway whose push service has several addresses, its callers, and the accounts of all of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use fanfare::app::{Gateway, Network};
use fanfare::config::Config;
use fanfare::proto::push_service_client::PushServiceClient;
use fanfare_simulator::{ConnectionInfo, Environment, HangUp, Service, Simulator};
use fanfare_upstream::{Proxies, Proxy};
use tonic::transport::{Channel, Endpoint};

use crate::accounts::{Totals, audit};
use crate::bounds::{Line, Seen};
use crate::ledger::Broken;
use crate::marker::TOPIC;
use crate::network::{Moved, NAME, Net};
use crate::script::{self, Step};
use crate::settings::config;
pub(crate) use crate::shape::Shape;
use crate::shape::shaped;
use crate::traffic::{self, Traffic};
use crate::tunnels::{Lost, PROXY, Tunnels};

/// No wait for something that must happen takes longer than this.
const SOON: Duration = Duration::from_secs(60);

/// How long a test waits before it looks again at something that sends no signal.
const LOOK: Duration = Duration::from_millis(5);

/// A simulator with two addresses, a gateway and its callers.
pub(crate) struct World {
    pub(crate) simulator: Simulator,
    pub(crate) gateway: Gateway,
    pub(crate) network: Arc<Net>,
    pub(crate) proxy: Option<Arc<Tunnels>>,
    client: PushServiceClient<Channel>,
    service: Service,
    tls: bool,
    /// The number of the next push.
    next: u64,
    /// The requests of connections that were open at the last audit: how many had begun until then, and how many were whole.
    before: HashMap<u64, (u64, u64)>,
    begun_before: u64,
    tasks_before: usize,
}

impl World {
    pub(crate) async fn start(shape: Shape, change: impl FnOnce(&mut Config)) -> Self {
        let tasks_before = alive_tasks();
        let builder = Simulator::builder().bundle_ids([TOPIC]).names([NAME]).keep_headers(0).seed(shape.seed);
        let simulator = shaped(builder, &shape).start().await.unwrap();
        let mattermost = simulator.mattermost();
        let first = match (shape.service, shape.tls) {
            (Service::Mattermost, true) => mattermost.tls_address(),
            (Service::Mattermost, false) => mattermost.address(),
            (Service::WebPush, _) => simulator.web_push().address(),
            (Service::Fcm, _) => simulator.fcm().address(),
            (Service::Apns(_) | Service::GoogleMetadata, _) => simulator.address(Environment::Production),
        };
        let second = simulator.address(Environment::Sandbox);
        let (service, tls) = (shape.service, shape.tls);
        let proxy = shape.proxy;
        let (name, first) = proxy.as_ref().map_or((NAME, first), |it| (PROXY, it.lead_to(first)));
        let network = Arc::new(Net::new(name, first, second, shape.names).await.unwrap());
        let mut config = config(&simulator, service, tls);
        if proxy.is_some() {
            let way = Proxy::new(format!("http://{PROXY}").parse().unwrap(), None);
            config.proxy = Some(Proxies::new(way, &[]));
        }
        change(&mut config);
        let as_seen = Network { resolver: Arc::clone(&network) as _, dialer: Arc::clone(&network) as _ };
        let gateway = Gateway::start(config, as_seen).await.unwrap();
        let to = format!("http://{}", gateway.grpc_address());
        let channel = Endpoint::from_shared(to).unwrap().connect().await.unwrap();
        let client = PushServiceClient::new(channel);
        let before = HashMap::new();
        // The first number is not 0, because a device token of zeros could not be told from a mistake.
        let (next, begun_before) = (1, 0);
        Self {
            simulator,
            gateway,
            network,
            proxy,
            client,
            service,
            tls,
            next,
            before,
            begun_before,
            tasks_before,
        }
    }

    /// Sends the traffic while the script is played, waits until everything is quiet, and audits the accounts.
    pub(crate) async fn run(&mut self, traffic: Traffic, steps: Vec<Step>) -> Result<Totals, Broken> {
        let script = format!("{steps:?}");
        self.balance(traffic, steps).await.map_err(|broken| broken.after(script))
    }

    async fn balance(&mut self, traffic: Traffic, steps: Vec<Step>) -> Result<Totals, Broken> {
        let first = self.next;
        self.next += traffic.pushes;
        let sending = traffic::run(&self.client, traffic, first, self.service);
        let ledger = {
            let mut sending = std::pin::pin!(sending);
            tokio::select! {
                ledger = &mut sending => ledger?,
                () = script::play(self, steps) => sending.await?,
            }
        };
        self.settle().await?;
        let seen = self.take();
        audit(&ledger, &seen)
    }

    /// Sends one push, so that a connection is open and proven.
    pub(crate) async fn warm_up(&mut self) {
        let one = Traffic { callers: 1, batches: 0, ..Traffic::of(1) };
        let totals = self.run(one, Vec::new()).await.unwrap();
        assert_eq!(totals.accepted, 1);
    }

    /// Sends one push after the other until one is accepted: an upstream that was found ill is left alone until a probe
    /// finds it well.
    pub(crate) async fn recovers(&mut self) {
        let one = Traffic { callers: 1, batches: 0, ..Traffic::of(1) };
        loop {
            let totals = self.run(one, Vec::new()).await.unwrap();
            if totals.accepted == 1 {
                break;
            }
            assert_eq!(totals.left_alone, 1, "{totals:?}");
            tokio::task::yield_now().await;
        }
    }

    /// Ends the faults, and waits until permits, waiters, orphans and sockets are as they were before.
    async fn settle(&self) -> Result<(), Broken> {
        self.simulator.clear_faults();
        let quiet = [
            "fanfare_upstream_streams_used{",
            "fanfare_upstream_waiting{",
            "fanfare_upstream_orphans{",
            "fanfare_pushes_in_flight ",
            "fanfare_batch_streams ",
        ];
        for gauge in quiet {
            if !eventually(|| self.metric(gauge, "") == 0.0).await {
                let found = format!("{gauge} is {}", self.metric(gauge, ""));
                return Err(Broken::rule("gauges return to nothing", found));
            }
        }
        if let Some(proxy) = &self.proxy {
            proxy.heal();
        }
        // A connection that a fault has stalled would stay so.
        for connection in self.simulator.open_connections().iter().filter(|it| it.disturbed) {
            // The connection may have closed in the meantime.
            let _ = self.simulator.disconnect(connection.id, HangUp::Reset);
        }
        let even = || self.simulator.counters().connections_open == self.network.open() as u64;
        if !eventually(even).await {
            let (theirs, ours) = (self.simulator.counters().connections_open, self.network.open());
            return Err(Broken::rule(
                "sockets return",
                format!("the gateway holds {ours}, the simulator {theirs}"),
            ));
        }
        Ok(())
    }

    /// The connections as the simulator saw them since the last audit.
    fn take(&mut self) -> Seen {
        let moved = self.network.moved();
        let mut connections = self.simulator.open_connections();
        let closed = self.simulator.take_closed_connections();
        connections.retain(|open| closed.iter().all(|it| it.id != open.id));
        connections.extend(closed);
        let line = |it: &ConnectionInfo| {
            let lost = self.lost(it, &moved);
            let (requests, whole) = self.before.get(&it.id).copied().unwrap_or((0, 0));
            Line {
                id: it.id,
                whole: it.whole - whole,
                partial: (it.requests - requests).saturating_sub(it.whole - whole),
                // To the simulator a fault of the proxy looks like this, and it has answered all the same.
                disturbed: it.disturbed && !lost.struck,
                unheard: (it.unheard && !lost.struck) || lost.down > 0,
                unseen: lost.up,
                undelivered: lost.down,
                one_at_a_time: it.service == Service::Mattermost,
            }
        };
        let lines = connections.iter().map(line).collect();
        let counters = self.simulator.counters();
        let begun = if self.tls { counters.tls_handshakes_done } else { counters.connections_opened };
        let spoke = connections.iter().filter(|it| !self.before.contains_key(&it.id)).count() as u64;
        let silent = (begun - self.begun_before).saturating_sub(spoke);
        self.begun_before = begun;
        self.before =
            connections.iter().filter(|it| it.open).map(|it| (it.id, (it.requests, it.whole))).collect();
        Seen { requests: self.simulator.journal().take(), lines, silent }
    }

    /// How many bytes left one end of a connection and did not come to the other.
    fn lost(&self, it: &ConnectionInfo, moved: &HashMap<u16, Moved>) -> Lost {
        let Some(port) = it.client.map(|client| client.port()) else { return Lost::default() };
        if let Some(proxy) = &self.proxy {
            return proxy.lost(port, it.received, moved);
        }
        let up = moved.get(&port).map_or(0, |socket| socket.written.saturating_sub(it.received));
        Lost { up, ..Lost::default() }
    }

    /// The sum of the samples whose lines have this beginning and contain this text.
    pub(crate) fn metric(&self, begins: &str, contains: &str) -> f64 {
        let page = self.gateway.metrics().page();
        let lines = page.lines().filter(|line| line.starts_with(begins) && line.contains(contains));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    }

    /// How many TCP connections arrived at the simulator.
    pub(crate) fn opened(&self) -> u64 {
        self.simulator.counters().connections_opened
    }

    /// Ends gateway and simulator, and checks that no task and no socket of the gateway is left.
    pub(crate) async fn end(self) {
        let Self { simulator, gateway, network, client, tasks_before, .. } = self;
        assert_eq!(simulator.counters().limit_violations, 0);
        drop(client);
        gateway.shut_down().await;
        assert!(eventually(|| network.open() == 0).await, "{} sockets are left", network.open());
        simulator.shutdown().await;
        assert!(eventually(|| alive_tasks() <= tasks_before).await, "{} tasks are left", alive_tasks());
    }
}

fn alive_tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

/// Waits until `reached` holds. Returns `false` if it does not hold soon.
async fn eventually(reached: impl Fn() -> bool) -> bool {
    let waiting = async {
        while !reached() {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(SOON, waiting).await.is_ok()
}
