//! The keys of an issuer that are fetched: one task fetches them, and those who miss a key wait for it.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use fanfare_upstream::PeerPool;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::fetch::{FetchError, Fetches};
use super::key_set::KeySet;
use super::pace;
use super::problem::TokenProblem;
use super::settings::JwksFetch;
use crate::metrics::JwksMetrics;

/// How long a caller whose token no key fits waits for the fetch that is under way.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// The shortest time between two fetches that unknown keys ask for. Anybody can make up a `kid`.
const UNKNOWN_KEY_INTERVAL: Duration = Duration::from_secs(60);

/// The keys of one issuer, as they were fetched last.
pub(super) struct FetchedKeys {
    issuer: Arc<str>,
    settings: JwksFetch,
    fetches: Fetches,
    newest: ArcSwapOption<Newest>,
    progress: watch::Sender<Progress>,
    metrics: JwksMetrics,
}

/// Keys, and when they were fetched. Keys that did not change are the same keys, fetched later.
struct Newest {
    keys: Arc<KeySet>,
    at: Instant,
}

/// What the task, and those who miss a key, wait to see changed.
struct Progress {
    /// Whether a fetch is under way, or about to begin.
    under_way: bool,
    /// How many fetches have ended.
    ended: u64,
    /// When an unknown key last asked for a fetch.
    asked_at: Option<Instant>,
}

impl FetchedKeys {
    /// Begins without keys, which [`FetchedKeys::keep_fresh`] fetches.
    pub(super) fn new(issuer: Arc<str>, settings: JwksFetch, fetches: Fetches, metrics: JwksMetrics) -> Self {
        // The task begins with a fetch, which the first callers wait for.
        let progress = watch::Sender::new(Progress { under_way: true, ended: 0, asked_at: None });
        Self { issuer, settings, fetches, newest: ArcSwapOption::empty(), progress, metrics }
    }

    /// Fetches over this pool from now on.
    pub(super) fn fetch_over(&self, peer: PeerPool) {
        self.fetches.fetch_over(peer);
    }

    /// Returns the newest keys, unless they are too old.
    pub(super) fn newest(&self) -> Result<Arc<KeySet>, TokenProblem> {
        let newest = self.newest.load();
        let newest = newest.as_ref().ok_or_else(|| TokenProblem::NoKeys(Arc::clone(&self.issuer)))?;
        let max_stale = self.settings.max_stale;
        if newest.at.elapsed() > max_stale {
            return Err(TokenProblem::StaleKeys { issuer: Arc::clone(&self.issuer), max_stale });
        }
        Ok(Arc::clone(&newest.keys))
    }

    /// Waits for the end of the fetch that is under way, or of another where one may be made. Says whether one ended in time.
    ///
    /// # Cancel safety
    /// Dropping the future cancels nothing but the wait.
    pub(super) async fn wait_for_fetch(&self) -> bool {
        let mut progress = self.progress.subscribe();
        let (now, mut ended_before) = (Instant::now(), None);
        self.progress.send_if_modified(|progress| {
            let may_ask = progress.asked_at.is_none_or(|asked| now >= asked + UNKNOWN_KEY_INTERVAL);
            let asks = !progress.under_way && may_ask;
            if asks {
                (progress.under_way, progress.asked_at) = (true, Some(now));
            }
            ended_before = progress.under_way.then_some(progress.ended);
            asks
        });
        let Some(ended_before) = ended_before else { return false };
        let ended = progress.wait_for(|progress| progress.ended > ended_before);
        timeout(MAX_WAIT, ended).await.is_ok_and(|ended| ended.is_ok())
    }

    /// Fetches the first keys, and newer ones, without end. One task of its own runs this.
    pub(super) async fn keep_fresh(&self) {
        let mut failures = 0;
        loop {
            let wait = match self.fetches.fetch().await {
                Ok(keys) => {
                    self.fetched(keys, failures);
                    failures = 0;
                    pace::refresh_after(self.settings.refresh, fastrand::f64())
                }
                Err(why) => {
                    failures += 1;
                    self.failed(&why, failures);
                    pace::backoff(failures, fastrand::f64()).min(self.settings.refresh)
                }
            };
            // Those who wait are woken only now, because they look for their key when they wake.
            self.progress.send_modify(|progress| {
                (progress.under_way, progress.ended) = (false, progress.ended + 1);
            });
            let mut progress = self.progress.subscribe();
            // An unknown key is a reason to fetch, and so is the passing of time.
            let _ = timeout(wait, progress.wait_for(|progress| progress.under_way)).await;
            self.progress.send_if_modified(|progress| !std::mem::replace(&mut progress.under_way, true));
        }
    }

    fn fetched(&self, keys: KeySet, failures: u32) {
        let known = self.newest.load().as_ref().map(|newest| Arc::clone(&newest.keys));
        let issuer = &*self.issuer;
        let keys = match known.filter(|known| known.is_same(&keys)) {
            Some(known) => known,
            None => {
                keys.tell_left_out(issuer);
                tracing::debug!(issuer, "the issuer has new keys");
                Arc::new(keys)
            }
        };
        self.newest.store(Some(Arc::new(Newest { keys, at: Instant::now() })));
        self.metrics.fetched();
        if failures > 0 {
            tracing::info!(issuer, failures, "got the keys of the issuer after failures");
        }
    }

    fn failed(&self, why: &FetchError, failures: u32) {
        if why.was_answered() {
            self.metrics.unusable();
        } else {
            self.metrics.unavailable();
        }
        if failures > 1 {
            return;
        }
        let issuer = &*self.issuer;
        let max_stale = self.settings.max_stale;
        match self.newest.load().as_ref() {
            Some(_) => {
                tracing::warn!(issuer, %why, ?max_stale, "got no keys of the issuer; the last ones serve on");
            }
            None => {
                tracing::warn!(issuer, %why, "got no keys of the issuer, whose tokens are refused until some are fetched");
            }
        }
    }
}
