//! The application server, as push services know it: the key that browsers subscribed with, and a contact.
//!
//! Source: RFC 8292.

use std::fmt;

use http::Uri;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::SecretString;

use super::key::VapidKey;
use crate::credential::stamp::Authorization;
use crate::credential::{CredentialError, Stamp};

/// Who signs VAPID tokens. It is checked once, when the configuration is read. It prints its public key and never the
/// private one.
pub struct ApplicationServer {
    private_key: EncodingKey,
    public_key: String,
    subject: String,
}

/// What tells application servers apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ApplicationServerIdentity {
    public_key: String,
    subject: String,
}

/// Source: RFC 8292, section 2.
#[derive(serde::Serialize)]
struct VapidClaims<'a> {
    aud: &'a str,
    /// Seconds since the Unix epoch.
    exp: u64,
    sub: &'a str,
}

impl ApplicationServer {
    /// Parses a private key as `VapidKey::parse` does, and checks the subject.
    ///
    /// # Errors
    /// Fails if the text is no VAPID key, or the subject is no contact.
    pub fn parse(private_key: &SecretString, subject: &str) -> Result<Self, CredentialError> {
        Self::new(&VapidKey::parse(private_key)?, subject)
    }

    /// Checks the subject, which is a `mailto:` or `https:` URL, and signs once to see that the key can.
    ///
    /// # Errors
    /// Fails if the subject is no contact, or the key cannot sign.
    pub(crate) fn new(key: &VapidKey, subject: &str) -> Result<Self, CredentialError> {
        check_contact(subject)?;
        let server = Self {
            private_key: key.encoding_key()?,
            public_key: key.public_key().to_owned(),
            subject: subject.to_owned(),
        };
        server.sign("https://push.example.net", 0, 0)?;
        Ok(server)
    }

    /// Returns the public key, in base64url.
    #[must_use]
    pub(crate) fn public_key(&self) -> &str {
        &self.public_key
    }

    /// Returns the contact to which a push service may turn.
    #[must_use]
    pub(crate) fn subject(&self) -> &str {
        &self.subject
    }

    pub(crate) fn identity(&self) -> ApplicationServerIdentity {
        ApplicationServerIdentity { public_key: self.public_key.clone(), subject: self.subject.clone() }
    }

    /// Signs a token for an origin that ends at this second since the Unix epoch.
    pub(super) fn sign(&self, origin: &str, ends_at: u64, generation: u64) -> Result<Stamp, CredentialError> {
        // The library sets `typ` to JWT, as section 2 wants it.
        let header = Header::new(Algorithm::ES256);
        let claims = VapidClaims { aud: origin, exp: ends_at, sub: &self.subject };
        let token =
            jsonwebtoken::encode(&header, &claims, &self.private_key).map_err(CredentialError::NotP256)?;
        // Source: RFC 8292, section 3.
        let authorization = Authorization::try_new(format!("vapid t={token}, k={}", self.public_key))?;
        Ok(Stamp { authorization, generation })
    }
}

impl fmt::Debug for ApplicationServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApplicationServer({}, {})", self.public_key, self.subject)
    }
}

/// Checks the contact for push services, a `mailto:` or `https:` URL.
///
/// # Errors
/// Fails if nobody could be reached there.
pub(crate) fn check_contact(subject: &str) -> Result<(), CredentialError> {
    match is_contact(subject) {
        true => Ok(()),
        false => Err(CredentialError::Subject { found: subject.to_owned() }),
    }
}

/// Whether a push service could reach somebody there. Source: RFC 8292, section 2.1.
///
/// Apple's push service refuses more than this, such as mailto:push@localhost. Source:
/// github.com/web-push-libs/web-push, issue 947.
fn is_contact(subject: &str) -> bool {
    if !subject.chars().all(|c| c.is_ascii_graphic()) {
        return false;
    }
    match subject.split_once(':') {
        Some(("mailto", address)) => {
            // A colon would have to be quoted. Source: RFC 5322, section 3.2.3.
            let is_local = |local: &str| !local.is_empty() && !local.contains(':');
            address.split_once('@').is_some_and(|(local, domain)| is_local(local) && !domain.is_empty())
        }
        Some(("https", rest)) if rest.starts_with("//") => {
            subject.parse::<Uri>().is_ok_and(|uri| uri.host().is_some_and(|host| !host.is_empty()))
        }
        Some(_) | None => false,
    }
}
