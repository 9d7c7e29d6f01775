//! What is told of the newest token of a credential to whoever watches over it.

use std::time::SystemTime;

use tokio::time::Instant;

/// The newest token of a credential.
#[derive(Debug, Clone)]
pub(crate) struct TokenLook {
    /// The credential, as its standings name it in metrics.
    pub(crate) label: String,
    /// What it is.
    pub(crate) kind: &'static str,
    /// When the token was made; none where there is none.
    pub(crate) made_at: Option<SystemTime>,
    /// When it expires, where somebody said so.
    pub(crate) expires_at: Option<Instant>,
    /// Why the last one could not be had.
    pub(crate) failure: Option<String>,
}
