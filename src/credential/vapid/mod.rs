//! VAPID: a token for each origin, signed by the key that subscriptions were made with.
//!
//! Source: RFC 8292.

mod key;
mod pace;

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use http::{HeaderValue, Uri};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use lru::LruCache;
use secrecy::SecretString;
use tokio::time::Instant;

pub use key::VapidKey;

use super::{CredentialError, Renewal, Stamp, Wall};
use crate::upstream::Origin;
use pace::Pace;

/// The key of one application server, and the tokens that it has signed.
pub struct Vapid {
    signer: Signer,
    wall: Wall,
    /// Held while a token is signed, so that concurrent wishes make one.
    tokens: Mutex<Tokens>,
}

struct Tokens {
    /// Those of the origins sent to last. Origins come with subscriptions, so with the users of browsers: the
    /// number kept is bounded.
    kept: LruCache<Origin, Token>,
    made: u64,
}

#[derive(Clone)]
struct Token {
    stamp: Arc<Stamp>,
    pace: Pace,
}

impl Vapid {
    /// `key` is a private key as [`VapidKey::parse`] reads it; `subject` a `mailto:` or `https:` URL. At most
    /// `max_origins` tokens are kept, and at least one.
    ///
    /// # Errors
    /// Where the key cannot sign, or the subject is none.
    pub fn new(key: &SecretString, subject: &str, max_origins: usize) -> Result<Self, CredentialError> {
        Self::with_wall_clock(key, subject, max_origins, Box::new(SystemTime::now))
    }

    fn with_wall_clock(
        key: &SecretString,
        subject: &str,
        max_origins: usize,
        wall: Wall,
    ) -> Result<Self, CredentialError> {
        let key = VapidKey::parse(key)?;
        if !is_contact(subject) {
            return Err(CredentialError::Subject { found: subject.to_owned() });
        }
        let signer = Signer {
            key: key.encoding_key()?,
            public_key: key.public_key().to_owned(),
            subject: subject.to_owned(),
        };
        // What is wrong with a key is known before a push needs it.
        signer.sign("https://push.example.net", 0, 0)?;
        let max_origins = NonZeroUsize::new(max_origins).unwrap_or(NonZeroUsize::MIN);
        let tokens = Mutex::new(Tokens { kept: LruCache::new(max_origins), made: 0 });
        Ok(Self { signer, wall, tokens })
    }

    /// The public key of its tokens, in base64url.
    #[must_use]
    pub fn public_key(&self) -> &str {
        &self.signer.public_key
    }

    /// The newest token for an origin. It is made here where there is none, or the last is at half its life.
    #[must_use]
    pub fn stamp(&self, origin: &Origin) -> Option<Arc<Stamp>> {
        let (now, wall) = (Instant::now(), self.seconds());
        let mut tokens = self.tokens();
        let known = tokens.kept.get(origin).cloned();
        if let Some(token) = known.as_ref().filter(|token| !token.pace.is_due(now, wall)) {
            return Some(Arc::clone(&token.stamp));
        }
        let made = self.make(&mut tokens, origin, now, wall);
        drop(tokens);
        match made {
            Ok(stamp) => Some(stamp),
            Err(error) => {
                tracing::error!(%origin, error = &error as &dyn std::error::Error, "made no new VAPID token");
                known.filter(|token| token.pace.is_valid(wall)).map(|token| token.stamp)
            }
        }
    }

    /// Makes a newer token than that of `generation`, unless there is one, or the last is younger than an hour.
    ///
    /// # Errors
    /// Where it could not be signed; the present one stays.
    pub fn renew(&self, origin: &Origin, generation: u64) -> Result<Renewal, CredentialError> {
        let (now, wall) = (Instant::now(), self.seconds());
        let mut tokens = self.tokens();
        if let Some(token) = tokens.kept.get(origin) {
            if token.stamp.generation > generation {
                return Ok(Renewal::Newer);
            }
            if !token.pace.may_renew(now) {
                return Ok(Renewal::TooSoon);
            }
        }
        self.make(&mut tokens, origin, now, wall).map(|_| Renewal::Renewed)
    }

    fn make(
        &self,
        tokens: &mut Tokens,
        origin: &Origin,
        now: Instant,
        wall: u64,
    ) -> Result<Arc<Stamp>, CredentialError> {
        let pace = Pace::made(now, wall);
        let stamp = Arc::new(self.signer.sign(&origin.to_string(), pace.ends_at(), tokens.made)?);
        tokens.made += 1;
        tokens.kept.put(origin.clone(), Token { stamp: Arc::clone(&stamp), pace });
        Ok(stamp)
    }

    /// Of the wall clock, since the Unix epoch. A clock that is before it makes tokens that push services refuse,
    /// and say so.
    fn seconds(&self) -> u64 {
        (self.wall)().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    fn tokens(&self) -> MutexGuard<'_, Tokens> {
        // Nothing in there is changed in more than one step.
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Vapid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vapid")
            .field("public_key", &self.signer.public_key)
            .field("subject", &self.signer.subject)
            .field("made", &self.tokens().made)
            .finish_non_exhaustive()
    }
}

struct Signer {
    key: EncodingKey,
    public_key: String,
    subject: String,
}

/// Source: RFC 8292, section 2.
#[derive(serde::Serialize)]
struct Claims<'a> {
    aud: &'a str,
    /// Seconds since the Unix epoch.
    exp: u64,
    sub: &'a str,
}

impl Signer {
    fn sign(&self, origin: &str, ends_at: u64, generation: u64) -> Result<Stamp, CredentialError> {
        // `typ` is JWT by default, as section 2 has it.
        let header = Header::new(Algorithm::ES256);
        let claims = Claims { aud: origin, exp: ends_at, sub: &self.subject };
        let token = jsonwebtoken::encode(&header, &claims, &self.key).map_err(CredentialError::NotP256)?;
        // Source: RFC 8292, section 3.
        let mut header = HeaderValue::try_from(format!("vapid t={token}, k={}", self.public_key))
            .map_err(|_| CredentialError::Header)?;
        header.set_sensitive(true);
        Ok(Stamp { header, generation })
    }
}

/// Whether a push service could reach somebody there. Source: RFC 8292, section 2.1.
///
/// Apple's refuses more, such as mailto:push@localhost. Source: github.com/web-push-libs/web-push, issue 947.
fn is_contact(subject: &str) -> bool {
    if !subject.chars().all(|c| c.is_ascii_graphic()) {
        return false;
    }
    match subject.split_once(':') {
        Some(("mailto", address)) => {
            address.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
        }
        Some(("https", rest)) if rest.starts_with("//") => {
            subject.parse::<Uri>().is_ok_and(|uri| uri.host().is_some_and(|host| !host.is_empty()))
        }
        Some(_) | None => false,
    }
}

#[cfg(test)]
mod tests;
