//! Why no connection could be made: nothing was sent.

use std::io;
use std::net::SocketAddr;

use super::peer::Origin;

/// Why no connection could be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The name could not be resolved.
    #[error("cannot resolve {host}: {source}")]
    Resolve {
        /// The name.
        host: String,
        /// Why.
        source: io::Error,
    },
    /// The name has no address.
    #[error("{host} has no address")]
    NoAddress {
        /// The name.
        host: String,
    },
    /// The name, or the address that stands in its place, leads to no public address, and to others it may not
    /// (`web_push.private_addresses`).
    #[error("{host} has no public address")]
    NotPublic {
        /// The name.
        host: String,
    },
    /// TCP said no.
    #[error("cannot connect to {address}: {source}")]
    Tcp {
        /// The last address tried.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Resolving, TCP, TLS and the first SETTINGS together took longer than `upstream.connect_timeout`.
    #[error("cannot connect to {host}: no connection within {seconds} s")]
    Timeout {
        /// The name.
        host: String,
        /// The limit.
        seconds: f64,
    },
    /// TLS failed, such as a certificate that does not verify.
    #[error("TLS with {host} failed: {source}")]
    Tls {
        /// The name.
        host: String,
        /// Why.
        source: io::Error,
    },
    /// The peer does not speak HTTP/2.
    #[error("{host} does not offer HTTP/2")]
    NotHttp2 {
        /// The name.
        host: String,
    },
    /// The peer hung up before it spoke HTTP/2.
    #[error("{host} hung up before its first SETTINGS")]
    NoSettings {
        /// The name.
        host: String,
    },
    /// The proxy did not open a way to the peer.
    #[error("the proxy {proxy} refused to connect to {host}: status {status}{}", hint(*status))]
    ProxyRefused {
        /// The proxy.
        proxy: Origin,
        /// The peer.
        host: String,
        /// The proxy's status.
        status: u16,
    },
    /// The proxy could not be asked.
    #[error("the proxy {proxy} could not be asked for a way to {host}: {source}")]
    Proxy {
        /// The proxy.
        proxy: Origin,
        /// The peer.
        host: String,
        /// Why.
        source: hyper::Error,
    },
    /// HTTP/1.1 could not begin.
    #[error("HTTP/1.1 with {host} failed: {source}")]
    Http1 {
        /// The name.
        host: String,
        /// Why.
        source: hyper::Error,
    },
    /// HTTP/2 could not begin.
    #[error("HTTP/2 with {host} failed: {source}")]
    Handshake {
        /// The name.
        host: String,
        /// Why.
        source: h2::Error,
    },
}

impl ConnectError {
    /// Whether whoever named the peer is at fault, and not the way to it.
    pub(super) fn is_forbidden(&self) -> bool {
        matches!(self, Self::NotPublic { .. })
    }

    /// Its name in metrics.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        match self {
            Self::Resolve { .. } | Self::NoAddress { .. } => "resolve",
            Self::NotPublic { .. } => "not_public",
            Self::Tcp { .. } => "tcp",
            Self::Timeout { .. } => "timeout",
            Self::Tls { .. } => "tls",
            Self::NotHttp2 { .. } => "alpn",
            Self::ProxyRefused { .. } | Self::Proxy { .. } => "proxy",
            Self::NoSettings { .. } | Self::Handshake { .. } | Self::Http1 { .. } => "handshake",
        }
    }
}

/// What the commonest refusal of a proxy asks for. Source: RFC 9110, section 15.5.8.
fn hint(status: u16) -> &'static str {
    if status == 407 { " (it wants other credentials: proxy.credentials_file)" } else { "" }
}
