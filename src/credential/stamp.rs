//! The proof that a request carries, how it is renewed, and why there may be none.

use std::fmt;
use std::sync::Arc;

use http::HeaderValue;

/// What a request carries as its proof. The header prints as `Sensitive`.
#[derive(Debug)]
pub struct Stamp {
    pub(super) header: HeaderValue,
    pub(super) generation: u64,
}

impl Stamp {
    /// The value of `authorization`, which is marked sensitive.
    #[must_use]
    pub fn header(&self) -> &HeaderValue {
        &self.header
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
    /// No token came before the deadline, and nothing is known to be wrong.
    #[error("no access token came before the deadline")]
    Deadline,
}
