//! As whom: the newest token of each credential, by a synchronous load.

mod apns;

use std::sync::Arc;

use http::HeaderValue;

pub use apns::{ProviderToken, Renewal};

/// As whom an app speaks to its push service.
#[derive(Debug)]
pub enum Credential {
    /// APNs, by a provider token that all apps of the key share.
    ProviderToken(Arc<ProviderToken>),
    /// A certificate in TLS: nothing is stamped.
    Certificate,
}

impl Credential {
    /// What a request carries now.
    #[must_use]
    pub fn stamp(&self) -> Option<Arc<Stamp>> {
        match self {
            Self::ProviderToken(token) => Some(token.stamp()),
            Self::Certificate => None,
        }
    }

    /// The push service refused the token of this generation. However many say so, one token is made.
    pub fn renew(&self, generation: u64) {
        match self {
            Self::ProviderToken(token) => drop(token.renew(generation)),
            Self::Certificate => {}
        }
    }

    /// The push service wants no new token for a while.
    pub fn hold(&self) {
        match self {
            Self::ProviderToken(token) => token.hold(),
            Self::Certificate => {}
        }
    }
}

/// An `authorization` header, and which of a credential's tokens it holds.
#[derive(Debug)]
pub struct Stamp {
    header: HeaderValue,
    generation: u64,
}

impl Stamp {
    /// The header; marked sensitive, so that it neither prints nor enters HPACK's table.
    #[must_use]
    pub fn header(&self) -> &HeaderValue {
        &self.header
    }

    /// Counts the tokens of this credential.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }
}

/// Why a credential cannot be used. Never repeats a key.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The key is no PEM of a P-256 private key.
    #[error("expected a private key as Apple gives it: PEM, PKCS#8, on the curve P-256; {0}")]
    Key(&'static str),
    /// A key id or team id is malformed.
    #[error("{what}: expected 10 capital letters or digits, found {found} characters that are not")]
    Id {
        /// `key_id` or `team_id`.
        what: &'static str,
        /// Its length.
        found: usize,
    },
    /// The token cannot be signed.
    #[error("the provider token cannot be signed")]
    Sign,
    /// The clock cannot be used.
    #[error("the system clock is before 1970")]
    Clock,
}
