//! Where a peer is: scheme, host and port.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use http::uri::Authority;
use rustls::pki_types::ServerName;

/// Scheme, host and port of a peer. It is parsed from a text such as `https://example.com:8443`, which may have no
/// path.
///
/// Host names are compared in lower case, and a default port is the same as none.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    tls: bool,
    host: Arc<str>,
    port: u16,
    authority: Authority,
}

/// A text that is no origin. The error says which text, and why.
#[derive(Debug, thiserror::Error)]
#[error(
    "expected an origin such as https://api.push.apple.com or https://localhost:2197, found {found:?}: {why}"
)]
pub struct InvalidOrigin {
    found: String,
    why: &'static str,
}

impl Origin {
    /// Whether the scheme is `https`.
    #[must_use]
    pub fn tls(&self) -> bool {
        self.tls
    }

    /// The host: a name, or an address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The authority of requests to the origin. It has no port where that is the default of the scheme.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Host and port, also where the port is the default, as CONNECT asks for them.
    pub(crate) fn host_and_port(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    /// The scheme: `https` or `http`.
    #[must_use]
    pub fn scheme(&self) -> http::uri::Scheme {
        if self.tls { http::uri::Scheme::HTTPS } else { http::uri::Scheme::HTTP }
    }
}

impl Origin {
    /// The origin `https://<host>`, for a name that is written in the code.
    ///
    /// # Panics
    /// It panics if the name is no host.
    #[must_use]
    pub fn https(host: &'static str) -> Self {
        Self { tls: true, host: host.into(), port: 443, authority: Authority::from_static(host) }
    }

    /// The origin `http://<host>`, for a name that is written in the code.
    ///
    /// # Panics
    /// It panics if the name is no host.
    #[must_use]
    pub fn http(host: &'static str) -> Self {
        Self { tls: false, host: host.into(), port: 80, authority: Authority::from_static(host) }
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = |why| InvalidOrigin { found: text.to_owned(), why };
        let uri: http::Uri = text.parse().map_err(|_| invalid("it is no URL"))?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            Some(_) | None => return Err(invalid("it begins neither with https:// nor with http://")),
        };
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(invalid("it has a path"));
        }
        let authority = uri.authority().ok_or_else(|| invalid("it has no host"))?;
        if authority.as_str().contains('@') {
            return Err(invalid("it has a user"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if ServerName::try_from(host).is_err() {
            return Err(invalid("its host is neither a name nor an address"));
        }
        // `Authority::port` is `None` both for no port and for a port that is no number.
        let written = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
        let port = match written.strip_prefix(':') {
            Some(port) => port.parse().map_err(|_| invalid("its port is no port"))?,
            None if tls => 443,
            None => 80,
        };
        let host = host.to_ascii_lowercase();
        let written = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let default = if tls { 443 } else { 80 };
        let written = if port == default { written } else { format!("{written}:{port}") };
        let authority = written.parse().map_err(|_| invalid("its host is neither a name nor an address"))?;
        Ok(Self { tls, host: host.into(), port, authority })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme(), self.authority())
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_scheme_host_and_port() {
        for (text, host, port, authority) in [
            ("https://api.push.apple.com", "api.push.apple.com", 443, "api.push.apple.com"),
            ("https://localhost:2197/", "localhost", 2197, "localhost:2197"),
            ("https://[::1]:2197", "::1", 2197, "[::1]:2197"),
            ("http://127.0.0.1:80", "127.0.0.1", 80, "127.0.0.1"),
            ("HTTPS://Example.COM:443", "example.com", 443, "example.com"),
        ] {
            let origin: Origin = text.parse().unwrap();
            assert_eq!(
                (origin.host(), origin.port(), origin.authority().as_str()),
                (host, port, authority),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_origin_is_said_so() {
        for text in [
            "",
            "api.push.apple.com",
            "ftp://a",
            "https://",
            "https://a/b",
            "https://a?b",
            "https://u@a",
            "https://a:99999",
            "https://a_b c",
            "https://a:",
            "https://a:0x1",
        ] {
            let error = text.parse::<Origin>().unwrap_err().to_string();
            assert!(error.contains("expected an origin"), "{text}: {error}");
        }
    }
}
