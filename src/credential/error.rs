//! What can be wrong with a key and what belongs to it.

/// The length of a key id and of a team id, in characters.
pub(super) const ID_CHARACTERS: usize = 10;

/// Why a credential cannot be used. No variant repeats what is secret.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The text holds no private key that can be read.
    #[error(
        "the key is not a private key in PEM (PKCS #8) on an elliptic curve; expected the .p8 file as Apple gave it"
    )]
    Pem(#[source] jsonwebtoken::errors::Error),
    /// The key is of another kind.
    #[error("the key cannot sign ES256; expected one on the curve P-256")]
    NotP256(#[source] jsonwebtoken::errors::Error),
    /// The text is no key id.
    #[error("the key id is not {} visible characters, found {found}", ID_CHARACTERS)]
    KeyId {
        /// The length or the character that was found.
        found: String,
    },
    /// The text is no team id.
    #[error("the team id is not {} visible characters, found {found}", ID_CHARACTERS)]
    TeamId {
        /// The length or the character that was found.
        found: String,
    },
    /// The text is no VAPID key.
    #[error("expected a private key on the curve P-256, in PEM or as npm web-push prints it; found {found}")]
    VapidKey {
        /// What the text is instead.
        found: &'static str,
    },
    /// Push services would refuse the subject.
    #[error("expected a contact such as mailto:push@example.com or https://example.com, found {found:?}")]
    Subject {
        /// The subject that was found.
        found: String,
    },
    /// The clock of the machine cannot be right.
    #[error("the gateway's clock is before 1970")]
    Clock,
    /// The token does not fit into a header, which is a bug.
    #[error("the signed token is not a header value")]
    Header,
}
