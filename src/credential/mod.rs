//! As whom: the newest proof of who the gateway is, which a push loads without waiting.
//!
//! Keys are parsed when the configuration is read. The [`Registry`] makes one credential of each, and owns the tasks that
//! keep them fresh.

pub mod apns;
pub mod google;
mod handle;
mod registry;
pub mod vapid;

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use fanfare_upstream::Origin;
use http::HeaderValue;
use tokio::time::Instant;

pub use handle::Handle;
pub use registry::Registry;

/// The wall clock, by which push services judge a token's age. Tests put their own in.
type WallClock = Box<dyn Fn() -> SystemTime + Send + Sync>;

/// What an app shows an upstream as its own.
#[derive(Debug, Clone)]
pub enum Credential {
    /// The app shows a provider token of APNs.
    ProviderToken(Handle<apns::ProviderToken>),
    /// The app shows an access token of Google.
    AccessToken(Handle<google::GoogleToken>),
    /// The app shows a VAPID token, another one to each origin.
    Vapid(Handle<vapid::Vapid>),
    /// The app shows a client certificate in the TLS handshake, so nothing is stamped on a request.
    Certificate,
    /// The app shows nothing, because the upstream asks for nothing.
    None,
}

impl Credential {
    /// Waits for a stamp where it is fetched and not made here. Where the upstream refused the stamp of generation `after`
    /// and [`Credential::renew`] was called, it waits for a newer one. It returns at once where there is one.
    ///
    /// # Errors
    /// Fails where there is none, and none will come before the deadline.
    ///
    /// # Cancel safety
    /// Dropping the future cancels nothing but the wait.
    pub async fn ready(&self, deadline: Instant, after: Option<u64>) -> Result<(), NoToken> {
        match self {
            Self::AccessToken(token) => token.ready(deadline, after).await,
            Self::ProviderToken(_) | Self::Vapid(_) | Self::Certificate | Self::None => Ok(()),
        }
    }

    /// Returns the newest stamp for requests to `origin`. There is none where the connection itself is the proof, or the
    /// newest has expired. It waits for nothing; a VAPID token that is missing for that origin is signed here.
    #[must_use]
    pub fn stamp(&self, origin: &Origin) -> Option<Arc<Stamp>> {
        match self {
            Self::Vapid(vapid) => vapid.stamp(origin),
            Self::ProviderToken(token) => token.stamp(),
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

    /// Returns why no stamp will come, however long one waits: the gateway makes this kind itself, and could not.
    #[must_use]
    pub fn unable(&self) -> Option<NoToken> {
        match self {
            Self::Vapid(_) | Self::ProviderToken(_) => {
                Some(NoToken::Refused("the key cannot sign; the log says why".into()))
            }
            Self::AccessToken(_) | Self::Certificate | Self::None => None,
        }
    }

    /// Asks for a newer stamp for `origin` than that of `generation`, which the origin refused as expired. Any number of
    /// concurrent calls make one.
    ///
    /// # Errors
    /// Fails where the stamp cannot be made.
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
            // Google does not count renewals, and the gateway paces those of VAPID by itself.
            Self::AccessToken(_) | Self::Vapid(_) | Self::Certificate | Self::None => {}
        }
    }
}

/// What a request carries as its proof. The header prints as `Sensitive`.
#[derive(Debug)]
pub struct Stamp {
    header: HeaderValue,
    generation: u64,
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

/// What became of a call of [`Credential::renew`].
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
    #[error("the key id is not {} visible characters, found {found}", apns::ID_CHARACTERS)]
    KeyId {
        /// The length or the character that was found.
        found: String,
    },
    /// The text is no team id.
    #[error("the team id is not {} visible characters, found {found}", apns::ID_CHARACTERS)]
    TeamId {
        /// The length or the character that was found.
        found: String,
    },
    /// The text is no VAPID key.
    #[error(
        "expected a private key on the curve P-256, in PEM or as the one line of base64url that npm web-push prints; found {found}"
    )]
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
