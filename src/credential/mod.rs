//! As whom: the newest proof of who the gateway is, a synchronous load.

pub mod apns;
mod pace;

use std::fmt;
use std::sync::Arc;

use http::HeaderValue;

/// What an app shows an upstream as its own.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A provider token of APNs.
    ProviderToken(Arc<apns::ProviderToken>),
    /// A client certificate: shown in the TLS handshake, nothing to stamp on a request.
    Certificate,
    /// Nothing: the upstream asks for none.
    None,
}

impl Credential {
    /// The newest stamp; none where the connection itself is the proof. Neither waits nor allocates.
    #[must_use]
    pub fn stamp(&self) -> Option<Arc<Stamp>> {
        match self {
            Self::ProviderToken(token) => Some(token.stamp()),
            Self::Certificate | Self::None => None,
        }
    }

    /// Asks for a newer stamp than that of `generation`, which an upstream refused as expired.
    ///
    /// Any number of concurrent calls make one.
    ///
    /// # Errors
    /// Where it could not be made.
    pub fn renew(&self, generation: u64) -> Result<Renewal, CredentialError> {
        match self {
            Self::ProviderToken(token) => token.renew(generation),
            Self::Certificate | Self::None => Ok(Renewal::Impossible),
        }
    }

    /// Keeps the present stamp for a while: the upstream says that it was renewed too often.
    pub fn hold(&self) {
        match self {
            Self::ProviderToken(token) => token.hold(),
            Self::Certificate | Self::None => {}
        }
    }
}

/// What a request carries as its proof. Its header prints as `Sensitive`.
#[derive(Debug)]
pub struct Stamp {
    header: HeaderValue,
    generation: u64,
}

impl Stamp {
    /// The value of `authorization`, marked sensitive.
    #[must_use]
    pub fn header(&self) -> &HeaderValue {
        &self.header
    }

    /// Counts the stamps of one credential; a greater one is newer.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }
}

/// What became of a wish for a newer stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Renewal {
    /// A newer one was made.
    Renewed,
    /// There was a newer one already.
    Newer,
    /// The present one is too young, or held: the upstream would punish another.
    TooSoon,
    /// Nothing that the gateway can renew.
    Impossible,
}

/// Why a credential cannot be used. Never says what is secret.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// No private key can be read.
    #[error(
        "the key is not a private key in PEM (PKCS #8) on an elliptic curve; expected the .p8 file as Apple gave it"
    )]
    Pem(#[source] jsonwebtoken::errors::Error),
    /// A key, but of another kind.
    #[error("the key cannot sign ES256; expected one on the curve P-256")]
    NotP256(#[source] jsonwebtoken::errors::Error),
    /// A key id that is none.
    #[error("the key id is not {} visible characters, found {found}", apns::ID_CHARACTERS)]
    KeyId {
        /// What was found: a length, or a character.
        found: String,
    },
    /// A team id that is none.
    #[error("the team id is not {} visible characters, found {found}", apns::ID_CHARACTERS)]
    TeamId {
        /// What was found: a length, or a character.
        found: String,
    },
    /// The clock cannot be right.
    #[error("the gateway's clock is before 1970")]
    Clock,
    /// A token that does not fit a header: a bug.
    #[error("the signed token is not a header value")]
    Header,
}

impl fmt::Display for Renewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Renewed => "renewed",
            Self::Newer => "there was a newer one already",
            Self::TooSoon => "too soon after the last",
            Self::Impossible => "nothing to renew",
        })
    }
}
