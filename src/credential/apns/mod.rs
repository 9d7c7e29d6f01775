//! The provider token of APNs: a JWT that says which team pushes, signed by one of its keys.
//!
//! Source: Apple, "Establishing a token-based connection to APNs".

mod key;
mod pace;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwapOption;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub(crate) use key::SigningKey;
pub(super) use key::SigningKeyIdentity;
pub(crate) use key::{KeyId, TeamId};

use super::clock::WallClock;
use super::{CredentialError, Renewal, Stamp};
use crate::metrics::ProviderTokenMetrics;
use pace::ProviderTokenPace;

/// How often the age of the token is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// The provider token of one key, shared by every connection that pushes as its team.
pub struct ProviderToken {
    key: Arc<SigningKey>,
    /// The clock by which APNs judges a token's age.
    wall_clock: WallClock,
    metrics: ProviderTokenMetrics,
    /// There is none only where the first could not be signed, because the clock is before 1970.
    newest: ArcSwapOption<Stamp>,
    /// The lock is held while a token is made, so that concurrent callers of `renew` make one.
    pace: Mutex<ProviderTokenPace>,
}

impl ProviderToken {
    /// Makes the first token.
    #[must_use]
    pub(super) fn new(key: Arc<SigningKey>, metrics: ProviderTokenMetrics) -> Self {
        Self::with_wall_clock(key, Box::new(SystemTime::now), metrics)
    }

    fn with_wall_clock(key: Arc<SigningKey>, wall_clock: WallClock, metrics: ProviderTokenMetrics) -> Self {
        let issued_at = wall_clock();
        let (first, pace) = match key.sign(issued_at, 0) {
            Ok(first) => {
                metrics.made(issued_at);
                (Some(Arc::new(first)), ProviderTokenPace::made(Instant::now(), issued_at))
            }
            Err(error) => {
                metrics.failed();
                log_failure(&key, &error);
                (None, ProviderTokenPace::none_made(Instant::now()))
            }
        };
        Self { key, wall_clock, metrics, newest: ArcSwapOption::new(first), pace: Mutex::new(pace) }
    }

    /// The name of its key: the team and the key id.
    pub(super) fn label(&self) -> String {
        format!("{}/{}", self.key.team_id().as_str(), self.key.key_id().as_str())
    }

    /// When the newest token was made; none where there is none.
    pub(super) fn made_at(&self) -> Option<SystemTime> {
        let made = self.newest.load().is_some();
        made.then(|| self.pace().issued_at())
    }

    /// Returns the newest token, without waiting and without allocating.
    #[must_use]
    pub(crate) fn stamp(&self) -> Option<Arc<Stamp>> {
        self.newest.load_full()
    }

    /// Makes a newer token than that of `generation`, unless there is one already, or the last is younger than 20 minutes
    /// or held.
    ///
    /// # Errors
    /// Fails if the token cannot be signed; the present one stays.
    pub(crate) fn renew(&self, generation: u64) -> Result<Renewal, CredentialError> {
        let mut pace = self.pace();
        if self.newest.load().as_ref().is_some_and(|newest| newest.generation > generation) {
            return Ok(Renewal::Newer);
        }
        self.renew_at(&mut pace, (self.wall_clock)())
    }

    /// Makes no other token for 20 minutes from now.
    pub(crate) fn hold(&self) {
        self.pace().hold(Instant::now());
    }

    /// Renews the token before APNs refuses it, until `stop`. One task of its own runs this.
    pub(super) async fn keep_fresh(self: Arc<Self>, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_some() {
            match self.renew_if_due() {
                None | Some(Ok(Renewal::Asked | Renewal::Newer | Renewal::TooSoon | Renewal::Impossible)) => {
                }
                Some(Ok(Renewal::Renewed)) => {
                    tracing::info!(credential = self.key.label(), "made a new provider token");
                }
                Some(Err(error)) => log_failure(&self.key, &error),
            }
        }
    }

    fn renew_if_due(&self) -> Option<Result<Renewal, CredentialError>> {
        let mut pace = self.pace();
        let now = (self.wall_clock)();
        pace.is_due(now).then(|| self.renew_at(&mut pace, now))
    }

    fn renew_at(
        &self,
        pace: &mut ProviderTokenPace,
        issued_at: SystemTime,
    ) -> Result<Renewal, CredentialError> {
        let now = Instant::now();
        if !pace.may_renew(now) {
            return Ok(Renewal::TooSoon);
        }
        let generation = self.newest.load().as_ref().map_or(0, |newest| newest.generation + 1);
        let next = self.key.sign(issued_at, generation).inspect_err(|_| self.metrics.failed())?;
        self.metrics.made(issued_at);
        *pace = ProviderTokenPace::made(now, issued_at);
        self.newest.store(Some(Arc::new(next)));
        Ok(Renewal::Renewed)
    }

    fn pace(&self) -> MutexGuard<'_, ProviderTokenPace> {
        // The lock guards two plain values, which are whole at every moment, so a poisoned lock harms nothing.
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn log_failure(key: &SigningKey, error: &CredentialError) {
    let error = error as &dyn std::error::Error;
    tracing::error!(credential = key.label(), error, "made no new provider token");
}

impl fmt::Debug for ProviderToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderToken")
            .field("key", &self.key)
            .field("generation", &self.newest.load().as_ref().map(|newest| newest.generation))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
