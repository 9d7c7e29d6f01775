//! As whom: the newest proof of who the gateway is, which a push loads; only an access token may have to be waited for.
//!
//! Keys are parsed when the configuration is read. The [`Registry`] makes one credential of each, and owns the tasks that
//! keep them fresh.

pub(crate) mod apns;
mod clock;
mod error;
pub mod google;
mod handle;
mod registry;
mod stamp;
mod standing;
mod table;
mod token_look;
pub mod vapid;

use std::sync::Arc;

use fanfare_upstream::Origin;
use tokio::time::Instant;

pub use error::CredentialError;
pub use handle::CredentialHandle;
pub use registry::Registry;
pub(crate) use registry::Standings;
pub use stamp::{NoToken, Renewal, Stamp};
pub use standing::CredentialStanding;
#[cfg(test)]
pub(crate) use standing::RefusalLook;
pub(crate) use standing::{Heard, HeardOfPush, Pass, Refused, RefusingAnswer, StandingLook};
pub(crate) use token_look::TokenLook;

/// What an app shows an upstream as its own.
#[derive(Debug, Clone)]
pub enum Credential {
    /// The app shows a provider token of APNs.
    ProviderToken(CredentialHandle<apns::ProviderToken>),
    /// The app shows an access token of Google.
    AccessToken(CredentialHandle<google::GoogleToken>),
    /// The app shows a VAPID token, another one to each origin.
    Vapid(CredentialHandle<vapid::Vapid>),
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
    /// Fails if there is none, and none will come before the deadline.
    ///
    /// # Cancel safety
    /// Dropping the future cancels nothing but the wait.
    pub(crate) async fn ready(&self, deadline: Instant, after: Option<u64>) -> Result<(), NoToken> {
        match self {
            Self::AccessToken(token) => token.ready(deadline, after).await,
            Self::ProviderToken(_) | Self::Vapid(_) | Self::Certificate | Self::None => Ok(()),
        }
    }

    /// Returns the newest stamp for requests to `origin`. There is none where the connection itself is the proof, or the
    /// newest has expired. It waits for nothing; a VAPID token that is missing for that origin is signed here.
    #[must_use]
    pub(crate) fn stamp(&self, origin: &Origin) -> Option<Arc<Stamp>> {
        match self {
            Self::Vapid(vapid) => vapid.stamp(origin),
            Self::ProviderToken(token) => token.stamp(),
            Self::AccessToken(token) => token.stamp(),
            Self::Certificate | Self::None => None,
        }
    }

    /// Whether requests carry a stamp.
    #[must_use]
    pub(crate) fn stamps(&self) -> bool {
        match self {
            Self::ProviderToken(_) | Self::AccessToken(_) | Self::Vapid(_) => true,
            Self::Certificate | Self::None => false,
        }
    }

    /// Returns why no stamp will come, however long one waits: the gateway makes this kind itself, and could not.
    #[must_use]
    pub(crate) fn unable(&self) -> Option<NoToken> {
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
    /// Fails if the stamp cannot be made.
    pub(crate) fn renew(&self, origin: &Origin, generation: u64) -> Result<Renewal, CredentialError> {
        match self {
            Self::Vapid(vapid) => vapid.renew(origin, generation),
            Self::ProviderToken(token) => token.renew(generation),
            Self::AccessToken(token) => Ok(token.renew(generation)),
            Self::Certificate | Self::None => Ok(Renewal::Impossible),
        }
    }

    /// Keeps the present stamp for a while: the upstream says that it was renewed too often.
    pub(crate) fn hold(&self) {
        match self {
            Self::ProviderToken(token) => token.hold(),
            // Google does not count renewals, and the gateway paces those of VAPID by itself.
            Self::AccessToken(_) | Self::Vapid(_) | Self::Certificate | Self::None => {}
        }
    }
}
