//! TLS of a listener.

use std::fmt;
use std::sync::Arc;

use fanfare_upstream::Validity;
use fanfare_upstream::tls::{TlsError, parse_certificates};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};

/// HTTP/2 and HTTP/1.1 as ALPN names them. Source: RFC 9113, section 3.1, and RFC 7301, section 6.
const H2: &[u8] = b"h2";
const HTTP_1_1: &[u8] = b"http/1.1";

/// Why a listener cannot have TLS. No text of it repeats a key.
#[derive(Debug, thiserror::Error)]
pub enum ServerTlsError {
    /// The certificate or its key cannot be used.
    #[error(transparent)]
    Identity(#[from] TlsError),
    /// The root certificates of clients cannot be used.
    #[error("the root certificates of clients cannot be used: {0}")]
    ClientRoots(#[from] VerifierBuilderError),
}

/// TLS of a listener: TLS 1.2 or later, and certificates of clients where roots for them are known.
#[derive(Clone)]
pub struct ServerTls {
    config: Arc<ServerConfig>,
    validity: Validity,
}

impl ServerTls {
    /// Reads a chain of certificates, with the leaf first, and its key (PKCS#8, SEC1 or PKCS#1). Both are PEM.
    ///
    /// A client may show a certificate if there are `client_roots`. It need not, but one that is shown must chain to a root
    /// of one of them, or the handshake fails.
    ///
    /// # Errors
    /// Fails if something of it cannot be read, or the key does not fit the certificate.
    pub fn from_pem(
        certificates: &[u8],
        key: &[u8],
        client_roots: &[Arc<RootCertStore>],
    ) -> Result<Self, ServerTlsError> {
        let certificates = parse_certificates(certificates)?;
        let leaf = certificates.first().ok_or(TlsError::NotCertificates)?;
        let validity = Validity::of(leaf).ok_or(TlsError::NotCertificates)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::NotPrivateKey)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::from)?;
        let mut roots = RootCertStore::empty();
        roots.extend(client_roots.iter().flat_map(|bundle| bundle.roots.iter().cloned()));
        let builder = if roots.is_empty() {
            builder.with_no_client_auth()
        } else {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.allow_unauthenticated().build()?)
        };
        let mut config = builder.with_single_cert(certificates, key).map_err(TlsError::from)?;
        if !client_roots.is_empty() {
            // rustls does not verify the certificate of a client again whose session is resumed. With sessions, a client
            // would pass that was known once, after its root was taken away or its certificate has ended.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        Ok(Self { config: Arc::new(config), validity })
    }

    /// Returns when the certificate is valid.
    #[must_use]
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Returns TLS that agrees on HTTP/2.
    pub(super) fn http2(&self) -> Arc<ServerConfig> {
        self.speaking(H2)
    }

    /// Returns TLS that agrees on HTTP/1.1.
    pub(super) fn http1(&self) -> Arc<ServerConfig> {
        self.speaking(HTTP_1_1)
    }

    fn speaking(&self, protocol: &[u8]) -> Arc<ServerConfig> {
        let mut config = ServerConfig::clone(&self.config);
        config.alpn_protocols = vec![protocol.to_vec()];
        Arc::new(config)
    }
}

/// Shows when the certificate is valid, and nothing of the key.
impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").field("validity", &self.validity).finish_non_exhaustive()
    }
}
