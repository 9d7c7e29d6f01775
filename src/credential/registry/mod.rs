//! The credentials that are in use, and the tasks that keep them fresh.
//!
//! Apps that name the same key share one credential, and so does a configuration that is read again while the former one
//! is still in use: the credential keeps its token, and nothing is fetched anew.

mod look;
mod standings;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fanfare_upstream::PeerPool;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::apns::{ProviderToken, SigningKey, SigningKeyIdentity};
use super::google::{GoogleToken, Source, SourceIdentity};
use super::handle::CredentialHandle;
use super::standing::CredentialStanding;
use super::table::Table;
use super::vapid::{ApplicationServer, ApplicationServerIdentity, Vapid};
use crate::metrics::CredentialMetrics;
pub(crate) use standings::Standings;

/// Every credential of the process, by what identifies it.
pub struct Registry {
    metrics: CredentialMetrics,
    standings: Arc<Standings>,
    credentials: Mutex<Credentials>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

#[derive(Default)]
struct Credentials {
    provider_tokens: Table<SigningKeyIdentity, ProviderToken>,
    access_tokens: Table<SourceIdentity, GoogleToken>,
    vapid: Table<ApplicationServerIdentity, Vapid>,
}

impl Registry {
    /// Begins without credentials.
    #[must_use]
    pub fn new(metrics: CredentialMetrics) -> Self {
        let (credentials, tasks, stop) = Default::default();
        let standings = Arc::new(Standings::new(metrics.clone()));
        Self { metrics, standings, credentials, tasks, stop }
    }

    /// Every place where a credential is shown.
    #[must_use]
    pub(crate) fn standings(&self) -> &Arc<Standings> {
        &self.standings
    }

    /// How a source of access tokens stands at its token endpoint.
    #[must_use]
    pub(crate) fn token_standing(&self, source: &Source) -> CredentialHandle<CredentialStanding> {
        self.standings.of_source(source, "token endpoint")
    }

    /// Returns the provider token of a signing key.
    #[must_use]
    pub(crate) fn provider_token(&self, key: &Arc<SigningKey>) -> CredentialHandle<ProviderToken> {
        self.credentials().provider_tokens.find_or_insert(key.identity(), || {
            let metrics = self.metrics.provider_token(&key.label());
            let token = Arc::new(ProviderToken::new(Arc::clone(key), metrics));
            let stop = self.stop.child_token();
            self.tasks.spawn(Arc::clone(&token).keep_fresh(stop.clone()));
            CredentialHandle::new(token, stop)
        })
    }

    /// Returns the access token of a source. Where the source is new here, its tokens are fetched over `endpoint`, the pool
    /// of [`Source::endpoint`]'s origin. Where it is known, they go on being fetched over the pool that it has, until
    /// `GoogleToken::fetch_over` says another.
    #[must_use]
    pub fn access_token(&self, source: &Arc<Source>, endpoint: PeerPool) -> CredentialHandle<GoogleToken> {
        self.credentials().access_tokens.find_or_insert(source.identity(), || {
            let metrics = self.metrics.token(source.account());
            let standing = self.token_standing(source);
            let token = Arc::new(GoogleToken::new(Arc::clone(source), endpoint, standing, metrics));
            let stop = self.stop.child_token();
            self.tasks.spawn(Arc::clone(&token).keep_fresh(stop.clone()));
            CredentialHandle::new(token, stop)
        })
    }

    /// Returns the VAPID tokens of an application server. Where it is new here, at most `max_origins` of them are kept. They
    /// need no task, since each is signed where it is asked for.
    #[must_use]
    pub(crate) fn vapid(
        &self,
        server: &Arc<ApplicationServer>,
        max_origins: usize,
    ) -> CredentialHandle<Vapid> {
        self.credentials().vapid.find_or_insert(server.identity(), || {
            CredentialHandle::without_task(Vapid::new(Arc::clone(server), max_origins))
        })
    }

    /// Ends every task and waits until all have ended. Tokens that were made stay usable, and are renewed no more.
    pub(crate) async fn shut_down(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn credentials(&self) -> MutexGuard<'_, Credentials> {
        // An entry is inserted whole or not at all, so a poisoned lock harms nothing.
        self.credentials.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
