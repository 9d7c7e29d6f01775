//! As whom: the newest proof of who the gateway is, a synchronous load.

pub mod apns;
pub mod google;
mod pace;
pub mod vapid;

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use http::HeaderValue;
use tokio::time::Instant;

use crate::upstream::Origin;

/// The wall clock, which push services judge a token's age by; tests put their own in.
type Wall = Box<dyn Fn() -> SystemTime + Send + Sync>;

/// What an app shows an upstream as its own.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A provider token of APNs.
    ProviderToken(Arc<apns::ProviderToken>),
    /// An access token of Google.
    AccessToken(Arc<google::GoogleToken>),
    /// Tokens for each origin, by VAPID.
    Vapid(Arc<vapid::Vapid>),
    /// A client certificate: shown in the TLS handshake, nothing to stamp on a request.
    Certificate,
    /// Nothing: the upstream asks for none.
    None,
}

impl Credential {
    /// Waits for a stamp, where the upstream's is fetched and not made: a newer one than that of generation
    /// `after`, which the upstream refused and [`Credential::renew`] was called for. At once where there is one.
    ///
    /// # Errors
    /// Where there is none, and none will come before the deadline.
    ///
    /// # Cancel safety
    /// Dropping the future cancels nothing but the wait.
    pub async fn ready(&self, deadline: Instant, after: Option<u64>) -> Result<(), NoToken> {
        match self {
            Self::AccessToken(token) => token.ready(deadline, after).await,
            Self::ProviderToken(_) | Self::Vapid(_) | Self::Certificate | Self::None => Ok(()),
        }
    }

    /// The newest stamp for requests to `origin`; none where the connection itself is the proof, or the newest has
    /// expired. Waits for nothing; where VAPID has none for that origin, it is signed here.
    #[must_use]
    pub fn stamp(&self, origin: &Origin) -> Option<Arc<Stamp>> {
        match self {
            Self::Vapid(vapid) => vapid.stamp(origin),
            Self::ProviderToken(token) => Some(token.stamp()),
            Self::AccessToken(token) => token.stamp(),
            Self::Certificate | Self::None => None,
        }
    }

    /// Whether requests carry a stamp.
    #[must_use]
    pub fn stamps(&self) -> bool {
        match self {
            Self::ProviderToken(_) | Self::AccessToken(_) | Self::Vapid(_) => true,
            Self::Certificate | Self::None => false,
        }
    }

    /// Why no stamp will come, however long one waits: it is made here, and cannot be.
    #[must_use]
    pub fn unable(&self) -> Option<NoToken> {
        match self {
            Self::Vapid(_) | Self::ProviderToken(_) => {
                Some(NoToken::Refused("the key cannot sign; the log says why".into()))
            }
            Self::AccessToken(_) | Self::Certificate | Self::None => None,
        }
    }

    /// Asks for a newer stamp for `origin` than that of `generation`, which it refused as expired.
    ///
    /// Any number of concurrent calls make one.
    ///
    /// # Errors
    /// Where it could not be made.
    pub fn renew(&self, origin: &Origin, generation: u64) -> Result<Renewal, CredentialError> {
        match self {
            Self::Vapid(vapid) => vapid.renew(origin, generation),
            Self::ProviderToken(token) => token.renew(generation),
            Self::AccessToken(token) => Ok(token.renew(generation)),
            Self::Certificate | Self::None => Ok(Renewal::Impossible),
        }
    }

    /// Keeps the present stamp for a while: the upstream says that it was renewed too often.
    pub fn hold(&self) {
        match self {
            Self::ProviderToken(token) => token.hold(),
            // Google does not count renewals, and the gateway paces its own.
            Self::AccessToken(_) | Self::Vapid(_) | Self::Certificate | Self::None => {}
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
    /// A newer one is being fetched.
    Asked,
    /// There was a newer one already.
    Newer,
    /// The present one is too young, or held: the upstream would punish another.
    TooSoon,
    /// Nothing that the gateway can renew.
    Impossible,
}

/// Why there is no stamp to send with, in one sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoToken {
    /// The token endpoint refuses the credential; somebody has to mend it.
    #[error("{0}")]
    Refused(Arc<str>),
    /// The token endpoint failed, or cannot be reached.
    #[error("{0}")]
    Unavailable(Arc<str>),
    /// None came before the deadline, and nothing is known to be wrong.
    #[error("no access token came before the deadline")]
    Deadline,
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
    /// What was to be a VAPID key is none.
    #[error(
        "expected a private key on the curve P-256, in PEM or as the one line of base64url that npm web-push prints; found {found}"
    )]
    VapidKey {
        /// What was found instead.
        found: &'static str,
    },
    /// A subject that push services refuse.
    #[error("expected a contact such as mailto:push@example.com or https://example.com, found {found:?}")]
    Subject {
        /// What was found.
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
            Self::Asked => "a newer one is being fetched",
            Self::Newer => "there was a newer one already",
            Self::TooSoon => "too soon after the last",
            Self::Impossible => "nothing to renew",
        })
    }
}
