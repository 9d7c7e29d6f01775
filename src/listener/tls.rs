//! TLS of a listener.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use fanfare_upstream::Validity;
use fanfare_upstream::tls::{TlsError, parse_chain, parse_private_key};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{
    NoServerSessionStorage, ResolvesServerCert, VerifierBuilderError, WebPkiClientVerifier,
};
use rustls::{ConfigBuilder, RootCertStore, ServerConfig, WantsVerifier};
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;

use super::protocol::Protocol;

/// Why clients cannot be asked for certificates.
#[derive(Debug, thiserror::Error)]
pub enum ServerTlsError {
    /// TLS cannot be set up, which would be a bug.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The root certificates of clients cannot be used.
    #[error("the root certificates of clients cannot be used: {0}")]
    ClientRoots(#[from] VerifierBuilderError),
}

/// TLS of a listener: TLS 1.2 or later, and certificates of clients where roots for them are known. Clones share both.
#[derive(Clone)]
pub struct ServerTls(Arc<ArcSwap<Shown>>);

/// What the next client is shown, and asked for.
struct Shown {
    own: Arc<dyn ResolvesServerCert>,
    /// The SHA-256 of the chain.
    chain: [u8; 32],
    validity: Validity,
    config: ServerConfig,
}

/// TLS that is ready to take the place of a listener's.
pub struct NewServerTls {
    of: ServerTls,
    shown: Shown,
}

impl NewServerTls {
    /// Holds from the next handshake on.
    pub fn hold(self) {
        self.of.0.store(Arc::new(self.shown));
    }
}

impl ServerTls {
    /// Reads a chain of certificates, with the leaf first, and its key (PKCS#8, SEC1 or PKCS#1). Both are PEM. Clients are
    /// not asked for certificates.
    ///
    /// # Errors
    /// Fails if something of it cannot be read, or the key does not fit the certificate.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let (certificates, validity) = parse_chain(certificates)?;
        let mut chain = Sha256::new();
        certificates.iter().for_each(|certificate| chain.update(certificate));
        let config =
            builder()?.with_no_client_auth().with_single_cert(certificates, parse_private_key(key)?)?;
        let own = Arc::clone(&config.cert_resolver);
        Ok(Self(Arc::new(ArcSwap::from_pointee(Shown {
            own,
            chain: chain.finalize().into(),
            validity,
            config,
        }))))
    }

    /// Asks the clients of new connections for certificates, if there are roots for them. A client need not show one, but one
    /// that is shown must chain to a root of one of these bundles, or the handshake fails.
    ///
    /// # Errors
    /// Fails if the roots cannot be used; then everything stays as it was.
    pub fn know_clients(&self, bundles: &[Arc<RootCertStore>]) -> Result<(), ServerTlsError> {
        self.renewed(self, bundles).map(NewServerTls::hold)
    }

    /// Makes ready to show the certificate of `newer`, and to ask clients for certificates as
    /// [`know_clients`](Self::know_clients) does.
    ///
    /// # Errors
    /// Fails if the roots cannot be used.
    pub fn renewed(
        &self,
        newer: &Self,
        bundles: &[Arc<RootCertStore>],
    ) -> Result<NewServerTls, ServerTlsError> {
        let newer = newer.0.load();
        let (own, chain, validity) = (Arc::clone(&newer.own), newer.chain, newer.validity);
        let mut roots = RootCertStore::empty();
        roots.extend(bundles.iter().flat_map(|bundle| bundle.roots.iter().cloned()));
        let builder = builder()?;
        let config = if roots.is_empty() {
            builder.with_no_client_auth().with_cert_resolver(Arc::clone(&own))
        } else {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
            let verifier = verifier.allow_unauthenticated().build()?;
            let mut config = builder.with_client_cert_verifier(verifier).with_cert_resolver(Arc::clone(&own));
            // rustls does not verify the certificate of a client again whose session is resumed. With sessions, a client
            // would pass that was known once, after its root was taken away or its certificate has ended.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
            config
        };
        Ok(NewServerTls { of: self.clone(), shown: Shown { own, chain, validity, config } })
    }

    /// Returns when the certificate is valid.
    #[must_use]
    pub fn validity(&self) -> Validity {
        self.0.load().validity
    }

    /// Returns what agrees with the next client on TLS and on this HTTP.
    pub(super) fn acceptor(&self, protocol: &Protocol) -> TlsAcceptor {
        let mut config = ServerConfig::clone(&self.0.load().config);
        config.alpn_protocols = protocol.offered();
        TlsAcceptor::from(Arc::new(config))
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn builder() -> Result<ConfigBuilder<ServerConfig, WantsVerifier>, TlsError> {
    Ok(ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?)
}

/// Shows which certificate it is, and nothing of the key.
impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.load();
        let mut shows = f.debug_struct("ServerTls");
        shows.field("chain", &shown.chain).field("validity", &shown.validity).finish_non_exhaustive()
    }
}
