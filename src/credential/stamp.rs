//! The proof that a request carries, how it is renewed, and why there may be none.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fanfare_upstream::{Fields, Indexing};

use super::CredentialError;

/// A value of `authorization` that can be sent. It never prints.
#[derive(PartialEq, Eq)]
pub(super) struct Authorization(String);

impl Authorization {
    /// # Errors
    /// Fails if the text cannot be the value of a header.
    pub(super) fn try_new(value: String) -> Result<Self, CredentialError> {
        let pushed = Fields::new().push("authorization", &value, Indexing::Secret);
        pushed.map_err(|_| CredentialError::Header)?;
        Ok(Self(value))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorization(secret)")
    }
}

/// What a request carries as its proof. Its value never prints.
#[derive(Debug)]
pub struct Stamp {
    pub(super) authorization: Authorization,
    pub(super) generation: u64,
}

impl Stamp {
    /// The value of `authorization`. It is a secret.
    #[must_use]
    pub fn authorization(&self) -> &str {
        self.authorization.as_str()
    }

    /// The number of this stamp among those of its credential; a greater one is newer.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }
}

/// What became of a call of `Credential::renew`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Renewal {
    /// A newer stamp was made.
    Renewed,
    /// A newer stamp is being fetched.
    Asked,
    /// There was a newer stamp already.
    Newer,
    /// The present stamp is too young, or held: the upstream would punish another.
    TooSoon,
    /// The gateway can renew nothing here.
    Impossible,
}

impl fmt::Display for Renewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Renewed => "renewed",
            Self::Asked => "a newer one is being fetched",
            Self::Newer => "there was a newer one already",
            Self::TooSoon => "too soon after the last",
            Self::Impossible => "nothing to renew",
        })
    }
}

/// Why there is no stamp to send with, in one sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoToken {
    /// The token endpoint refuses the credential, so somebody has to mend it.
    #[error("{0}")]
    Refused(Arc<str>),
    /// The token endpoint failed, or cannot be reached.
    #[error("{0}")]
    Unavailable(Arc<str>),
    /// The token endpoint fails, and is left alone for a while.
    #[error("{why}")]
    LeftAlone {
        /// Why there is none.
        why: Arc<str>,
        /// When it may be worth to come again.
        retry_after: Duration,
    },
    /// No token came before the deadline, and nothing is known to be wrong.
    #[error("no access token came before the deadline")]
    Deadline,
}
