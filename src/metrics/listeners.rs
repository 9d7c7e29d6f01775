//! Metrics of the listeners.

use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Why a connection is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectionRefusal {
    /// The listener has as many connections as it may have.
    MaxConnections,
    /// The address has as many connections as it may have.
    PerAddress,
    /// The client did not begin in time.
    HandshakeTimeout,
    /// TLS was not agreed on.
    Tls,
    /// A trusted proxy sent no PROXY header, or none that can be read.
    ProxyHeader,
    /// The process has no descriptor left.
    Descriptors,
    /// The head of a call over HTTP/1.1 was malformed or too large, so that the connection ends.
    Head,
}

impl ConnectionRefusal {
    const ALL: [Self; 7] = [
        Self::MaxConnections,
        Self::PerAddress,
        Self::HandshakeTimeout,
        Self::Tls,
        Self::ProxyHeader,
        Self::Descriptors,
        Self::Head,
    ];

    /// Returns the name in metrics and in the log.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::MaxConnections => "max_connections",
            Self::PerAddress => "per_address",
            Self::HandshakeTimeout => "handshake_timeout",
            Self::Tls => "tls",
            Self::ProxyHeader => "proxy_header",
            Self::Descriptors => "descriptors",
            Self::Head => "head",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ListenerLabels {
    listener: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    listener: String,
    reason: &'static str,
}

/// Metrics of all listeners.
#[derive(Clone, Default)]
pub struct ListenersMetrics {
    connections: Family<ListenerLabels, Gauge>,
    refused: Family<RefusalLabels, Counter>,
}

impl ListenersMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let listener = registry.sub_registry_with_prefix("listener");
        listener.register("connections", "Open connections of a listener", metrics.connections.clone());
        listener.register(
            "refused",
            "Connections that were not served, or no longer, by reason, and for descriptors the times that none could be accepted",
            metrics.refused.clone(),
        );
        metrics
    }

    /// Returns the handles of one listener. Its counters exist from now on.
    #[must_use]
    pub fn listener(&self, listener: &str) -> ListenerMetrics {
        let counter = |reason: ConnectionRefusal| {
            self.refused
                .get_or_create_owned(&RefusalLabels { listener: listener.to_owned(), reason: reason.name() })
        };
        ListenerMetrics {
            connections: self
                .connections
                .get_or_create_owned(&ListenerLabels { listener: listener.to_owned() }),
            refused: Arc::new(ConnectionRefusal::ALL.map(counter)),
        }
    }
}

/// The handles of one listener.
#[derive(Clone)]
pub struct ListenerMetrics {
    connections: Gauge,
    /// In the order of [`ConnectionRefusal::ALL`].
    refused: Arc<[Counter; ConnectionRefusal::ALL.len()]>,
}

impl ListenerMetrics {
    /// Counts an open connection until what is returned is dropped.
    #[must_use]
    pub(crate) fn open(&self) -> OpenConnection {
        self.connections.inc();
        OpenConnection(self.connections.clone())
    }

    /// Counts a connection that was not served.
    pub(crate) fn refused(&self, reason: ConnectionRefusal) {
        let counted = ConnectionRefusal::ALL.iter().zip(self.refused.iter()).find(|(it, _)| **it == reason);
        if let Some((_, counter)) = counted {
            counter.inc();
        }
    }
}

/// An open connection, which is counted until this is dropped.
pub(crate) struct OpenConnection(Gauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}
