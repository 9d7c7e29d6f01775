//! Who a client certificate belongs to.
//!
//! Each rule says which kind of identity it means, so that the common name of one certificate can never pass for the
//! SPIFFE id of another; and it has its own certificate authorities, so that one authority cannot vouch for the callers of
//! another.

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use thiserror::Error;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

/// The longest SPIFFE id, in bytes. Source: SPIFFE-ID, section 2.3.
const MAX_SPIFFE_ID_BYTES: usize = 2048;

/// The identity that a certificate must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateIdentity {
    /// A SPIFFE id. The certificate has it as its only URI (X.509-SVID, section 2).
    Spiffe(SpiffeId),
    /// A DNS name, which is one of those of the certificate. A wildcard in a certificate stands for no other name.
    Dns(String),
    /// The common name of its subject. Nothing keeps two certificates of one authority from having the same, so it is
    /// used only where an operator asks for it.
    CommonName(String),
}

/// A SPIFFE id with a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpiffeId {
    id: String,
    trust_domain_end: usize,
}

/// A text is no SPIFFE id.
#[derive(Debug, Error)]
#[error(
    "expected a SPIFFE id with a path, such as spiffe://example.org/orders, of lower-case letters, digits and .-_ in \
     its trust domain, found {0:?}"
)]
pub struct InvalidSpiffeId(String);

impl SpiffeId {
    /// # Errors
    /// Fails if the text is not `spiffe://`, a trust domain and a path. Source: SPIFFE-ID, sections 2.1 to 2.3.
    pub fn parse(text: &str) -> Result<Self, InvalidSpiffeId> {
        let invalid = || InvalidSpiffeId(text.chars().take(256).collect());
        let rest = text.strip_prefix("spiffe://").ok_or_else(invalid)?;
        let (trust_domain, path) = rest.split_once('/').ok_or_else(invalid)?;
        let in_domain =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
        let in_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let good_segment =
            |part: &str| !part.is_empty() && part != "." && part != ".." && part.chars().all(in_path);
        let good = text.len() <= MAX_SPIFFE_ID_BYTES
            && !trust_domain.is_empty()
            && trust_domain.chars().all(in_domain)
            && path.split('/').all(good_segment);
        if !good {
            return Err(invalid());
        }
        Ok(Self { id: text.to_owned(), trust_domain_end: "spiffe://".len() + trust_domain.len() })
    }

    /// The trust domain, with its scheme. One set of authorities vouches for all of it.
    #[must_use]
    pub fn trust_domain(&self) -> &str {
        self.id.get(..self.trust_domain_end).unwrap_or(&self.id)
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

/// Which certificates are those of one caller.
#[derive(Debug, Clone)]
pub struct CertificateRule {
    roots: Arc<RootCertStore>,
    identity: CertificateIdentity,
    verifier: Arc<dyn ClientCertVerifier>,
}

impl CertificateRule {
    /// Certificates with this identity, for which one of these authorities vouches.
    ///
    /// # Errors
    /// Fails if there is no authority.
    pub fn new(
        roots: Arc<RootCertStore>,
        identity: CertificateIdentity,
    ) -> Result<Self, VerifierBuilderError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), provider).build()?;
        Ok(Self { roots, identity, verifier })
    }

    /// The authorities that vouch for the caller.
    #[must_use]
    pub fn roots(&self) -> &Arc<RootCertStore> {
        &self.roots
    }

    /// The identity that its certificate has.
    #[must_use]
    pub fn identity(&self) -> &CertificateIdentity {
        &self.identity
    }

    /// Whether both take the same certificates.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.identity == other.identity && self.roots.roots == other.roots.roots
    }

    /// Whether a chain is vouched for by this rule's own authorities and has its identity.
    pub(super) fn matches(&self, chain: &Chain<'_>, now: SystemTime) -> bool {
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = UnixTime::since_unix_epoch(since);
        chain.has(&self.identity)
            && self.verifier.verify_client_cert(chain.leaf, chain.intermediates, now).is_ok()
    }
}

/// A chain of certificates that a client showed.
pub(super) struct Chain<'a> {
    leaf: &'a CertificateDer<'static>,
    intermediates: &'a [CertificateDer<'static>],
    parsed: X509Certificate<'a>,
}

impl<'a> Chain<'a> {
    /// None where there is no certificate, or none that can be parsed.
    pub(super) fn parse(chain: &'a [CertificateDer<'static>]) -> Option<Self> {
        let (leaf, intermediates) = chain.split_first()?;
        let (rest, parsed) = x509_parser::parse_x509_certificate(leaf).ok()?;
        rest.is_empty().then_some(Self { leaf, intermediates, parsed })
    }

    /// When the certificate ends.
    pub(super) fn ends(&self) -> SystemTime {
        let seconds = self.parsed.validity().not_after.timestamp();
        SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
    }

    fn has(&self, identity: &CertificateIdentity) -> bool {
        match identity {
            CertificateIdentity::Spiffe(id) => {
                let uri = |name: &GeneralName<'a>| {
                    if let GeneralName::URI(uri) = name { Some(*uri) } else { None }
                };
                let mut uris = self.names().filter_map(uri);
                let only = uris.next() == Some(id.id.as_str()) && uris.next().is_none();
                only && !self.may_sign()
            }
            CertificateIdentity::Dns(wanted) => self
                .names()
                .any(|name| matches!(name, GeneralName::DNSName(name) if name.eq_ignore_ascii_case(wanted))),
            CertificateIdentity::CommonName(wanted) => {
                let mut names = self.parsed.subject().iter_common_name();
                let first = names.next().and_then(|name| name.as_str().ok());
                first == Some(wanted) && names.next().is_none()
            }
        }
    }

    fn names(&self) -> impl Iterator<Item = &GeneralName<'a>> {
        // An extension that stands twice, or cannot be parsed, names nobody. Nor does one with a single name that cannot be
        // parsed, which may be a second URI.
        let names = self.parsed.subject_alternative_name().ok().flatten();
        let names = names.map_or(&[][..], |names| &names.value.general_names);
        let malformed = names.iter().any(|name| matches!(name, GeneralName::Invalid(..)));
        if malformed { [].iter() } else { names.iter() }
    }

    /// Whether the certificate is for the signing of certificates or revocation lists, which that of a workload is not.
    /// rustls does not look at this extension. Source: X.509-SVID, section 5.2.
    fn may_sign(&self) -> bool {
        // An extension that stands twice, or cannot be parsed, may say anything.
        self.parsed.key_usage().map_or(true, |usage| {
            usage.is_some_and(|usage| usage.value.key_cert_sign() || usage.value.crl_sign())
        })
    }
}
