//! A peer: an origin, and who we are to it. Its `key` tells pools apart.

use std::fmt;
use std::sync::Arc;

use crate::client_tls::{ClientTls, TlsContent};
use crate::origin::Origin;
use crate::proxy::Proxy;
use crate::reach::Reach;

/// Which HTTP a peer speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Http {
    /// HTTP/2 and nothing else. Without TLS this is known in advance (h2c). Source: RFC 9113, section 3.3.
    Two,
    /// HTTP/1.1 and nothing else.
    One,
    /// What TLS agrees on by ALPN. Without TLS it is HTTP/1.1.
    Either,
}

impl Http {
    /// What ALPN offers, with the best first. Source: RFC 7301, and IANA's registry of its protocol ids.
    pub(crate) fn alpn(self) -> Vec<Vec<u8>> {
        match self {
            Self::Two => vec![b"h2".to_vec()],
            Self::One => vec![b"http/1.1".to_vec()],
            Self::Either => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        }
    }
}

/// What tells peers apart. Who reaches an origin in another way is another peer, so that the settings of one caller do
/// not decide over another.
pub(crate) type PeerKey = (Origin, Arc<str>, TlsContent, Http, Option<Arc<Proxy>>, Reach);

/// An origin, and who we are to it.
///
/// Some servers refuse a connection that carries the credentials of two parties (APNs does), so what tells credentials
/// apart is a part of the peer: a credential that is replaced makes a new one.
#[derive(Clone)]
pub struct Peer {
    /// Scheme, host and port.
    pub origin: Origin,
    /// Who we are to the peer, such as a key id or the fingerprint of a certificate. It is shown in logs, so it must
    /// not be a secret. It may be empty.
    pub identity: Arc<str>,
    /// How TLS verifies the peer and identifies us; [`tls::client_config`](crate::tls::client_config) makes it. It is
    /// not used for an origin with the scheme `http`. Its roots and certificates are a part of what tells peers apart, so
    /// that no connection is used on which the peer was verified by other roots, or was shown another certificate.
    pub tls: Arc<ClientTls>,
    /// Which HTTP the peer speaks. The ALPN protocols in `tls` have to be those of this.
    pub http: Http,
    /// The proxy through which the peer is reached, if there is one.
    pub proxy: Option<Arc<Proxy>>,
    /// To which addresses connections to the peer may go.
    pub reach: Reach,
    /// Whether a connection has to prove its credential by a first good answer (any status but 401, 403 and 5xx) before
    /// another connection opens beside it. Some servers allow one stream until then. Source: Apple, "Sending
    /// notification requests to APNs", on token-based connections.
    pub proves_credential: bool,
}

impl Peer {
    pub(crate) fn key(&self) -> PeerKey {
        let Self { origin, identity, tls, http, proxy, reach, proves_credential: _ } = self;
        (origin.clone(), Arc::clone(identity), tls.content(), *http, proxy.clone(), *reach)
    }

    /// Whether both would share a pool if they had the same origin.
    #[must_use]
    pub fn reaches_as(&self, other: &Self) -> bool {
        let said = |peer: &Self| (peer.tls.content(), peer.http, peer.reach);
        said(self) == said(other) && self.identity == other.identity && self.proxy == other.proxy
    }

    /// Where a connection to the peer begins: at its proxy, or at the peer itself.
    pub(crate) fn first_hop(&self) -> &Origin {
        self.proxy.as_ref().map_or(&self.origin, |proxy| proxy.origin())
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
    fn what_one_caller_asks_for_at_an_origin_decides_for_no_other() {
        let tls = |http| {
            let roots = Arc::new(rustls::RootCertStore::empty());
            crate::tls::client_config(roots, None, http).unwrap()
        };
        let peer = |http, credentials: Option<&str>| Peer {
            origin: "https://peer.example".parse().unwrap(),
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
}
