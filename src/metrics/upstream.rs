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

use super::seconds::seconds;

/// Names a peer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PeerLabels {
    /// Its origin.
    pub origin: String,
    /// Who we are to it.
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

/// Label values that others choose: the first of them, so that they are bounded.
#[derive(Debug, Clone, Default)]
struct Bounded(Arc<Mutex<BTreeSet<String>>>);

impl Bounded {
    const MOST: usize = 32;

    fn bounded(&self, value: &str) -> String {
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
    goaway_reasons: Bounded,
    unnamed_origins: Bounded,
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
        let it = Self {
            connections: Family::default(),
            opened: Family::default(),
            connect_failures: Family::default(),
            closed: Family::default(),
            goaways: Family::default(),
            goaway_reasons: Bounded::default(),
            unnamed_origins: Bounded::default(),
            streams_used: Family::default(),
            streams_allowed: Family::default(),
            waiting: Family::default(),
            wait: Family::new_with_constructor(seconds),
            resent: Family::default(),
            unanswered: Family::default(),
            orphans: Family::default(),
            orphans_ended: Family::default(),
        };
        let r = registry.sub_registry_with_prefix("upstream");
        r.register("connections", "Connections by state", it.connections.clone());
        r.register("connections_opened", "Connections opened, by cause", it.opened.clone());
        r.register("connect_failures", "Connects that failed, by cause", it.connect_failures.clone());
        r.register("connections_closed", "Connections closed, by cause", it.closed.clone());
        r.register(
            "goaways",
            "GOAWAYs that came, by code and by the reason in their debug data",
            it.goaways.clone(),
        );
        r.register("streams_used", "Streams in use", it.streams_used.clone());
        r.register(
            "streams_allowed",
            "Streams that the peer allows, over its connections",
            it.streams_allowed.clone(),
        );
        r.register("waiting", "Pushes that wait for a stream", it.waiting.clone());
        r.register_with_unit(
            "wait",
            "Time waited for a stream, by those that had to",
            Unit::Seconds,
            it.wait.clone(),
        );
        r.register(
            "resent",
            "Requests sent again because they were provably not processed, by cause",
            it.resent.clone(),
        );
        r.register("unanswered", "Requests that were sent and not answered, by cause", it.unanswered.clone());
        r.register("orphans", "Requests in flight whose callers have left", it.orphans.clone());
        r.register(
            "orphans_ended",
            "Requests whose callers had left, by how they ended",
            it.orphans_ended.clone(),
        );
        it
    }

    /// What an origin that the operator did not name is called: the first ones by themselves, those beyond `other`.
    pub(crate) fn unnamed_origin(&self, origin: &str) -> String {
        self.unnamed_origins.bounded(origin)
    }

    /// The handles of one peer. Peers that are called alike share them: gauges go up and down, and are never set.
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
    /// Streams in use.
    pub(crate) streams_used: Gauge,
    /// Streams that the peer allows.
    pub(crate) streams_allowed: Gauge,
    waiting: Gauge,
    wait: Histogram,
    /// Requests whose callers have left.
    pub(crate) orphans: Gauge,
    /// For what is rare: failures are counted by label.
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

    /// The peer said GOAWAY. What it gives as reason is its own; beyond some distinct ones they are `other`.
    pub(crate) fn goaway(&self, code: u32, reason: &str) {
        let PeerLabels { origin, identity } = self.labels.clone();
        let reason = self.families.goaway_reasons.bounded(reason);
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

/// A wait that is being counted.
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
