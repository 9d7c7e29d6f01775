//! Access tokens of Google: fetched over the gateway's own pool, renewed ahead of time by one task.
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

use arc_swap::ArcSwapOption;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use source::{Endpoint, Source, SourceError};

use super::{NoToken, Renewal, Stamp};
use crate::metrics::TokenMetrics;
use crate::upstream::{Flow, InFlight, PeerPool, Request, UpstreamError};
use answer::Granted;
use grant::Call;

/// One call of the token endpoint, from the wait for a stream to the whole answer. Longer than a connect may
/// take, so that a failed one is told by its cause.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);

/// Calls under way: one, and those that were given up and still hold a stream.
const MAX_CALLS: usize = 4;

/// Failures in a row that a push waits through. After that it is told at once that there is no token.
const PATIENCE: u32 = 3;

/// The access token of one credential, shared by every project that is sent to with it.
///
/// ```text
///                granted                   due, or refused                 granted
/// none ────────────────────────► fresh ─────────────────────► renewing ──────────────► fresh
///   └── failed: backs off            └── the old token serves until it expires ──┘
/// ```
pub struct GoogleToken {
    source: Source,
    endpoint: PeerPool,
    newest: ArcSwapOption<Token>,
    state: watch::Sender<State>,
    calls: Arc<InFlight>,
    metrics: TokenMetrics,
}

/// An access token, and how long it is good.
struct Token {
    stamp: Arc<Stamp>,
    expires_at: Instant,
}

/// What those wait for who have no token, and the task that fetches one.
#[derive(Debug, Clone, Default)]
struct State {
    /// The generation that a push service refused last.
    refused: Option<u64>,
    /// What became of the last call, where it failed.
    trouble: Option<Trouble>,
}

#[derive(Debug, Clone)]
struct Trouble {
    why: NoToken,
    failures: u32,
}

impl Trouble {
    /// Whether waiting on is hopeless: a refusal does not go by itself, what else is wrong may.
    fn is_lasting(&self) -> bool {
        match self.why {
            NoToken::Refused(_) => true,
            NoToken::Unavailable(_) | NoToken::Deadline => self.failures >= PATIENCE,
        }
    }
}

impl GoogleToken {
    /// No token yet: [`GoogleToken::keep_fresh`] fetches it. `endpoint` is the pool of
    /// [`Source::endpoint`]'s origin.
    #[must_use]
    pub fn new(source: Source, endpoint: PeerPool, metrics: TokenMetrics) -> Self {
        Self {
            source,
            endpoint,
            newest: ArcSwapOption::empty(),
            state: watch::Sender::default(),
            calls: InFlight::new(|_| {}),
            metrics,
        }
    }

    /// The newest token; none where it has expired, or never was one. Neither waits nor allocates.
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
        self.state.send_if_modified(|state| state.refused.replace(generation) != Some(generation));
        Renewal::Asked
    }

    /// Waits for a token: a newer one than that of generation `after`, where that one was refused and
    /// [`GoogleToken::renew`] was called.
    ///
    /// # Errors
    /// Where the token endpoint gives none, and waiting on is hopeless or the deadline passes.
    ///
    /// # Cancel safety
    /// Dropping the future cancels nothing but the wait.
    pub async fn ready(&self, deadline: Instant, after: Option<u64>) -> Result<(), NoToken> {
        if self.has_token(after) {
            return Ok(());
        }
        let mut state = self.state.subscribe();
        let mut trouble = None;
        let wait = async {
            loop {
                // Before the look, so that a token which comes after it is not missed.
                trouble = state.borrow_and_update().trouble.clone();
                if self.has_token(after) {
                    return Ok(());
                }
                if let Some(lasting) = trouble.as_ref().filter(|trouble| trouble.is_lasting()) {
                    return Err(lasting.why.clone());
                }
                // It is never closed: `self` has its sender.
                let _ = state.changed().await;
            }
        };
        let waited = tokio::time::timeout_at(deadline, wait).await;
        waited.unwrap_or_else(|_| Err(trouble.map_or(NoToken::Deadline, |trouble| trouble.why)))
    }

    /// Fetches the first token, and each next one ahead of time, until `stop`. For one task of its own.
    pub async fn keep_fresh(self: Arc<Self>, stop: CancellationToken) {
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
                    // Whatever is asked or answered, the endpoint is not called more often than this.
                    tokio::time::sleep(pace::MIN_INTERVAL).await;
                    let mut state = self.state.subscribe();
                    let refused = state.wait_for(|state| state.refused == Some(generation));
                    // Either is a reason to renew.
                    let _ = tokio::time::timeout(due.saturating_sub(pace::MIN_INTERVAL), refused).await;
                }
                Err(why) => {
                    failures += 1;
                    self.failed(&why, failures);
                    tokio::time::sleep(pace::backoff(failures, fastrand::f64())).await;
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
        let Call { method, headers, body } =
            self.source.call(SystemTime::now()).map_err(|error| unavailable(&error))?;
        let share = self
            .calls
            .begin(MAX_CALLS)
            .ok_or_else(|| unavailable(&"earlier calls still wait for their answers"))?;
        let headers = headers.into_iter().collect();
        let request = Request { method, path: endpoint.path().clone(), headers, body };
        let asked = async {
            let permit = self.endpoint.permit(Flow::SINGLE, Instant::now() + CALL_TIMEOUT).await?;
            permit.exchange(request.clone(), || Some(request.clone()), &share).await
        };
        let answer = asked.await.map_err(|error: UpstreamError| unavailable(&error))?;
        answer::read(&answer.reply, endpoint)
    }

    fn granted(&self, Granted { header, lifetime }: Granted) -> u64 {
        let generation = self.generation() + 1;
        let token =
            Token { stamp: Arc::new(Stamp { header, generation }), expires_at: Instant::now() + lifetime };
        self.newest.store(Some(Arc::new(token)));
        self.metrics.granted(SystemTime::now() + lifetime);
        // After the token is there, which those look for who wake.
        self.state.send_modify(|state| state.trouble = None);
        tracing::info!(credential = self.source.identity(), ?lifetime, generation, "got an access token");
        generation
    }

    fn failed(&self, why: &NoToken, failures: u32) {
        let credential = self.source.identity();
        self.state.send_modify(|state| state.trouble = Some(Trouble { why: why.clone(), failures }));
        match why {
            NoToken::Refused(_) => {
                self.metrics.refused();
                tracing::error!(credential, failures, %why, "got no access token");
            }
            NoToken::Unavailable(_) | NoToken::Deadline => {
                self.metrics.unavailable();
                tracing::warn!(credential, failures, %why, "got no access token");
            }
        }
    }

    fn has_token(&self, after: Option<u64>) -> bool {
        self.stamp().is_some_and(|stamp| after.is_none_or(|after| stamp.generation > after))
    }

    /// Of the newest token, expired or not; 0 before the first.
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
