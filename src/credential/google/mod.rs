//! Access tokens of Google: they are fetched over the gateway's own pool, and renewed ahead of time by one task.
//!
//! Source: Google, "Using OAuth 2.0 for Server to Server Applications".

mod answer;
mod grant;
mod pace;
mod source;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::{ArcSwap, ArcSwapOption};
use fanfare_upstream::{Flow, InFlight, Indexing, PeerPool, Request, Unsent, UpstreamError};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use source::Source;
pub(super) use source::SourceIdentity;

use super::handle::CredentialHandle;
use super::standing::{CredentialStanding, RefusingAnswer};
use super::{NoToken, Renewal, Stamp};
use crate::metrics::TokenMetrics;
use answer::Granted;
use grant::TokenRequest;

/// How long one call of the token endpoint may take, from the wait for a stream to the whole answer. It is longer than a
/// connect may take, so that a failed connect is told by its cause.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);

/// How many calls may be under way: one, and those that were given up and still hold a stream.
const MAX_CALLS: usize = 4;

/// How many failures in a row a push waits through. After that it is told at once that there is no token.
const PATIENCE: u32 = 3;

/// The access token of one credential, shared by every project that is sent to with it.
///
/// ```text
///                granted                   due, or refused                 granted
/// none ────────────────────────► fresh ─────────────────────► renewing ──────────────► fresh
///   └── failed: backs off            └── the old token serves until it expires ──┘
/// ```
pub struct GoogleToken {
    source: Arc<Source>,
    endpoint: ArcSwap<PeerPool>,
    newest: ArcSwapOption<AccessToken>,
    progress: watch::Sender<Progress>,
    calls: Arc<InFlight>,
    /// Whether the token endpoint takes the credential.
    standing: CredentialHandle<CredentialStanding>,
    metrics: TokenMetrics,
}

/// An access token, and how long it is good.
struct AccessToken {
    stamp: Arc<Stamp>,
    made_at: SystemTime,
    expires_at: Instant,
}

/// What pushes without a token, and the task that fetches one, wait to see changed.
#[derive(Debug, Clone, Default)]
struct Progress {
    /// The generation that a push service refused last.
    refused: Option<u64>,
    /// Why the last call failed, where it did.
    failure: Option<CallFailure>,
}

#[derive(Debug, Clone)]
struct CallFailure {
    why: NoToken,
    /// How many calls have failed in a row.
    times: u32,
}

impl CallFailure {
    /// Whether waiting on is hopeless: a refusal lasts until somebody mends it, while other failures may pass.
    fn is_lasting(&self) -> bool {
        match self.why {
            NoToken::Refused(_) => true,
            NoToken::Unavailable(_) | NoToken::LeftAlone { .. } | NoToken::Deadline => self.times >= PATIENCE,
        }
    }
}

impl GoogleToken {
    /// Begins without a token, which [`GoogleToken::keep_fresh`] fetches. `endpoint` is the pool of
    /// [`Source::endpoint`]'s origin.
    #[must_use]
    pub(super) fn new(
        source: Arc<Source>,
        endpoint: PeerPool,
        standing: CredentialHandle<CredentialStanding>,
        metrics: TokenMetrics,
    ) -> Self {
        Self {
            source,
            endpoint: ArcSwap::from_pointee(endpoint),
            newest: ArcSwapOption::empty(),
            progress: watch::Sender::default(),
            calls: Arc::default(),
            standing,
            metrics,
        }
    }

    /// The account of its source.
    pub(super) fn account(&self) -> &str {
        self.source.account()
    }

    /// When the newest token was fetched; none where there was none.
    pub(super) fn made_at(&self) -> Option<SystemTime> {
        self.newest.load().as_ref().map(|token| token.made_at)
    }

    /// When the newest token expires.
    pub(super) fn expires_at(&self) -> Option<Instant> {
        self.newest.load().as_ref().map(|token| token.expires_at)
    }

    /// Why the last call of the token endpoint failed, where it did.
    pub(super) fn failure(&self) -> Option<String> {
        self.progress.borrow().failure.as_ref().map(|failure| failure.why.to_string())
    }

    /// Fetches tokens over this pool of the same origin from now on.
    pub(crate) fn fetch_over(&self, endpoint: PeerPool) {
        self.endpoint.store(Arc::new(endpoint));
    }

    /// Returns the newest token, without waiting and without allocating. There is none where it has expired, or none was
    /// fetched yet.
    #[must_use]
    pub fn stamp(&self) -> Option<Arc<Stamp>> {
        let newest = self.newest.load();
        let unexpired = newest.as_ref().filter(|token| Instant::now() < token.expires_at);
        unexpired.map(|token| Arc::clone(&token.stamp))
    }

    /// Asks for a newer token than that of `generation`, which a push service refused. Any number of concurrent
    /// calls make one renewal.
    pub fn renew(&self, generation: u64) -> Renewal {
        if self.generation() > generation {
            return Renewal::Newer;
        }
        self.progress.send_if_modified(|progress| progress.refused.replace(generation) != Some(generation));
        Renewal::Asked
    }

