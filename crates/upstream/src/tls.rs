//! TLS to peers: whom we trust, and who we are.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

pub use crate::client_tls::ClientTls;
use crate::client_tls::TlsContent;
use crate::peer::Http;
use crate::validity::Validity;

/// Why TLS cannot be set up. No text of it repeats a key.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The operating system has no usable root certificates.
    #[error("the operating system has no root certificates; name a file in `upstream.ca_files`")]
    NoRoots,
    /// The certificates are not PEM, or there are none.
    #[error("expected PEM certificates, found {found}")]
    NotCertificates {
        /// What the content is instead.
        found: &'static str,
    },
    /// The private key is not PEM.
    #[error("expected a PEM private key (PKCS#8, SEC1 or PKCS#1), found {found}")]
    NotPrivateKey {
        /// What the content is instead.
        found: &'static str,
    },
    /// rustls refuses the certificates or the key.
    #[error("{0}")]
    Rustls(#[from] rustls::Error),
}

/// Who we are in TLS: a chain of certificates and the private key of its leaf. The key is not shown by anything.
pub struct ClientIdentity {
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    validity: Validity,
}

impl ClientIdentity {
    /// Reads a chain of certificates, with the leaf first, and its key (PKCS#8, SEC1 or PKCS#1). Both are PEM.
    ///
    /// # Errors
    /// It fails if either is not PEM, or if the leaf is no X.509 certificate.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let (certificates, validity) = parse_chain(certificates)?;
        Ok(Self { certificates, key: parse_private_key(key)?, validity })
    }

    /// The time in which the leaf is valid.
    #[must_use]
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// The leaf, in DER.
    #[must_use]
    pub fn leaf(&self) -> &[u8] {
        self.certificates.first().map_or(&[], |leaf| leaf.as_ref())
    }
}

/// The root certificates of the operating system, and those of `extra`, each of which is the content of a PEM file.
///
/// # Errors
/// It fails if there is no root at all, or if one of `extra` cannot be read.
pub fn roots(extra: &[Vec<u8>]) -> Result<Arc<RootCertStore>, TlsError> {
    let mut store = RootCertStore::empty();
    // Some certificates of a system may be unreadable. The others serve.
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for pem in extra {
        for certificate in parse_certificates(pem)? {
            store.add(certificate)?;
        }
    }
    if store.is_empty() { Err(TlsError::NoRoots) } else { Ok(Arc::new(store)) }
}

/// How TLS to a peer is done: TLS 1.2 or later, ALPN for what the peer speaks, and sessions are resumed. `identity` is
/// shown to a peer that asks for a client certificate.
///
/// A configuration is best shared by all connections to a peer, since it remembers their sessions.
///
/// # Errors
/// It fails if the key of `identity` does not fit its certificate.
pub fn client_config(
    roots: Arc<RootCertStore>,
    identity: Option<ClientIdentity>,
    http: Http,
) -> Result<Arc<ClientTls>, TlsError> {
    let content = TlsContent::of(&roots, identity.as_ref().map(|identity| identity.certificates.as_slice()));
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let mut config = match identity {
        Some(ClientIdentity { certificates, key, .. }) => builder.with_client_auth_cert(certificates, key)?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = http.alpn();
    Ok(Arc::new(ClientTls::new(config, content)))
}

/// Reads PEM certificates, of which there has to be at least one.
///
/// # Errors
/// It fails if there is none, or if one cannot be read.
pub fn parse_certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) | Err(_) => Err(TlsError::NotCertificates { found: instead(pem) }),
    }
}

/// Reads a chain of PEM certificates with its leaf first, and tells when that is valid.
///
/// # Errors
/// It fails if there is no certificate, or if one cannot be read.
pub fn parse_chain(pem: &[u8]) -> Result<(Vec<CertificateDer<'static>>, Validity), TlsError> {
    let certificates = parse_certificates(pem)?;
    let validity = certificates.first().and_then(|leaf| Validity::of(leaf));
    let validity = validity.ok_or(TlsError::NotCertificates { found: UNREADABLE })?;
    Ok((certificates, validity))
}

/// Reads a PEM private key, which must not be encrypted.
///
/// # Errors
/// It fails if there is none, or if it cannot be read.
pub fn parse_private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| TlsError::NotPrivateKey { found: instead(pem) })
}

const UNREADABLE: &str = "none that can be read";

