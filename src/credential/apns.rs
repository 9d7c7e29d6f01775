//! APNs' provider token: an ES256 JWT, shared by all who use its key, renewed early, never too often.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use http::HeaderValue;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{CredentialError, Stamp};

/// A token older than an hour is refused; it is renewed before.
/// Source: Apple, "Establishing a token-based connection to APNs".
const RENEW_AT_AGE: Duration = Duration::from_secs(50 * 60);

/// A key's token may not be renewed more often. Source: the same.
const SHORTEST_LIFE: Duration = Duration::from_secs(20 * 60);

/// How often the age is looked at: by the wall clock, since that is what APNs judges, and a machine may sleep.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// An issue time this far ahead says that the clock was set back.
const CLOCK_SKEW: Duration = Duration::from_secs(60);

/// Ids of keys and teams. Source: the same, "10-character".
const ID_LENGTH: usize = 10;

/// The provider token of one key.
pub struct ProviderToken {
    key: EncodingKey,
    key_id: String,
    team_id: String,
    newest: ArcSwap<Stamp>,
    made: Mutex<Made>,
}

#[derive(Debug, Clone, Copy)]
struct Made {
    issued_at: SystemTime,
    /// No new token before this.
    not_before: Instant,
}

/// What became of a wish for a new token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// A new one was made.
    Made,
    /// There was a newer one already.
    Newer,
    /// APNs would refuse a new one so soon.
    TooSoon,
    /// It could not be signed; the old one stays.
    Failed,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    iat: u64,
}

impl ProviderToken {
    /// Makes the first token.
    ///
    /// # Errors
    /// Where the key is no P-256 key in PEM, or an id is malformed.
    pub fn new(key: &SecretString, key_id: &str, team_id: &str) -> Result<Self, CredentialError> {
        check_id("key_id", key_id)?;
        check_id("team_id", team_id)?;
        let key = EncodingKey::from_ec_pem(key.expose_secret().as_bytes())
            .map_err(|_| CredentialError::Key("found something else"))?;
        let now = SystemTime::now();
        let first = sign(&key, key_id, team_id, now, 1)?;
        Ok(Self {
            key,
            key_id: key_id.to_owned(),
            team_id: team_id.to_owned(),
            newest: ArcSwap::from_pointee(first),
            made: Mutex::new(Made { issued_at: now, not_before: Instant::now() + SHORTEST_LIFE }),
        })
    }

    /// What a request carries now.
    #[must_use]
    pub fn stamp(&self) -> Arc<Stamp> {
        self.newest.load_full()
    }

    /// Makes a new token in place of the one of this generation, unless that was done or is too soon. A
    /// thousand who ask at once cause one.
    pub fn renew(&self, generation: u64) -> Renewal {
        self.renew_at(generation, SystemTime::now())
    }

    fn renew_at(&self, generation: u64, now: SystemTime) -> Renewal {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.newest.load().generation;
        if current > generation {
            return Renewal::Newer;
        }
        if Instant::now() < made.not_before {
            return Renewal::TooSoon;
        }
        match sign(&self.key, &self.key_id, &self.team_id, now, current + 1) {
            Ok(stamp) => {
                self.newest.store(Arc::new(stamp));
                *made = Made { issued_at: now, not_before: Instant::now() + SHORTEST_LIFE };
                tracing::info!(key = self.key_id, team = self.team_id, "made a new provider token");
                Renewal::Made
            }
            Err(error) => {
                tracing::error!(key = self.key_id, team = self.team_id, %error, "no new provider token");
                Renewal::Failed
            }
        }
    }

    /// APNs said that tokens come too often: no new one for twenty minutes from now.
    pub fn hold(&self) {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.not_before = made.not_before.max(Instant::now() + SHORTEST_LIFE);
    }

    /// Renews the token early, until cancelled.
    pub async fn keep_fresh(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => self.look(SystemTime::now()),
            }
        }
    }

    fn look(&self, now: SystemTime) {
        let issued_at = self.made.lock().unwrap_or_else(PoisonError::into_inner).issued_at;
        let due = match now.duration_since(issued_at) {
            Ok(age) => age >= RENEW_AT_AGE,
            Err(ahead) => ahead.duration() > CLOCK_SKEW,
        };
        if due {
            let generation = self.newest.load().generation;
            self.renew_at(generation, now);
        }
    }
}

impl fmt::Debug for ProviderToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProviderToken({}/{})", self.team_id, self.key_id)
    }
}

fn check_id(what: &'static str, id: &str) -> Result<(), CredentialError> {
    let good = id.len() == ID_LENGTH && id.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    if good { Ok(()) } else { Err(CredentialError::Id { what, found: id.chars().count() }) }
}

