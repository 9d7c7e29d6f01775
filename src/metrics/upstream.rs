//! Metrics of the upstream pool.

use std::sync::Arc;

use fanfare_upstream::{ConnectionState, Observe, ObservePeer, Peer, PeerKind, Report, Upstream};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::bounded::{BoundedLabel, Origins};
use super::paces::{PaceMetrics, PaceObserver};
use super::retries::RetryBudgets;
use super::seconds::seconds;

/// The labels that name a peer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PeerLabels {
    origin: String,
    identity: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PeerStateLabels {
    origin: String,
    identity: String,
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PeerCauseLabels {
    origin: String,
    identity: String,
    cause: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GoAwayLabels {
    origin: String,
    identity: String,
    code: String,
    reason: String,
}

/// The largest error code that HTTP/2 defines. Source: RFC 9113, section 7.
const LAST_CODE: u32 = 13;

/// Metrics of the upstream pool.
#[derive(Clone)]
pub struct UpstreamMetrics {
    peers: Family<KindLabels, Gauge>,
    connections: Family<PeerStateLabels, Gauge>,
    opened: Family<PeerCauseLabels, Counter>,
    connect_failures: Family<PeerCauseLabels, Counter>,
    closed: Family<PeerCauseLabels, Counter>,
    goaways: Family<GoAwayLabels, Counter>,
    goaway_reasons: BoundedLabel,
    origins: Origins,
    retry_budgets: RetryBudgets,
    streams_used: Family<PeerLabels, Gauge>,
    streams_allowed: Family<PeerLabels, Gauge>,
    waiting: Family<PeerLabels, Gauge>,
    wait: Family<PeerLabels, Histogram, fn() -> Histogram>,
    resent: Family<PeerCauseLabels, Counter>,
    unanswered: Family<PeerCauseLabels, Counter>,
    orphans: Family<PeerLabels, Gauge>,
    orphans_ended: Family<PeerCauseLabels, Counter>,
    breakers_open: Family<PeerLabels, Gauge>,
    breakers_opened: Family<PeerCauseLabels, Counter>,
    /// The paces of peers, and of quotas that are not a peer's.
    pub(crate) paces: PaceMetrics,
}

impl UpstreamMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let origins = Origins::default();
        let metrics = Self {
            peers: Family::default(),
            connections: Family::default(),
            opened: Family::default(),
            connect_failures: Family::default(),
            closed: Family::default(),
            goaways: Family::default(),
            goaway_reasons: BoundedLabel::default(),
            retry_budgets: RetryBudgets::new(origins.clone()),
            origins,
            streams_used: Family::default(),
            streams_allowed: Family::default(),
            waiting: Family::default(),
            wait: Family::new_with_constructor(seconds),
            resent: Family::default(),
            unanswered: Family::default(),
            orphans: Family::default(),
            orphans_ended: Family::default(),
            breakers_open: Family::default(),
            breakers_opened: Family::default(),
            paces: PaceMetrics::register(registry),
        };
        registry.register_collector(Box::new(metrics.retry_budgets.clone()));
        registry.register(
            "breaker_peers_open",
            "Peers that are left alone, because they fail",
            metrics.breakers_open.clone(),
        );
        registry.register(
            "breaker_peers_opened",
            "Times that a peer began to be left alone, by what was wrong with it",
            metrics.breakers_opened.clone(),
        );
        let pool = registry.sub_registry_with_prefix("upstream");
        pool.register("peers", "Upstream peers, by who named them", metrics.peers.clone());
        pool.register("connections", "Connections by state", metrics.connections.clone());
        pool.register("connections_opened", "Connections opened, by cause", metrics.opened.clone());
        pool.register("connect_failures", "Connects that failed, by cause", metrics.connect_failures.clone());
        pool.register("connections_closed", "Connections closed, by cause", metrics.closed.clone());
        pool.register(
            "goaways",
            "GOAWAYs that came, by code and by the reason in their debug data",
            metrics.goaways.clone(),
        );
        pool.register("streams_used", "Streams in use", metrics.streams_used.clone());
        pool.register(
            "streams_allowed",
            "Streams that the peer allows, over its connections",
            metrics.streams_allowed.clone(),
        );
        pool.register("waiting", "Pushes that wait for a stream", metrics.waiting.clone());
        pool.register_with_unit(
            "wait",
            "Time waited for a stream, by those that had to",
            Unit::Seconds,
            metrics.wait.clone(),
        );
        pool.register(
            "resent",
            "Requests sent again because they were provably not processed, by cause",
            metrics.resent.clone(),
        );
        pool.register(
            "unanswered",
            "Requests that were sent and not answered, by cause",
            metrics.unanswered.clone(),
        );
        pool.register("orphans", "Requests in flight whose callers have left", metrics.orphans.clone());
        pool.register(
            "orphans_ended",
            "Requests whose callers had left, by how they ended",
            metrics.orphans_ended.clone(),
        );
        metrics
    }

    /// Shows what is left of the budgets of retries of these peers. A gateway has one such pool.
    pub(crate) fn show(&self, upstream: &Arc<Upstream>) {
        self.retry_budgets.show(upstream);
    }

    /// The handles of one peer. Peers that have the same labels share them: gauges go up and down, and are never set.
    fn handles(&self, labels: &PeerLabels, peers: Gauge) -> PeerMetrics {
        let PeerLabels { origin, identity } = labels;
        let state = |state| {
            let (origin, identity) = (origin.clone(), identity.clone());
            self.connections.get_or_create_owned(&PeerStateLabels { origin, identity, state })
        };
        PeerMetrics {
            connecting: state("connecting"),
            warming: state("warming"),
            open: state("open"),
            draining: state("draining"),
            streams_used: self.streams_used.get_or_create_owned(labels),
            streams_allowed: self.streams_allowed.get_or_create_owned(labels),
            waiting: self.waiting.get_or_create_owned(labels),
            wait: self.wait.get_or_create_owned(labels),
            orphans: self.orphans.get_or_create_owned(labels),
            breaker: self.breakers_open.get_or_create_owned(labels),
            pace: self.paces.of(origin.clone(), identity.clone()),
            peers,
            families: self.clone(),
            labels: labels.clone(),
        }
    }
}

