//! How a credential is where it is shown.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::word::Word;
use super::{Trouble, moment};

/// What is known of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CredentialState {
    /// Nothing speaks against it.
    Good,
    /// It ends within 30 days.
    EndsSoon,
    /// No token could be fetched or made with it.
    Unavailable,
    /// A push service refuses it.
    Refused,
    /// It has ended.
    Ended,
}

/// How a credential is at one place where it is shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CredentialStatus {
    /// Its name: key and team, account, public key, or certificate. Nothing of it is secret.
    pub(crate) name: String,
    /// What it is.
    pub(crate) kind: Word,
    /// Where it is shown.
    pub(crate) place: String,
    /// How it is there.
    pub(crate) state: CredentialState,
    /// Since when it is refused.
    #[serde(with = "moment::maybe")]
    pub(crate) since: Option<SystemTime>,
    /// Why it is refused, as the push service says.
    pub(crate) reason: Option<String>,
    /// When the newest token was made with it.
    #[serde(with = "moment::maybe")]
    pub(crate) made_at: Option<SystemTime>,
    /// When the newest token or the certificate ends.
    #[serde(with = "moment::maybe")]
    pub(crate) expires_at: Option<SystemTime>,
    /// What is wrong with the certificate of a listener. Of what is an app's, its app tells.
    pub(crate) trouble: Option<Trouble>,
}