fn sign(
    key: &EncodingKey,
    key_id: &str,
    team_id: &str,
    now: SystemTime,
    generation: u64,
) -> Result<Stamp, CredentialError> {
    let iat = now.duration_since(SystemTime::UNIX_EPOCH).map_err(|_| CredentialError::Clock)?.as_secs();
    let mut header = Header::new(Algorithm::ES256);
    header.typ = None;
    header.kid = Some(key_id.to_owned());
    let token = jsonwebtoken::encode(&header, &Claims { iss: team_id, iat }, key)
        .map_err(|_| CredentialError::Key("found a key of another kind"))?;
    let mut header = HeaderValue::try_from(format!("bearer {token}")).map_err(|_| CredentialError::Sign)?;
    header.set_sensitive(true);
    Ok(Stamp { header, generation })
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation};

    use super::*;

    const PRIVATE: &str = include_str!("../../tests/data/provider-key.p8");
    const PUBLIC: &str = include_str!("../../tests/data/provider-key.pub.pem");

    fn token() -> ProviderToken {
        ProviderToken::new(&PRIVATE.into(), "KEY0000001", "TEAM000001").unwrap()
    }

    fn jwt(stamp: &Stamp) -> String {
        stamp.header().to_str().unwrap().strip_prefix("bearer ").unwrap().to_owned()
    }

    #[tokio::test]
    async fn the_token_verifies_and_says_what_apple_wants() {
        let jwt = jwt(&token().stamp());
        let mut validation = Validation::new(Algorithm::ES256);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        let key = DecodingKey::from_ec_pem(PUBLIC.as_bytes()).unwrap();
        let decoded = jsonwebtoken::decode::<serde_json::Value>(&jwt, &key, &validation).unwrap();
        assert_eq!(decoded.header.kid.as_deref(), Some("KEY0000001"));
        assert_eq!(decoded.claims["iss"], "TEAM000001");
        assert!(decoded.claims["iat"].is_u64());
        assert_eq!(decoded.claims.as_object().unwrap().len(), 2);
        // Raw r and s, 64 bytes: 86 characters of base64url. Source: RFC 7518, section 3.4.
        assert_eq!(jwt.rsplit('.').next().unwrap().len(), 86);
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_refusals_make_one_token_and_not_too_soon() {
        let token = token();
        assert_eq!(token.renew(1), Renewal::TooSoon);
        tokio::time::advance(SHORTEST_LIFE).await;
        let made: Vec<_> = (0..1000).map(|_| token.renew(1)).collect();
        assert_eq!(made.iter().filter(|renewal| **renewal == Renewal::Made).count(), 1);
        assert_eq!(made.iter().filter(|renewal| **renewal == Renewal::Newer).count(), 999);
        assert_eq!(token.stamp().generation(), 2);
        assert_eq!(token.renew(2), Renewal::TooSoon);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_renewed_at_fifty_minutes_of_the_wall_clock() {
        let token = token();
        let issued = token.made.lock().unwrap().issued_at;
        tokio::time::advance(SHORTEST_LIFE).await;
        token.look(issued + RENEW_AT_AGE - Duration::from_secs(1));
        assert_eq!(token.stamp().generation(), 1);
        token.look(issued + RENEW_AT_AGE);
        assert_eq!(token.stamp().generation(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_was_set_back_is_noticed() {
        let token = token();
        let issued = token.made.lock().unwrap().issued_at;
        tokio::time::advance(SHORTEST_LIFE).await;
        token.look(issued - Duration::from_secs(3600));
        assert_eq!(token.stamp().generation(), 2);
        // And before 1970 nothing is signed, and nothing panics.
        tokio::time::advance(SHORTEST_LIFE).await;
        token.look(SystemTime::UNIX_EPOCH - Duration::from_secs(1));
        assert_eq!(token.stamp().generation(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_keeps_the_token() {
        let token = token();
        tokio::time::advance(SHORTEST_LIFE).await;
        token.hold();
        assert_eq!(token.renew(1), Renewal::TooSoon);
        tokio::time::advance(SHORTEST_LIFE).await;
        assert_eq!(token.renew(1), Renewal::Made);
    }

    #[tokio::test]
    async fn what_is_wrong_is_said_without_the_key() {
        let wrong =
            |key: &str, key_id, team_id| ProviderToken::new(&key.into(), key_id, team_id).unwrap_err();
        let secret = PRIVATE.lines().nth(1).unwrap();
        for error in [
            wrong("not pem", "KEY0000001", "TEAM000001"),
            wrong(&PRIVATE.replace("PRIVATE", "PUBLIC"), "KEY0000001", "TEAM000001"),
            wrong(PRIVATE, "short", "TEAM000001"),
            wrong(PRIVATE, "KEY0000001", "team000001"),
        ] {
            assert!(error.to_string().contains("expected"), "{error}");
            assert!(!format!("{error} {error:?}").contains(secret));
        }
        let shown = format!("{:?} {:?}", token(), token().stamp());
        assert!(!shown.contains(&jwt(&token().stamp())[..20]) && shown.contains("Sensitive"), "{shown}");
    }
}
