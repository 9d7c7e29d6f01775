//! Why a token is refused, as a sentence that never repeats the token.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use humantime::{format_duration, format_rfc3339_seconds};

/// The longest part of what a token says that is repeated, in characters.
const MAX_SHOWN: usize = 64;

/// Why a token is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenProblem {
    /// The token is longer than any that is looked into.
    #[error("expected a token of at most {most} bytes, found {found}")]
    TooLarge {
        /// How many bytes a token may have.
        most: usize,
        /// How many it has.
        found: usize,
    },
    /// What was shown is no token.
    #[error("expected a JSON Web Token in its compact form, found {0}")]
    Malformed(&'static str),
    /// The token's header has an extension that must be understood.
    #[error("expected no header member \"crit\", since no extension of tokens is understood; found one")]
    Critical,
    /// The token names no issuer, or one that is not in the configuration.
    #[error("expected an issuer (\"iss\") that the gateway is configured to trust, found {0:?}")]
    UnknownIssuer(String),
    /// The token is signed by an algorithm that is not listed for its issuer.
    #[error("expected a token that is signed by {expected}, found \"alg\" {found:?}")]
    Algorithm {
        /// The algorithms of the issuer.
        expected: String,
        /// The token's, shortened.
        found: String,
    },
    /// No key of the issuer has the token's `kid`. A fetch may bring it.
    #[error("expected a key of issuer {issuer}, found the unknown \"kid\" {found:?}")]
    UnknownKey {
        /// The issuer by its name in the configuration.
        issuer: Arc<str>,
        /// The token's `kid`, shortened.
        found: String,
    },
    /// The token's `kid` names a key that is for other algorithms, or the token has no `kid` and no key is for its algorithm.
    #[error("expected a key of issuer {issuer} that is for {algorithm}, found none that the token may mean")]
    NoKeyForAlgorithm {
        /// The issuer by its name in the configuration.
        issuer: Arc<str>,
        /// The token's algorithm.
        algorithm: &'static str,
    },
    /// Too many keys could have signed the token.
    #[error(
        "expected a \"kid\" that tells which key of issuer {issuer} signed the token, found one of {keys} possible keys"
    )]
    AmbiguousKey {
        /// The issuer by its name in the configuration.
        issuer: Arc<str>,
        /// How many keys it could be.
        keys: usize,
    },
    /// The issuer's keys were not fetched yet. A fetch may bring them.
    #[error("expected keys of issuer {0}, found none: they could not be fetched yet")]
    NoKeys(Arc<str>),
    /// The issuer's keys could not be fetched for so long that they are trusted no more.
    #[error("expected keys of issuer {issuer} that are at most {} old, found older ones: no newer ones could be fetched",
        format_duration(*max_stale))]
    StaleKeys {
        /// The issuer by its name in the configuration.
        issuer: Arc<str>,
        /// How old they may be.
        max_stale: Duration,
    },
    /// The signature is not one by the issuer's key.
    #[error("expected a signature by a key of issuer {0}, found another one")]
    Signature(Arc<str>),
    /// A claim is absent, or of a wrong type.
    #[error("expected the claim {claim:?} to be {expected}, found something else or nothing")]
    Claim {
        /// The name of the claim.
        claim: Arc<str>,
        /// What it has to be.
        expected: &'static str,
    },
    /// The token is for somebody else.
    #[error("expected an audience (\"aud\") of this gateway, which is {0}; found others")]
    Audience(String),
    /// The token has expired.
    #[error("expected a token that is still good, found one that expired at {}", format_rfc3339_seconds(*.0))]
    Expired(SystemTime),
    /// The token is not good yet.
    #[error("expected a token that is good already, found one whose {claim:?} is {}", format_rfc3339_seconds(*.at))]
    NotYet {
        /// The claim that says so: `nbf` or `iat`.
        claim: &'static str,
        /// The moment that the claim says.
        at: SystemTime,
    },
}

impl TokenProblem {
    /// Returns the issuer whose keys may have to be fetched before the token can be verified, by its name in the
    /// configuration.
    #[must_use]
    pub fn missing_keys_of(&self) -> Option<&str> {
        match self {
            Self::UnknownKey { issuer, .. } | Self::NoKeys(issuer) => Some(issuer),
            Self::TooLarge { .. }
            | Self::Malformed(_)
            | Self::Critical
            | Self::UnknownIssuer(_)
            | Self::Algorithm { .. }
            | Self::NoKeyForAlgorithm { .. }
            | Self::AmbiguousKey { .. }
            | Self::StaleKeys { .. }
            | Self::Signature(_)
            | Self::Claim { .. }
            | Self::Audience(_)
            | Self::Expired(_)
            | Self::NotYet { .. } => None,
        }
    }
}

/// Shortens what a token or a key says, since anybody may have written it.
pub(super) fn shortened(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}
