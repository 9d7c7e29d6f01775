//! What a listener may be told.

use std::net::SocketAddr;
use std::time::Duration;

use ipnet::IpNet;

use super::age::AgeSettings;
use super::tls::ServerTls;

/// A listener and its limits.
#[derive(Debug, Clone)]
pub struct ListenerSettings {
    /// The address on which it listens.
    pub listen: SocketAddr,
    /// TLS, without which the listener speaks in plaintext.
    pub tls: Option<ServerTls>,
    /// How long a new connection may take until its HTTP begins: over HTTP/2 the PROXY header, TLS, the preface and the
    /// client's SETTINGS, over HTTP/1.1 the first request.
    pub handshake_timeout: Duration,
    /// A connection without calls is told to go after this time.
    pub idle_timeout: Duration,
    /// The most connections.
    pub max_connections: usize,
    /// The most connections from one address, if that is limited. The addresses of an IPv6 network of 64 bits count as one.
    pub max_connections_per_address: Option<usize>,
    /// Proxies whose connections begin with a PROXY header, which says where they come from.
    pub trusted_proxies: Vec<IpNet>,
    /// A connection that has answers waiting and takes none of them is closed after this time.
    pub answer_stall_timeout: Duration,
    /// For how much longer such a connection is kept while it has answers that watch over themselves
    /// ([`WatchedByItself`](super::WatchedByItself)), so that these end by their own rule.
    pub own_stall_timeout: Duration,
    /// How old a connection grows, if that is limited.
    pub age: Option<AgeSettings>,
}

impl ListenerSettings {
    /// Makes the default settings of a listener on this address.
    #[must_use]
    pub fn on(listen: SocketAddr) -> Self {
        Self {
            listen,
            tls: None,
            handshake_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(15 * 60),
            max_connections: 10_000,
            max_connections_per_address: None,
            trusted_proxies: Vec::new(),
            answer_stall_timeout: Duration::from_secs(60),
            own_stall_timeout: Duration::from_secs(60),
            age: None,
        }
    }
}