    /// Waits for a token: a newer one than that of generation `after`, where that one was refused and
    /// [`GoogleToken::renew`] was called.
    ///
    /// # Errors
    /// Fails if the token endpoint gives none, and waiting on is hopeless or the deadline passes.
    ///
    /// # Cancel safety
    /// Dropping the future cancels nothing but the wait.
    pub async fn ready(&self, deadline: Instant, after: Option<u64>) -> Result<(), NoToken> {
        if self.has_token(after) {
            return Ok(());
        }
        let mut progress = self.progress.subscribe();
        let mut failure = None;
        let wait = async {
            loop {
                // The progress is marked as seen before the token is looked for, so that one which comes later is not missed.
                failure = progress.borrow_and_update().failure.clone();
                if self.has_token(after) {
                    return Ok(());
                }
                if let Some(lasting) = failure.as_ref().filter(|failure| failure.is_lasting()) {
                    if matches!(lasting.why, NoToken::Refused(_)) {
                        self.standing.answered();
                    }
                    return Err(lasting.why.clone());
                }
                // The channel is never closed, because `self` has its sender.
                let _ = progress.changed().await;
            }
        };
        let waited = tokio::time::timeout_at(deadline, wait).await;
        waited.unwrap_or_else(|_| Err(failure.map_or(NoToken::Deadline, |failure| failure.why)))
    }

    /// Fetches the first token, and each next one ahead of time, until `stop`. One task of its own runs this.
    pub(super) async fn keep_fresh(self: Arc<Self>, stop: CancellationToken) {
        stop.run_until_cancelled(self.renew_always()).await;
    }

    async fn renew_always(&self) {
        let mut failures = 0;
        loop {
            match self.call().await {
                Ok(granted) => {
                    failures = 0;
                    let due = pace::renew_after(granted.lifetime, fastrand::f64());
                    let generation = self.granted(granted);
                    // Whatever is asked or answered, the endpoint is called no more often than this.
                    tokio::time::sleep(pace::MIN_INTERVAL).await;
                    let mut progress = self.progress.subscribe();
                    let refused = progress.wait_for(|progress| progress.refused == Some(generation));
                    // A refusal is a reason to renew, and so is the passing of time.
                    let _ = tokio::time::timeout(due.saturating_sub(pace::MIN_INTERVAL), refused).await;
                }
                Err(why) => {
                    failures += 1;
                    self.failed(&why, failures);
                    tokio::time::sleep(pace::after_failure(&why, failures, fastrand::f64())).await;
                }
            }
        }
    }

    /// Asks the token endpoint once.
    async fn call(&self) -> Result<Granted, NoToken> {
        let endpoint = self.source.endpoint();
        let unavailable = |why: &dyn fmt::Display| {
            NoToken::Unavailable(format!("no access token from {endpoint}: {why}").into())
        };
        let TokenRequest { method, header: (name, value), body } =
            self.source.token_request(SystemTime::now()).map_err(|error| unavailable(&error))?;
        let share = self
            .calls
            .begin(MAX_CALLS)
            .ok_or_else(|| unavailable(&"earlier calls still wait for their answers"))?;
        let path = [endpoint.path().as_str()];
        let mut request = Request::new(&method, &path, body).map_err(|error| unavailable(&error))?;
        request.push(name, value, Indexing::Repeats).map_err(|error| unavailable(&error))?;
        let asked = async {
            let permit =
                self.endpoint.load_full().permit(Flow::SINGLE, Instant::now() + CALL_TIMEOUT).await?;
            permit.exchange(request.clone(), || Some(request.clone()), &share).await
        };
        let answer = asked.await.map_err(|error: UpstreamError| match (unavailable(&error), error) {
            (NoToken::Unavailable(why), UpstreamError::Unsent(Unsent::BreakerOpen(left))) => {
                NoToken::LeftAlone { why, retry_after: left.retry_after }
            }
            (why, _) => why,
        })?;
        answer::read(&answer.reply, endpoint)
    }

    fn granted(&self, Granted { authorization, lifetime }: Granted) -> u64 {
        let generation = self.generation() + 1;
        let token = AccessToken {
            stamp: Arc::new(Stamp { authorization, generation }),
            made_at: SystemTime::now(),
            expires_at: Instant::now() + lifetime,
        };
        self.newest.store(Some(Arc::new(token)));
        self.metrics.granted(SystemTime::now() + lifetime);
        // Waiting pushes are woken only now, because they look for the token when they wake.
        self.progress.send_modify(|progress| progress.failure = None);
        self.standing.open();
        tracing::info!(credential = self.source.account(), ?lifetime, generation, "got an access token");
        generation
    }

    fn failed(&self, why: &NoToken, failures: u32) {
        let credential = self.source.account();
        let failure = CallFailure { why: why.clone(), times: failures };
        self.progress.send_modify(|progress| progress.failure = Some(failure));
        match why {
            NoToken::Refused(detail) => {
                self.metrics.refused();
                tracing::debug!(credential, failures, %why, "got no access token");
                // One refusal is enough, since the endpoint judges the key itself and no proof that ages.
                let detail = detail.to_string();
                self.standing.shut(RefusingAnswer { status: None, reason: String::new(), detail });
            }
            NoToken::Unavailable(_) | NoToken::LeftAlone { .. } | NoToken::Deadline => {
                self.metrics.unavailable();
                tracing::warn!(credential, failures, %why, "got no access token");
            }
        }
    }

    fn has_token(&self, after: Option<u64>) -> bool {
        self.stamp().is_some_and(|stamp| after.is_none_or(|after| stamp.generation > after))
    }

    /// The generation of the newest token, expired or not; 0 before the first.
    fn generation(&self) -> u64 {
        self.newest.load().as_ref().map_or(0, |token| token.stamp.generation)
    }
}

impl fmt::Debug for GoogleToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GoogleToken")
            .field("source", &self.source)
            .field("generation", &self.generation())
            .finish_non_exhaustive()
    }
}