/// What a content is that is not the PEM that was expected.
///
/// Sources: X.690, sections 8.1.3 and 8.9 (a sequence in DER or BER, which has more than 127 bytes); RFC 1421, section 4.6.1.1,
/// and RFC 7468, section 11 (encrypted keys).
fn instead(content: &[u8]) -> &'static str {
    let has = |text: &str| content.windows(text.len()).any(|part| part == text.as_bytes());
    match content {
        [0x30, 0x80..=0x84, ..] => {
            "DER, as .p12, .pfx and .der files are; `openssl pkcs12 -nodes -in FILE.p12` makes PEM of a .p12 or .pfx"
        }
        _ if has("BEGIN ENCRYPTED PRIVATE KEY") || has("Proc-Type: 4,ENCRYPTED") => {
            "an encrypted private key; `openssl pkey -in FILE` decrypts it"
        }
        _ => UNREADABLE,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn what_is_no_pem_is_named() {
        let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----\n";
        let older = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAA==\n-----END RSA PRIVATE KEY-----\n";
        for (content, expected) in [
            (&b"\x30\x82\x0a\x00\x02\x01\x03"[..], "found DER"),
            (encrypted.as_bytes(), "found an encrypted private key"),
            (older.as_bytes(), "found an encrypted private key"),
            (b"text", "found none that can be read"),
        ] {
            let said = parse_private_key(content).unwrap_err().to_string();
            assert!(said.contains(expected), "{said}");
            let said = parse_certificates(content).unwrap_err().to_string();
            assert!(said.contains(expected), "{said}");
        }
    }

    #[test]
    fn a_file_without_certificates_is_none() {
        for empty in ["", "text", "-----BEGIN NOTHING-----\n-----END NOTHING-----\n"] {
            let parsed = parse_certificates(empty.as_bytes());
            assert!(matches!(parsed, Err(TlsError::NotCertificates { .. })), "{empty:?}");
        }
    }

    fn made() -> rcgen::CertifiedKey<rcgen::KeyPair> {
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap()
    }

    fn store<'a>(
        roots: impl IntoIterator<Item = &'a rcgen::CertifiedKey<rcgen::KeyPair>>,
    ) -> Arc<RootCertStore> {
        let mut store = RootCertStore::empty();
        roots.into_iter().for_each(|root| store.add(root.cert.der().clone()).unwrap());
        Arc::new(store)
    }

    #[test]
    fn tls_is_the_same_by_its_roots_and_certificates_however_they_are_read() {
        let (first, second, ours, other) = (made(), made(), made(), made());
        let tls = |roots: &[&_], shown: Option<&rcgen::CertifiedKey<rcgen::KeyPair>>| {
            let shown = shown.map(|it| {
                let (pem, key) = (it.cert.pem(), it.signing_key.serialize_pem());
                ClientIdentity::from_pem(pem.as_bytes(), key.as_bytes()).unwrap()
            });
            client_config(store(roots.iter().copied()), shown, Http::Two).unwrap()
        };
        let both = tls(&[&first, &second], Some(&ours));
        assert!(both.is_same(&tls(&[&second, &first, &second], Some(&ours))));
        for changed in [
            tls(&[&first], Some(&ours)),
            tls(&[&first, &second, &other], Some(&ours)),
            tls(&[&first, &second], Some(&other)),
            tls(&[&first, &second], None),
        ] {
            assert!(!both.is_same(&changed));
        }
    }

    #[test]
    fn a_certificate_is_valid_between_its_two_moments() {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let identity = ClientIdentity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        let validity = identity.validity();
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        // rcgen makes certificates from 1975 until 4096 if it is not told otherwise.
        for (now, not_begun, ended) in [(at(0), true, false), (SystemTime::now(), false, false)] {
            assert_eq!((validity.has_not_begun(now), validity.has_ended(now)), (not_begun, ended));
        }
        let last = validity.until();
        assert!(!validity.has_ended(last + Duration::from_millis(999)));
        assert!(validity.has_ended(last + Duration::from_secs(1)));
        assert_eq!(validity.left(last - Duration::from_secs(9)), Duration::from_secs(9));
        assert_eq!(validity.left(last + Duration::from_secs(9)), Duration::ZERO);
        assert_eq!(validity.to_string(), "from 1975-01-01T00:00:00Z until 4096-01-01T00:00:00Z");
    }
}
