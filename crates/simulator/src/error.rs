//! Why a simulator does not start.

use std::io;
use std::net::SocketAddr;

/// Why a simulator did not start, or could not make a key or certificate.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// The reason of the operating system.
        #[source]
        source: io::Error,
    },
    /// A certificate or key could not be made, which an invalid name can cause.
    #[error("cannot make a certificate or key")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library refused a certificate.
    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),
    /// The TLS library refused the CA of the client certificates.
    #[error("cannot set up the check of client certificates")]
    ClientVerifier(#[from] rustls::server::VerifierBuilderError),
    /// A provider token could not be signed.
    #[error("cannot sign a provider token")]
    Sign(#[from] jsonwebtoken::errors::Error),
    /// The keys of a subscription could not be made.
    #[error("cannot make the keys of a subscription")]
    Subscription(#[from] aws_lc_rs::error::Unspecified),
}
