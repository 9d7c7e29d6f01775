//! VAPID: one token for each origin, signed by the key that subscriptions were made with.
//!
//! Source: RFC 8292.

mod application_server;
mod key;
mod pace;

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use fanfare_upstream::Origin;
use lru::LruCache;
use tokio::time::Instant;

pub use application_server::ApplicationServer;
pub(super) use application_server::ApplicationServerIdentity;
pub(crate) use application_server::check_contact;
pub(crate) use key::VapidKey;

use super::clock::WallClock;
use super::{CredentialError, Renewal, Stamp};
use pace::VapidTokenPace;

/// The tokens that one application server has signed.
pub struct Vapid {
    server: Arc<ApplicationServer>,
    wall_clock: WallClock,
    /// The lock is held while a token is signed, so that concurrent callers make one.
    tokens: Mutex<VapidTokens>,
}

struct VapidTokens {
    /// The tokens of the origins that were sent to last. Origins come with subscriptions, so from the users of
    /// browsers: the number that is kept is bounded.
    by_origin: LruCache<Origin, VapidToken>,
    made: u64,
}

#[derive(Clone)]
struct VapidToken {
    stamp: Arc<Stamp>,
    pace: VapidTokenPace,
}

impl Vapid {
    /// Keeps at most `max_origins` tokens, and at least one.
    #[must_use]
    pub(super) fn new(server: Arc<ApplicationServer>, max_origins: usize) -> Self {
        Self::with_wall_clock(server, max_origins, Box::new(SystemTime::now))
    }

    fn with_wall_clock(server: Arc<ApplicationServer>, max_origins: usize, wall_clock: WallClock) -> Self {
        let by_origin = LruCache::new(at_least_one(max_origins));
        Self { server, wall_clock, tokens: Mutex::new(VapidTokens { by_origin, made: 0 }) }
    }

    /// The key that browsers subscribed with.
    pub(super) fn public_key(&self) -> &str {
        self.server.public_key()
    }

    /// Keeps at most `max_origins` tokens from now on, since another configuration may say another number.
    pub(crate) fn keep_at_most(&self, max_origins: usize) {
        self.tokens().by_origin.resize(at_least_one(max_origins));
    }

    /// Returns the newest token for an origin. It is made here where there is none, or the last is at half its life.
    #[must_use]
    pub(crate) fn stamp(&self, origin: &Origin) -> Option<Arc<Stamp>> {
        let (now, wall) = (Instant::now(), self.wall_seconds());
        let mut tokens = self.tokens();
        let known = tokens.by_origin.get(origin).cloned();
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

    /// Makes a newer token than that of `generation`, unless there is one already, or the last is younger than an hour.
    ///
    /// # Errors
    /// Fails if the token cannot be signed; the present one stays.
    pub(crate) fn renew(&self, origin: &Origin, generation: u64) -> Result<Renewal, CredentialError> {
        let (now, wall) = (Instant::now(), self.wall_seconds());
        let mut tokens = self.tokens();
        if let Some(token) = tokens.by_origin.get(origin) {
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
        tokens: &mut VapidTokens,
        origin: &Origin,
        now: Instant,
        wall: u64,
    ) -> Result<Arc<Stamp>, CredentialError> {
        let pace = VapidTokenPace::made(now, wall);
        let stamp = Arc::new(self.server.sign(&origin.to_string(), pace.ends_at(), tokens.made)?);
        tokens.made += 1;
        tokens.by_origin.put(origin.clone(), VapidToken { stamp: Arc::clone(&stamp), pace });
        Ok(stamp)
    }

    /// Reads the wall clock, in seconds since the Unix epoch. With a clock that is before it, tokens are made that push
    /// services refuse, and their answers say so.
    fn wall_seconds(&self) -> u64 {
        (self.wall_clock)().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    fn tokens(&self) -> MutexGuard<'_, VapidTokens> {
        // Nothing below the lock is changed in more than one step, so a poisoned lock harms nothing.
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn at_least_one(max_origins: usize) -> NonZeroUsize {
    NonZeroUsize::new(max_origins).unwrap_or(NonZeroUsize::MIN)
}

impl fmt::Debug for Vapid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vapid")
            .field("server", &self.server)
            .field("made", &self.tokens().made)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
