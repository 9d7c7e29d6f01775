//! Why no connection could be made. Nothing was sent then.
//!
//! The texts of these errors are shown by programs that use the pool, so they do not change. Some of them name a key of
//! a configuration file, where a program has one.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rustls::AlertDescription;

use crate::origin::Origin;

/// Why no connection could be made. No request was sent.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The name could not be resolved.
    #[error("cannot resolve {host}: {source}")]
    Resolve {
        /// The host that the connection was for.
        host: String,
        /// What went wrong.
        source: io::Error,
    },
    /// The name resolves to no address.
    #[error("{host} has no address")]
    NoAddress {
        /// The host that the connection was for.
        host: String,
    },
    /// The host has no public address, and the peer may be reached only at such ones
    /// ([`Reach::Public`](crate::Reach::Public)).
    #[error("{host} has no public address")]
    NotPublic {
        /// The host that the connection was for.
        host: String,
    },
    /// The address could not be dialled.
    #[error("cannot connect to {address}: {source}")]
    Tcp {
        /// The address.
        address: SocketAddr,
        /// What went wrong.
        source: io::Error,
    },
    /// Resolving, TCP, TLS and the first SETTINGS together took longer than
    /// [`UpstreamSettings::connect_timeout`](crate::UpstreamSettings::connect_timeout).
    #[error("cannot connect to {host}: no connection within {seconds} s")]
    Timeout {
        /// The host that the connection was for.
        host: String,
        /// The limit, in seconds.
        seconds: f64,
    },
    /// The host is a stranger's, and strangers use all that they may take of look-ups or connections.
    #[error(
        "cannot connect to {host} now: hosts that only subscriptions name use all that they may ({setting})"
    )]
    Crowded {
        /// The host that the connection was for.
        host: String,
        /// The setting that bounds it.
        setting: &'static str,
    },
    /// TLS failed, for instance because the peer's certificate does not verify.
    #[error("TLS with {host} failed: {source}")]
    Tls {
        /// The host that the connection was for.
        host: String,
        /// What went wrong.
        source: io::Error,
    },
    /// The peer did not agree on HTTP/2 in TLS, and it may be spoken to in no other way.
    #[error("{host} does not offer HTTP/2")]
    NotHttp2 {
        /// The host that the connection was for.
        host: String,
    },
    /// The peer closed the connection before it spoke HTTP/2.
    #[error("{host} hung up before its first SETTINGS")]
    NoSettings {
        /// The host that the connection was for.
        host: String,
    },
    /// The proxy refused to connect to the peer.
    #[error("the proxy {proxy} refused to connect to {host}: status {status}{}", hint(*status))]
    ProxyRefused {
        /// The origin of the proxy.
        proxy: Origin,
        /// The host of the peer.
        host: String,
        /// The status code of the proxy's answer.
        status: u16,
    },
    /// The proxy could not be asked to connect to the peer.
    #[error("the proxy {proxy} could not be asked for a way to {host}: {source}")]
    Proxy {
        /// The origin of the proxy.
        proxy: Origin,
        /// The host of the peer.
        host: String,
        /// What went wrong.
        source: hyper::Error,
    },
    /// HTTP/1.1 could not be begun.
    #[error("HTTP/1.1 with {host} failed: {source}")]
    Http1 {
        /// The host that the connection was for.
        host: String,
        /// What went wrong.
        source: hyper::Error,
    },
    /// HTTP/2 could not be begun.
    #[error("HTTP/2 with {host} failed: {source}")]
    Handshake {
        /// The host that the connection was for.
        host: String,
        /// What went wrong.
        source: io::Error,
    },
}

impl ConnectError {
    pub(crate) fn timeout(origin: &Origin, limit: Duration) -> Self {
        Self::Timeout { host: origin.host().to_owned(), seconds: limit.as_secs_f64() }
    }

    /// Whether the peer was not even tried, because others use all that there is for such peers.
    #[must_use]
    pub fn is_crowded(&self) -> bool {
        matches!(self, Self::Crowded { .. })
    }

    /// Whether no connection to the peer may be made, however often it is tried.
    pub(crate) fn is_forbidden(&self) -> bool {
        matches!(self, Self::NotPublic { .. })
    }

    /// What the peer has against the client certificate that it was shown, or against there being none: the name of its
    /// TLS alert. None where the connect failed for another reason. Over TLS 1.3 a peer says this only after the
    /// handshake, in place of its first SETTINGS; over HTTP/1.1 it says it to the first request, which this does not see.
    ///
    /// Source: RFC 8446, section 6.2.
    #[must_use]
    pub fn refused_certificate(&self) -> Option<&'static str> {
        let (Self::Tls { source, .. } | Self::Handshake { source, .. }) = self else { return None };
        certificate_alert(source)
    }

    /// The name of the cause for logs and metrics. It is lower case, and does not change.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        match self {
            Self::Resolve { .. } | Self::NoAddress { .. } => "resolve",
            Self::NotPublic { .. } => "not_public",
            Self::Tcp { .. } => "tcp",
            Self::Timeout { .. } => "timeout",
            Self::Crowded { .. } => "crowded",
            Self::Tls { .. } => "tls",
            Self::NotHttp2 { .. } => "alpn",
            Self::ProxyRefused { .. } | Self::Proxy { .. } => "proxy",
            Self::NoSettings { .. } | Self::Handshake { .. } | Self::Http1 { .. } => "handshake",
        }
    }
}

/// The alerts that say what a peer has against a client certificate, by their names.
///
/// Source: RFC 8446, section 6.2.
const CERTIFICATE_ALERTS: [(AlertDescription, &str); 8] = [
    (AlertDescription::BadCertificate, "bad_certificate"),
    (AlertDescription::UnsupportedCertificate, "unsupported_certificate"),
    (AlertDescription::CertificateRevoked, "certificate_revoked"),
    (AlertDescription::CertificateExpired, "certificate_expired"),
    (AlertDescription::CertificateUnknown, "certificate_unknown"),
    (AlertDescription::UnknownCA, "unknown_ca"),
    (AlertDescription::AccessDenied, "access_denied"),
    (AlertDescription::CertificateRequired, "certificate_required"),
];

/// The name of the alert by which a peer refuses a client certificate; none where a socket failed otherwise.
pub(crate) fn certificate_alert(error: &io::Error) -> Option<&'static str> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    let rustls::Error::AlertReceived(received) = error else { return None };
    CERTIFICATE_ALERTS.iter().find(|(alert, _)| alert == received).map(|(_, name)| *name)
}

/// What the commonest refusal of a proxy asks for: other credentials. Source: RFC 9110, section 15.5.8.
fn hint(status: u16) -> &'static str {
    if status == 407 { " (it wants other credentials: proxy.credentials_file)" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_about_the_certificate_is_told_from_other_failures() {
        let failed = |error: io::Error| {
            let host = || "push.test".to_owned();
            let tls =
                ConnectError::Tls { host: host(), source: io::Error::new(error.kind(), error.to_string()) };
            assert_eq!(tls.refused_certificate(), None, "words alone say nothing");
            ConnectError::Handshake { host: host(), source: error }.refused_certificate()
        };
        let alert =
            |alert| failed(io::Error::new(io::ErrorKind::InvalidData, rustls::Error::AlertReceived(alert)));
        assert_eq!(alert(AlertDescription::CertificateExpired), Some("certificate_expired"));
        assert_eq!(alert(AlertDescription::HandshakeFailure), None);
        assert_eq!(failed(io::ErrorKind::ConnectionReset.into()), None);
    }
}
