//! By which root certificates upstreams are verified, with TLS set up once for all who trust the same.

use std::sync::Arc;

use fanfare_upstream::tls::{self, ClientIdentity, ClientTls, TlsError};
use fanfare_upstream::{Http, Validity};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};

/// Root certificates, and TLS that verifies upstreams by them. Clones share the sessions that TLS resumes.
#[derive(Clone)]
pub struct Trust {
    roots: Arc<RootCertStore>,
    http2: Arc<ClientTls>,
    http1: Arc<ClientTls>,
    either: Arc<ClientTls>,
}

impl Trust {
    /// Trusts the root certificates of the operating system. There may be none: the configuration is wrong only where an
    /// app needs one.
    ///
    /// # Errors
    /// Fails if TLS cannot be set up, which would be a bug.
    pub fn of_system() -> Result<Self, TlsError> {
        match tls::roots(&[]) {
            Ok(roots) => Self::new(roots),
            Err(TlsError::NoRoots) => Self::new(Arc::new(RootCertStore::empty())),
            Err(error) => Err(error),
        }
    }

    /// Trusts the root certificates of the operating system and those of a PEM text.
    ///
    /// # Errors
    /// Fails if the text holds no certificates, or one that cannot be used.
    pub fn of_system_and(pem: &str) -> Result<Self, TlsError> {
        Self::of_system()?.and(tls::parse_certificates(pem.as_bytes())?)
    }

    /// Trusts these certificates as well.
    ///
    /// # Errors
    /// Fails if one of them cannot be used as a root.
    pub(super) fn and(&self, certificates: Vec<CertificateDer<'static>>) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::clone(&self.roots);
        for certificate in certificates {
            roots.add(certificate)?;
        }
        Self::new(Arc::new(roots))
    }

    fn new(roots: Arc<RootCertStore>) -> Result<Self, TlsError> {
        let tls = |http| tls::client_config(Arc::clone(&roots), None, http);
        let (http2, http1, either) = (tls(Http::Two)?, tls(Http::One)?, tls(Http::Either)?);
        Ok(Self { roots, http2, http1, either })
    }

    /// The root certificates, for those who set up TLS by themselves.
    pub(super) fn roots(&self) -> &Arc<RootCertStore> {
        &self.roots
    }

    /// Whether no upstream at all could be verified.
    pub(super) fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// Returns TLS to an upstream that speaks this HTTP and is shown no certificate.
    #[must_use]
    pub(crate) fn tls(&self, http: Http) -> &Arc<ClientTls> {
        match http {
            Http::Two => &self.http2,
            Http::One => &self.http1,
            Http::Either => &self.either,
        }
    }

    /// Sets up TLS to an upstream that speaks this HTTP and is shown a certificate.
    ///
    /// # Errors
    /// Fails if the private key does not fit the certificate.
    pub fn with_identity(&self, identity: ClientIdentity, http: Http) -> Result<ClientCertificate, TlsError> {
        let digest = Sha256::digest(identity.leaf());
        let fingerprint = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let validity = identity.validity();
        let tls = tls::client_config(Arc::clone(&self.roots), Some(identity), http)?;
        Ok(ClientCertificate { tls, fingerprint, validity })
    }
}

/// A client certificate whose private key fits it, and TLS that shows it.
pub struct ClientCertificate {
    tls: Arc<ClientTls>,
    fingerprint: String,
    validity: Validity,
}

impl ClientCertificate {
    /// Returns TLS to the upstream that is shown this certificate.
    #[must_use]
    pub(crate) fn tls(&self) -> &Arc<ClientTls> {
        &self.tls
    }

    /// Returns what tells certificates apart in logs and metrics.
    #[must_use]
    pub(crate) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Returns how the certificate is called in logs and metrics.
    #[must_use]
    pub(crate) fn label(&self) -> String {
        format!("certificate {}", self.fingerprint)
    }

    /// Returns when the certificate is valid.
    #[must_use]
    pub(crate) fn validity(&self) -> Validity {
        self.validity
    }
}
