//! Metrics of the upstream pool.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::seconds;

/// The labels that name a peer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PeerLabels {
    /// The origin of the peer.
    pub origin: String,
    /// Who the gateway is to the peer.
    pub identity: String,
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
    code: u32,
    reason: String,
}

/// Label values that others choose. Only the first of them keep their name, so that their number is bounded.
#[derive(Debug, Clone, Default)]
struct BoundedLabel(Arc<Mutex<BTreeSet<String>>>);

impl BoundedLabel {
    const MOST: usize = 32;

    fn value(&self, value: &str) -> String {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = known.contains(value) || known.len() < Self::MOST && known.insert(value.to_owned());
        if fits { value.to_owned() } else { "other".to_owned() }
    }
}

/// Metrics of the upstream pool.
#[derive(Clone)]
pub struct UpstreamMetrics {
    connections: Family<PeerStateLabels, Gauge>,
    opened: Family<PeerCauseLabels, Counter>,
    connect_failures: Family<PeerCauseLabels, Counter>,
    closed: Family<PeerCauseLabels, Counter>,
    goaways: Family<GoAwayLabels, Counter>,
    goaway_reasons: BoundedLabel,
    unnamed_origins: BoundedLabel,
    streams_used: Family<PeerLabels, Gauge>,
    streams_allowed: Family<PeerLabels, Gauge>,
    waiting: Family<PeerLabels, Gauge>,
    wait: Family<PeerLabels, Histogram, fn() -> Histogram>,
    resent: Family<PeerCauseLabels, Counter>,
    unanswered: Family<PeerCauseLabels, Counter>,
    orphans: Family<PeerLabels, Gauge>,
    orphans_ended: Family<PeerCauseLabels, Counter>,
}

impl UpstreamMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            connections: Family::default(),
            opened: Family::default(),
            connect_failures: Family::default(),
            closed: Family::default(),
            goaways: Family::default(),
            goaway_reasons: BoundedLabel::default(),
            unnamed_origins: BoundedLabel::default(),
            streams_used: Family::default(),
            streams_allowed: Family::default(),
            waiting: Family::default(),
            wait: Family::new_with_constructor(seconds),
            resent: Family::default(),
            unanswered: Family::default(),
            orphans: Family::default(),
            orphans_ended: Family::default(),
        };
        let pool = registry.sub_registry_with_prefix("upstream");
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

    /// Returns the label of an origin that the operator did not name: the first ones keep their name, and those beyond are
    /// called `other`.
    pub(crate) fn unnamed_origin(&self, origin: &str) -> String {
        self.unnamed_origins.value(origin)
    }

    /// Returns the handles of one peer. Peers with the same labels share them, so gauges go up and down, and are never set.
    #[must_use]
    pub fn peer(&self, labels: &PeerLabels) -> PeerMetrics {
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
            families: self.clone(),
            labels: labels.clone(),
        }
    }
}

/// The handles of one peer.
pub struct PeerMetrics {
    connecting: Gauge,
    warming: Gauge,
    open: Gauge,
    draining: Gauge,
    /// The number of streams in use.
    pub(crate) streams_used: Gauge,
    /// The number of streams that the peer allows.
    pub(crate) streams_allowed: Gauge,
    waiting: Gauge,
    wait: Histogram,
    /// The number of requests in flight whose callers have left.
    pub(crate) orphans: Gauge,
    /// Rare events, such as failures, are looked up by their labels when they happen.
    families: UpstreamMetrics,
    labels: PeerLabels,
}

/// A state that a connection is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectionState {
    Connecting,
    Warming,
    Open,
    Draining,
}

impl PeerMetrics {
    pub(crate) fn connections(&self, state: ConnectionState) -> &Gauge {
        match state {
            ConnectionState::Connecting => &self.connecting,
            ConnectionState::Warming => &self.warming,
            ConnectionState::Open => &self.open,
            ConnectionState::Draining => &self.draining,
        }
    }

    pub(crate) fn opened(&self, cause: &'static str) {
        self.families.opened.get_or_create(&self.because(cause)).inc();
    }

    /// Counts a GOAWAY. The peer chooses the reason, so beyond some distinct ones it is called `other`.
    pub(crate) fn goaway(&self, code: u32, reason: &str) {
        let PeerLabels { origin, identity } = self.labels.clone();
        let reason = self.families.goaway_reasons.value(reason);
        self.families.goaways.get_or_create(&GoAwayLabels { origin, identity, code, reason }).inc();
    }

    pub(crate) fn closed(&self, cause: &'static str) {
        self.families.closed.get_or_create(&self.because(cause)).inc();
    }

    pub(crate) fn connect_failed(&self, cause: &'static str) {
        self.families.connect_failures.get_or_create(&self.because(cause)).inc();
    }

    pub(crate) fn resent(&self, cause: &'static str) {
        self.families.resent.get_or_create(&self.because(cause)).inc();
    }

    pub(crate) fn unanswered(&self, cause: &'static str) {
        self.families.unanswered.get_or_create(&self.because(cause)).inc();
    }

    pub(crate) fn orphan_ended(&self, how: &'static str) {
        self.families.orphans_ended.get_or_create(&self.because(how)).inc();
    }

    /// Counts a wait for a stream from here to the drop of what it returns.
    pub(crate) fn wait(&self) -> Waiting<'_> {
        self.waiting.inc();
        Waiting { metrics: self, since: Instant::now() }
    }

    fn because(&self, cause: &'static str) -> PeerCauseLabels {
        let PeerLabels { origin, identity } = self.labels.clone();
        PeerCauseLabels { origin, identity, cause }
    }
}

/// A wait for a stream that is being counted.
pub(crate) struct Waiting<'a> {
    metrics: &'a PeerMetrics,
    since: Instant,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.metrics.waiting.dec();
        self.metrics.wait.observe(self.since.elapsed().as_secs_f64());
    }
}
