//! Why spans were not exported.

/// Why a collector cannot be reached, or took nothing.
#[derive(Debug, thiserror::Error)]
pub enum OtlpError {
    /// Its address cannot be used.
    #[error("the address of the collector cannot be used: {0}")]
    Endpoint(String),
    /// TLS cannot be set up.
    #[error("TLS to the collector cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// It cannot be connected to.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// It broke off, or what it answered is not HTTP.
    #[error("it gave no answer: {0}")]
    NoAnswer(String),
    /// It answered that it did not take them.
    #[error("it answered {0}")]
    Answered(String),
}
