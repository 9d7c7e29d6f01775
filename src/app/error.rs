//! Why a gateway with a good configuration cannot start, or go on with it.

use std::io;
use std::net::SocketAddr;

use fanfare_upstream::TooManyPeers;

use crate::listener::ServerTlsError;

/// Why the gateway cannot start. Keys and certificates are not among the reasons: they were parsed with the configuration.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A listener cannot listen.
    #[error("{key} = {address} cannot be listened on: {source}")]
    Listen {
        /// The configuration's key.
        key: String,
        /// The address.
        address: SocketAddr,
        /// Why the operating system refuses it.
        source: io::Error,
    },
    /// The configuration names too many upstreams.
    #[error(transparent)]
    TooManyPeers(#[from] TooManyPeers),
    /// The listeners cannot ask for the certificates of callers.
    #[error(transparent)]
    Tls(#[from] ServerTlsError),
    /// Reflection cannot be served.
    #[error("gRPC reflection cannot be served: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Why a configuration cannot be used. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// It names more peers than may be.
    #[error(transparent)]
    Peers(#[from] TooManyPeers),
    /// The listeners cannot ask for the certificates of its callers.
    #[error(transparent)]
    Tls(#[from] ServerTlsError),
}
