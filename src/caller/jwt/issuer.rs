//! One issuer, with its keys.

use std::sync::Arc;
use std::time::SystemTime;

use fanfare_upstream::PeerPool;
use tokio_util::sync::CancellationToken;

use super::algorithm::{SigningAlgorithm, names};
use super::claims;
use super::compact::CompactToken;
use super::fetch::Fetches;
use super::fetched::FetchedKeys;
use super::key_set::KeySet;
use super::members::Members;
use super::problem::{TokenProblem, shortened};
use super::settings::{IssuerSettings, JwksFetch, JwksSource};
use super::token_cache::VerifiedToken;
use crate::metrics::IssuerMetrics;

/// How many keys one token is tried against. A token that says its `kid` is tried against one, unless two keys have it.
const MAX_TRIED: usize = 4;

/// One issuer, with its keys.
pub struct TokenIssuer {
    settings: IssuerSettings,
    keys: IssuerKeys,
}

enum IssuerKeys {
    File(Arc<KeySet>),
    Fetched(Box<FetchedKeys>),
}

impl TokenIssuer {
    /// Makes an issuer. Where its keys have to be fetched, `peer` gives the pool of their origin, and a task has to run
    /// [`TokenIssuer::keep_fresh`].
    ///
    /// # Errors
    /// Fails if `peer` fails.
    pub fn try_new<E>(
        settings: IssuerSettings,
        metrics: &IssuerMetrics,
        peer: impl FnOnce(&JwksFetch) -> Result<PeerPool, E>,
    ) -> Result<Self, E> {
        let keys = match &settings.jwks {
            JwksSource::File(keys) => {
                keys.tell_left_out(&settings.name);
                IssuerKeys::File(Arc::clone(keys))
            }
            JwksSource::Fetched(fetch) => {
                let fetches = Fetches::new(peer(fetch)?, fetch.path.clone(), settings.algorithms.clone());
                let (name, metrics) = (Arc::clone(&settings.name), metrics.jwks(&settings.name));
                let keys = FetchedKeys::new(name, fetch.clone(), fetches, metrics);
                IssuerKeys::Fetched(Box::new(keys))
            }
        };
        Ok(Self { settings, keys })
    }

    /// Fetches the first keys, and newer ones, until `stop`. Where the keys come from a file it ends at once.
    pub async fn keep_fresh(self: Arc<Self>, stop: CancellationToken) {
        match &self.keys {
            IssuerKeys::File(_) => {}
            IssuerKeys::Fetched(keys) => {
                stop.run_until_cancelled(keys.keep_fresh()).await;
            }
        }
    }

    /// Whether its settings are these, so that it goes on with the keys that it has.
    #[must_use]
    pub(crate) fn has(&self, settings: &IssuerSettings) -> bool {
        self.settings.is_same(settings)
    }

    /// Fetches its keys over this pool from now on, where they are fetched.
    pub(crate) fn fetch_over(&self, peer: PeerPool) {
        if let IssuerKeys::Fetched(keys) = &self.keys {
            keys.fetch_over(peer);
        }
    }

    /// The name of the issuer in the configuration.
    pub(super) fn name(&self) -> &Arc<str> {
        &self.settings.name
    }

    /// The `iss` of its tokens.
    pub(super) fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    /// Returns the keys that verify now.
    pub(super) fn keys(&self) -> Result<Arc<KeySet>, TokenProblem> {
        match &self.keys {
            IssuerKeys::File(keys) => Ok(Arc::clone(keys)),
            IssuerKeys::Fetched(keys) => keys.newest(),
        }
    }

    /// Waits for a fetch, where one may be made. Says whether there may be newer keys.
    pub(super) async fn wait_for_fetch(&self) -> bool {
        match &self.keys {
            IssuerKeys::File(_) => false,
            IssuerKeys::Fetched(keys) => keys.wait_for_fetch().await,
        }
    }

    /// Verifies the signature by these keys, and then what is signed.
    pub(super) fn verify(
        &self,
        token: &CompactToken<'_>,
        claims: &Members<'_>,
        keys: &KeySet,
        now: SystemTime,
    ) -> Result<VerifiedToken, TokenProblem> {
        let algorithm = self.algorithm(&token.header.algorithm)?;
        let (issuer, id) = (self.name(), token.header.key_id.as_deref());
        if let Some(found) = id.filter(|id| !keys.has(id)) {
            return Err(TokenProblem::UnknownKey { issuer: Arc::clone(issuer), found: shortened(found) });
        }
        let candidates = keys.candidates(id, algorithm);
        if candidates.is_empty() {
            let algorithm = algorithm.name();
            return Err(TokenProblem::NoKeyForAlgorithm { issuer: Arc::clone(issuer), algorithm });
        }
        if candidates.len() > MAX_TRIED {
            return Err(TokenProblem::AmbiguousKey { issuer: Arc::clone(issuer), keys: candidates.len() });
        }
        if !candidates.iter().any(|key| key.key.verify_sig(token.message, &token.signature).is_ok()) {
            return Err(TokenProblem::Signature(Arc::clone(issuer)));
        }
        let claims::Checked { name, expires_at } = claims::check(claims, &self.settings, now)?;
        Ok(VerifiedToken { issuer: Arc::clone(issuer), name, expires_at })
    }

    fn algorithm(&self, found: &str) -> Result<SigningAlgorithm, TokenProblem> {
        let listed = &self.settings.algorithms;
        listed
            .iter()
            .copied()
            .find(|algorithm| algorithm.name() == found)
            .ok_or_else(|| TokenProblem::Algorithm { expected: names(listed), found: shortened(found) })
    }
}
