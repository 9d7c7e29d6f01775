//! VAPID: a token for each origin, signed by the key that subscriptions were made with.
//!
//! Source: RFC 8292.

use std::sync::Arc;

use secrecy::SecretString;

use super::{CredentialError, Renewal, Stamp};
use crate::upstream::Origin;

/// The key of one application server, and the tokens that it has signed.
#[derive(Debug)]
pub struct Vapid {}

impl Vapid {
    /// `key` is a private key on P-256 in PEM; `subject` a `mailto:` or `https:` URL. At most `max_origins`
    /// tokens are kept.
    ///
    /// # Errors
    /// Where the key cannot sign, or the subject is none.
    pub fn new(_: &SecretString, _: &str, _: usize) -> Result<Self, CredentialError> {
        Ok(Self {})
    }

    /// The newest token for an origin.
    #[must_use]
    pub fn stamp(&self, _: &Origin) -> Option<Arc<Stamp>> {
        None
    }

    /// Makes a newer token than that of `generation`, unless the last is too young.
    ///
    /// # Errors
    /// Where it could not be signed.
    pub fn renew(&self, _: &Origin, _: u64) -> Result<Renewal, CredentialError> {
        Ok(Renewal::TooSoon)
    }
}
