//! The provider token of APNs: a JWT that says which team pushes, signed by one of its keys.
//!
//! Source: Apple, "Establishing a token-based connection to APNs".

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use http::HeaderValue;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::pace::Pace;
use super::{CredentialError, Renewal, Stamp, Wall};

/// The length of a key id and of a team id, in characters.
pub const ID_CHARACTERS: usize = 10;

/// How often the age of the token is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// The id of a key, as Apple's portal names it: 10 visible characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// # Errors
    /// Where it is not 10 visible ASCII characters.
    pub fn parse(id: &str) -> Result<Self, CredentialError> {
        check_id(id).map_err(|found| CredentialError::KeyId { found })?;
        Ok(Self(id.to_owned()))
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The id of a developer team: 10 visible characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TeamId(String);

impl TeamId {
    /// # Errors
    /// Where it is not 10 visible ASCII characters.
    pub fn parse(id: &str) -> Result<Self, CredentialError> {
        check_id(id).map_err(|found| CredentialError::TeamId { found })?;
        Ok(Self(id.to_owned()))
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check_id(id: &str) -> Result<(), String> {
    match id.chars().find(|c| !c.is_ascii_graphic()) {
        Some(c) => Err(format!("{c:?}")),
        None if id.len() != ID_CHARACTERS => Err(format!("{} characters", id.len())),
        None => Ok(()),
    }
}

/// The provider token of one key, shared by every connection that pushes as its team.
pub struct ProviderToken {
    signer: Signer,
    /// What APNs judges a token's age by.
    wall: Wall,
    newest: ArcSwap<Stamp>,
    /// Held while a token is made, so that concurrent wishes make one.
    pace: Mutex<Pace>,
}

impl ProviderToken {
    /// Makes the first token. `key` is the text of the .p8 file.
    ///
    /// # Errors
    /// Where the key cannot sign.
    pub fn new(key: &SecretString, key_id: KeyId, team_id: TeamId) -> Result<Self, CredentialError> {
        Self::with_wall_clock(key, key_id, team_id, Box::new(SystemTime::now))
    }

    fn with_wall_clock(
        key: &SecretString,
        key_id: KeyId,
        team_id: TeamId,
        wall: Wall,
    ) -> Result<Self, CredentialError> {
        let key = EncodingKey::from_ec_pem(key.expose_secret().as_bytes()).map_err(CredentialError::Pem)?;
        let signer = Signer { key, key_id, team_id };
        let issued_at = wall();
        let first = signer.sign(issued_at, 0)?;
        Ok(Self {
            signer,
            wall,
            newest: ArcSwap::from_pointee(first),
            pace: Mutex::new(Pace::made(Instant::now(), issued_at)),
        })
    }

    /// The newest token. Neither waits nor allocates.
    #[must_use]
    pub fn stamp(&self) -> Arc<Stamp> {
        self.newest.load_full()
    }

    /// Makes a newer token than that of `generation`, unless there is one, or the last is younger
    /// than 20 minutes or held.
    ///
    /// # Errors
    /// Where it could not be signed; the present one stays.
    pub fn renew(&self, generation: u64) -> Result<Renewal, CredentialError> {
        let mut pace = self.pace();
        if self.newest.load().generation > generation {
            return Ok(Renewal::Newer);
        }
        self.renew_at(&mut pace, (self.wall)())
    }

    /// Makes no token for 20 minutes from now.
    pub fn hold(&self) {
        self.pace().hold(Instant::now());
    }

    /// Renews the token before APNs refuses it, until `stop`. For one task of its own.
    pub async fn keep_fresh(self: Arc<Self>, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_some() {
            let key_id = self.signer.key_id.as_str();
            match self.renew_if_due() {
                None | Some(Ok(Renewal::Asked | Renewal::Newer | Renewal::TooSoon | Renewal::Impossible)) => {
                }
                Some(Ok(Renewal::Renewed)) => tracing::info!(key_id, "made a new provider token"),
                Some(Err(error)) => {
                    tracing::error!(
                        key_id,
                        error = &error as &dyn std::error::Error,
                        "made no new provider token"
                    );
                }
            }
        }
    }

    fn renew_if_due(&self) -> Option<Result<Renewal, CredentialError>> {
        let mut pace = self.pace();
        let wall = (self.wall)();
        pace.is_due(wall).then(|| self.renew_at(&mut pace, wall))
    }

    fn renew_at(&self, pace: &mut Pace, issued_at: SystemTime) -> Result<Renewal, CredentialError> {
        let now = Instant::now();
        if !pace.may_renew(now) {
            return Ok(Renewal::TooSoon);
        }
        let next = self.signer.sign(issued_at, self.newest.load().generation + 1)?;
        *pace = Pace::made(now, issued_at);
        self.newest.store(Arc::new(next));
        Ok(Renewal::Renewed)
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        // A pace is two plain values, whole at every moment.
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ProviderToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderToken")
            .field("key_id", &self.signer.key_id)
            .field("team_id", &self.signer.team_id)
            .field("generation", &self.newest.load().generation)
            .finish_non_exhaustive()
    }
}

struct Signer {
    key: EncodingKey,
    key_id: KeyId,
    team_id: TeamId,
}

/// There is no `exp`: APNs judges by `iat`.
#[derive(serde::Serialize)]
struct Claims<'a> {
    iss: &'a str,
    /// Seconds since the Unix epoch.
    iat: u64,
}

impl Signer {
    fn sign(&self, issued_at: SystemTime, generation: u64) -> Result<Stamp, CredentialError> {
        let iat = issued_at.duration_since(UNIX_EPOCH).map_err(|_| CredentialError::Clock)?.as_secs();
        let mut header = Header::new(Algorithm::ES256);
        header.typ = None;
        header.kid = Some(self.key_id.0.clone());
        let claims = Claims { iss: &self.team_id.0, iat };
        let token = jsonwebtoken::encode(&header, &claims, &self.key).map_err(CredentialError::NotP256)?;
        let mut header =
            HeaderValue::try_from(format!("bearer {token}")).map_err(|_| CredentialError::Header)?;
        header.set_sensitive(true);
        Ok(Stamp { header, generation })
    }
}

#[cfg(test)]
mod tests;
