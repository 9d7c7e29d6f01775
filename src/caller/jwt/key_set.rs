//! The keys of one issuer, parsed. Source: RFC 7517, section 5.

use aws_lc_rs::digest;
use serde_json::value::RawValue;

use super::algorithm::{SigningAlgorithm, names};
use super::jwk::{self, LeftOut, VerificationKey};
use super::members::Members;

/// The largest set, in bytes: a hundred RSA keys with their certificates.
const MAX_SET_BYTES: usize = 256 * 1024;

/// The most keys of a set.
const MAX_KEYS: usize = 100;

/// How many keys that were left out are named where none is usable.
const MAX_NAMED: usize = 3;

/// The keys of one issuer that can verify its tokens.
pub struct KeySet {
    keys: Vec<VerificationKey>,
    left_out: Vec<LeftOut>,
    /// The SHA-256 of the text.
    fingerprint: Vec<u8>,
}

/// Why a text is no set of keys that can be used.
#[derive(Debug, thiserror::Error)]
pub enum KeySetError {
    /// The text is too long.
    #[error("expected a JWK set of at most {MAX_SET_BYTES} bytes, found {0}")]
    TooLarge(usize),
    /// The text is something else.
    #[error("expected a JWK set, such as {{\"keys\":[…]}}, found something else")]
    NotASet,
    /// The set has too many keys.
    #[error("expected at most {MAX_KEYS} keys, found {0}")]
    TooManyKeys(usize),
    /// No key of the set can be used.
    #[error("expected a public key for {listed}, found none{why}")]
    NoUsableKey {
        /// The algorithms that the issuer's tokens may be signed by.
        listed: String,
        /// What is wrong with the keys that there are, behind a colon.
        why: String,
    },
}

/// Tells which keys they are.
impl std::fmt::Debug for KeySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeySet").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

impl KeySet {
    /// Reads a JWK set. Keys that are not for one of these algorithms are left out.
    ///
    /// # Errors
    /// Fails if the text is no JWK set, is too large, or has no key that can be used.
    pub fn parse(text: &[u8], algorithms: &[SigningAlgorithm]) -> Result<Self, KeySetError> {
        if text.len() > MAX_SET_BYTES {
            return Err(KeySetError::TooLarge(text.len()));
        }
        let set = Members::read(text).ok_or(KeySetError::NotASet)?;
        let jwks: Option<Vec<&RawValue>> = set.get("keys").map_err(|_| KeySetError::NotASet)?;
        let jwks = jwks.ok_or(KeySetError::NotASet)?;
        if jwks.len() > MAX_KEYS {
            return Err(KeySetError::TooManyKeys(jwks.len()));
        }
        let (mut keys, mut left_out) = (Vec::new(), Vec::new());
        for jwk in jwks {
            match jwk::read(jwk.get(), algorithms) {
                Ok(more) => keys.extend(more),
                Err(why) => left_out.push(why),
            }
        }
        if keys.is_empty() {
            let named: Vec<_> = left_out.iter().take(MAX_NAMED).map(String::as_str).collect();
            let why = if named.is_empty() { String::new() } else { format!(": {}", named.join("; ")) };
            return Err(KeySetError::NoUsableKey { listed: names(algorithms), why });
        }
        let fingerprint = digest::digest(&digest::SHA256, text).as_ref().to_vec();
        Ok(Self { keys, left_out, fingerprint })
    }

    /// Whether both were read from the same text.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }

    /// Names the keys that cannot be used.
    pub(super) fn tell_left_out(&self, issuer: &str) {
        for why in &self.left_out {
            tracing::debug!(issuer, why, "left a key out");
        }
    }

    /// Whether a key has this `kid`, for whatever algorithm it is.
    pub(super) fn has(&self, id: &str) -> bool {
        self.keys.iter().any(|key| key.id.as_deref() == Some(id))
    }

    /// Returns the keys that may have signed a token of this algorithm: those with its `kid`, or all where it has none.
    pub(super) fn candidates<'a>(
        &'a self,
        id: Option<&str>,
        algorithm: SigningAlgorithm,
    ) -> Vec<&'a VerificationKey> {
        let named = |key: &&VerificationKey| id.is_none() || key.id.as_deref() == id;
        self.keys.iter().filter(|key| key.algorithm == algorithm).filter(named).collect()
    }
}
