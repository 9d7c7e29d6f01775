//! A peer: an origin and who we are to it. The pool's key.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use http::Uri;
use http::uri::{Authority, PathAndQuery};
use rustls::pki_types::ServerName;

use super::proxy::Proxy;
use super::reach::Reach;

/// Scheme, host and port of an upstream.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    tls: bool,
    host: Arc<str>,
    port: u16,
    authority: Authority,
}

/// Why a text is no origin.
#[derive(Debug, thiserror::Error)]
#[error(
    "expected an origin such as https://api.push.apple.com or https://localhost:2197, found {found:?}: {why}"
)]
pub struct InvalidOrigin {
    found: String,
    why: &'static str,
}

impl Origin {
    /// Whether it is https.
    #[must_use]
    pub fn tls(&self) -> bool {
        self.tls
    }

    /// The host, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The `:authority` of requests to it: without the port where it is the default.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// With the port, also where it is the default: what CONNECT asks for.
    pub(super) fn host_and_port(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    /// `https` or `http`.
    #[must_use]
    pub fn scheme(&self) -> http::uri::Scheme {
        if self.tls { http::uri::Scheme::HTTPS } else { http::uri::Scheme::HTTP }
    }
}

impl Origin {
    /// An https origin whose name is written in the code.
    ///
    /// # Panics
    /// Where the name is no host.
    #[must_use]
    pub fn https(host: &'static str) -> Self {
        Self { tls: true, host: host.into(), port: 443, authority: Authority::from_static(host) }
    }

    /// An http origin whose name is written in the code.
    ///
    /// # Panics
    /// Where the name is no host.
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
        // `Authority::port` is None for a port that is no number as well as for none.
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

/// Which HTTP a peer speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Http {
    /// HTTP/2 and nothing else; without TLS by prior knowledge (h2c). Source: RFC 9113, section 3.3.
    Two,
    /// HTTP/1.1 and nothing else.
    One,
    /// What ALPN finds; without TLS HTTP/1.1.
    Either,
}

impl Http {
    /// What ALPN offers, the best first. Source: RFC 7301, and IANA's registry of its protocol ids.
    pub(super) fn alpn(self) -> Vec<Vec<u8>> {
        match self {
            Self::Two => vec![b"h2".to_vec()],
            Self::One => vec![b"http/1.1".to_vec()],
            Self::Either => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        }
    }
}

/// What tells peers apart. Two apps that reach an origin in another way share nothing there: the settings of one
/// are not to decide over the other.
pub(super) type PeerKey = (Origin, Arc<str>, Http, Option<Arc<Proxy>>, Reach);

/// An origin, and who we are to it. APNs refuses two teams on one connection, so what tells credentials
/// apart is part of the key; a rotated credential is a new peer.
#[derive(Clone)]
pub struct Peer {
    /// Where it is.
    pub origin: Origin,
    /// Who we are to it: a key id, a certificate's fingerprint. Shown in logs and metrics; no secret.
    pub identity: Arc<str>,
    /// How TLS verifies it and identifies us.
    pub tls: Arc<rustls::ClientConfig>,
    /// Which HTTP it speaks.
    pub http: Http,
    /// Through which proxy it is reached.
    pub proxy: Option<Arc<Proxy>>,
    /// To which addresses its connections may go.
    pub reach: Reach,
    /// Each connection carries one stream until a first good answer. Source: Apple, "Sending notification
    /// requests to APNs", on token-based connections.
    pub proves_credential: bool,
}

impl Peer {
    pub(super) fn key(&self) -> PeerKey {
        (self.origin.clone(), Arc::clone(&self.identity), self.http, self.proxy.clone(), self.reach)
    }

    /// Where a connection to it begins: its proxy, or itself.
    pub(super) fn first_hop(&self) -> &Origin {
        self.proxy.as_ref().map_or(&self.origin, |proxy| proxy.origin())
    }

    /// The URI of a request to it.
    pub(super) fn uri(&self, path: PathAndQuery) -> Uri {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.origin.scheme());
        parts.authority = Some(self.origin.authority.clone());
        parts.path_and_query = Some(path);
        // Whole parts make a URI.
        Uri::from_parts(parts).unwrap_or_default()
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Peer({} as {})", self.origin, self.identity)
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
    fn what_an_app_asks_for_at_an_origin_decides_for_no_other() {
        let tls = |http| {
            let roots = Arc::new(rustls::RootCertStore::empty());
            crate::tls::client_config(roots, None, http).unwrap()
        };
        let peer = |http, credentials: Option<&str>| Peer {
            origin: "https://push.example".parse().unwrap(),
            identity: "".into(),
            tls: tls(http),
            http,
            proxy: credentials.map(|secret| {
                let secret = secret.to_owned().into();
                Arc::new(Proxy::new("http://proxy:3128".parse().unwrap(), Some(&secret)))
            }),
            reach: Reach::Anywhere,
            proves_credential: false,
        };
        let shop = peer(Http::Either, Some("shop:secret")).key();
        assert!(shop == peer(Http::Either, Some("shop:secret")).key());
        for other in [
            peer(Http::Either, Some("news:secret")),
            peer(Http::Two, Some("shop:secret")),
            peer(Http::Either, None),
            Peer { reach: Reach::Public, ..peer(Http::Either, Some("shop:secret")) },
        ] {
            assert!(shop != other.key(), "{other:?}");
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
