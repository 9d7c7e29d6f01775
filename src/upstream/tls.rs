//! TLS to upstreams: whom we trust, and who we are.

use std::sync::Arc;
use std::time::SystemTime;

use super::peer::Http;

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Why TLS to an upstream cannot be set up. Never repeats a key.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The operating system has no usable root certificates.
    #[error("the operating system has no root certificates; name a file in `upstream.ca_files`")]
    NoRoots,
    /// A file of certificates cannot be read as PEM.
    #[error("expected PEM certificates, found none that can be read")]
    NotCertificates,
    /// A file of a private key cannot be read as PEM.
    #[error("expected a PEM private key (PKCS#8, SEC1 or PKCS#1), found none that can be read")]
    NotPrivateKey,
    /// The certificate's time has not come, or is over.
    #[error("expected a certificate that is valid now, found one valid from {from} until {until}")]
    NotValidNow {
        /// The first moment.
        from: String,
        /// The last moment.
        until: String,
    },
    /// rustls refuses what it was given.
    #[error("{0}")]
    Rustls(#[from] rustls::Error),
}

/// Who we are in TLS.
pub struct ClientIdentity {
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl ClientIdentity {
    /// Reads a chain, leaf first, and its key.
    ///
    /// # Errors
    /// Where either is not PEM.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        Ok(Self {
            certificates: parse_certificates(certificates)?,
            key: PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::NotPrivateKey)?,
        })
    }

    /// Whether the leaf is valid at this moment.
    ///
    /// # Errors
    /// Where it is not, or is no X.509 certificate.
    pub fn check_validity(&self, now: SystemTime) -> Result<(), TlsError> {
        let parsed =
            x509_parser::parse_x509_certificate(self.leaf()).map_err(|_| TlsError::NotCertificates)?;
        let validity = parsed.1.validity();
        let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let now = i64::try_from(seconds).unwrap_or(i64::MAX);
        if (validity.not_before.timestamp()..=validity.not_after.timestamp()).contains(&now) {
            return Ok(());
        }
        let (from, until) = (validity.not_before.to_string(), validity.not_after.to_string());
        Err(TlsError::NotValidNow { from, until })
    }

    /// The DER of the leaf.
    #[must_use]
    pub fn leaf(&self) -> &[u8] {
        self.certificates.first().map_or(&[], |leaf| leaf.as_ref())
    }
}

/// The operating system's roots, and those of `extra` PEM files.
///
/// # Errors
/// Where there is none at all, or an extra one cannot be read.
pub fn roots(extra: &[Vec<u8>]) -> Result<Arc<RootCertStore>, TlsError> {
    let mut store = RootCertStore::empty();
    // Some certificates of a system may be unreadable; the others serve.
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for pem in extra {
        for certificate in parse_certificates(pem)? {
            store.add(certificate)?;
        }
    }
    if store.is_empty() { Err(TlsError::NoRoots) } else { Ok(Arc::new(store)) }
}

/// How TLS to an upstream is done: 1.2 or later, ALPN by what it speaks, sessions resumed.
///
/// # Errors
/// Where the identity's key does not fit its certificate.
pub fn client_config(
    roots: Arc<RootCertStore>,
    identity: Option<ClientIdentity>,
    http: Http,
) -> Result<Arc<ClientConfig>, TlsError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let mut config = match identity {
        Some(ClientIdentity { certificates, key }) => builder.with_client_auth_cert(certificates, key)?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = http.alpn();
    Ok(Arc::new(config))
}

/// Reads PEM certificates; at least one.
///
/// # Errors
/// Where there is none, or one cannot be read.
pub fn parse_certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) | Err(_) => Err(TlsError::NotCertificates),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_file_without_certificates_is_none() {
        for empty in ["", "text", "-----BEGIN NOTHING-----\n-----END NOTHING-----\n"] {
            let parsed = parse_certificates(empty.as_bytes());
            assert!(matches!(parsed, Err(TlsError::NotCertificates)), "{empty:?}");
        }
    }

    #[test]
    fn a_certificate_is_valid_between_its_two_moments() {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let identity = ClientIdentity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        assert!(identity.check_validity(SystemTime::now()).is_ok());
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(400_000_000_000);
        let error = identity.check_validity(far).unwrap_err().to_string();
        assert!(
            error.starts_with("expected a certificate that is valid now, found one valid from"),
            "{error}"
        );
        assert!(identity.check_validity(SystemTime::UNIX_EPOCH).is_err());
    }
}