impl Observe for UpstreamMetrics {
    fn peer(&self, peer: &Peer, kind: PeerKind) -> Box<dyn ObservePeer> {
        let origin = self.origins.label(&peer.origin, kind);
        let peers = self.peers.get_or_create_owned(&KindLabels { kind: kind.name() });
        peers.inc();
        Box::new(self.handles(&PeerLabels { origin, identity: peer.identity.to_string() }, peers))
    }
}

/// The handles of one peer.
struct PeerMetrics {
    connecting: Gauge,
    warming: Gauge,
    open: Gauge,
    draining: Gauge,
    streams_used: Gauge,
    streams_allowed: Gauge,
    waiting: Gauge,
    wait: Histogram,
    orphans: Gauge,
    breaker: Gauge,
    pace: PaceObserver,
    /// All peers of the kind.
    peers: Gauge,
    /// Failures are rare, and looked up by their labels.
    families: UpstreamMetrics,
    labels: PeerLabels,
}

impl ObservePeer for PeerMetrics {
    fn report(&self, report: Report<'_>) {
        let families = &self.families;
        match report {
            Report::StreamsUsed(change) => _ = self.streams_used.inc_by(change),
            Report::StreamsAllowed(change) => _ = self.streams_allowed.inc_by(change),
            Report::Connection { from, to } => {
                from.map(|state| self.connections(state).dec());
                to.map(|state| self.connections(state).inc());
            }
            Report::WaitBegan => _ = self.waiting.inc(),
            Report::WaitEnded(waited) => {
                self.waiting.dec();
                self.wait.observe(waited.as_secs_f64());
            }
            Report::Forgotten => _ = self.peers.dec(),
            Report::Orphans(change) => _ = self.orphans.inc_by(change),
            Report::OrphanEnded(how) => self.count(&families.orphans_ended, how),
            Report::BreakerOpened(cause) => {
                self.breaker.inc();
                self.count(&families.breakers_opened, cause);
            }
            Report::BreakerClosed => _ = self.breaker.dec(),
            Report::Opened(cause) => self.count(&families.opened, cause.name()),
            Report::ConnectFailed(cause) => self.count(&families.connect_failures, cause),
            Report::Closed(cause) => self.count(&families.closed, cause.name()),
            Report::Resent(cause) => self.count(&families.resent, cause),
            Report::Unanswered(cause) => self.count(&families.unanswered, cause),
            Report::GoAway { code, reason } => self.goaway(code, reason),
            Report::Pace(report) => self.pace.pace(report),
            Report::RetryRefused => self.pace.retry_refused(),
            // A report that this version does not know is not counted.
            _ => {}
        }
    }
}

impl PeerMetrics {
    fn connections(&self, state: ConnectionState) -> &Gauge {
        match state {
            ConnectionState::Connecting => &self.connecting,
            ConnectionState::Warming => &self.warming,
            ConnectionState::Open => &self.open,
            ConnectionState::Draining => &self.draining,
        }
    }

    fn count(&self, family: &Family<PeerCauseLabels, Counter>, cause: &'static str) {
        let PeerLabels { origin, identity } = self.labels.clone();
        family.get_or_create(&PeerCauseLabels { origin, identity, cause }).inc();
    }

    /// The peer chooses the reason of its GOAWAY, so that beyond some distinct ones it is `other`.
    fn goaway(&self, code: u32, reason: &str) {
        let PeerLabels { origin, identity } = self.labels.clone();
        let reason = self.families.goaway_reasons.value(reason);
        let code = if code <= LAST_CODE { code.to_string() } else { "other".to_owned() };
        self.families.goaways.get_or_create(&GoAwayLabels { origin, identity, code, reason }).inc();
    }
}
