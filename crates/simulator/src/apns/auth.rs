//! Checks who is asking: a client certificate, or provider tokens that are bound to the connection.
//!
//! Source: Apple, "Establishing a token-based connection to APNs" and "Handling notification responses from APNs".

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use http::HeaderValue;

use super::keys::{KnownKey, VerifiedToken};
use super::provider_key::KeyScope;
use super::reply::Reply;
use super::server::Apns;
use crate::decision::FollowUp;
use crate::service::Environment;
use crate::sync::lock;

/// How long a provider token is good: an hour.
const MAX_AGE_S: u64 = 3600;

/// A connection may change its provider token once in 20 minutes.
const UPDATE_INTERVAL_MS: u64 = 20 * 60 * 1000;

/// How a connection proves who the client is.
pub(crate) struct Session {
    proof: Proof,
}

enum Proof {
    /// The client showed a certificate that is good for these topics. It is `None` for a certificate that the
    /// simulator did not make.
    Certificate(Option<Arc<[String]>>),
    Tokens(Mutex<TokenBinding>),
}

/// What the first tokens of a connection bind it to.
#[derive(Default)]
struct TokenBinding {
    /// The header as it was seen last, which saves checking it again.
    last: Option<(HeaderValue, Arc<VerifiedToken>)>,
    first_key: Option<Arc<KnownKey>>,
    /// The fingerprints of the tokens that were used so far. Old and new tokens may alternate while requests are under
    /// way: only a token that was never seen here is an update.
    known: Vec<[u8; 32]>,
    updated_ms: Option<u64>,
}

/// What a request may do.
pub(super) struct Grant {
    pub(super) by: GrantedBy,
    /// What follows its answer.
    pub(super) follow_up: FollowUp,
}

pub(super) enum GrantedBy {
    Certificate(Arc<[String]>),
    TeamKey,
    TopicKey(Arc<KnownKey>),
}

/// A request that may do nothing, and its answer.
pub(super) struct Denied {
    pub(super) reply: Reply,
    pub(super) follow_up: FollowUp,
}

fn denied(status: u16, reason: &'static str) -> Denied {
    Denied { reply: Reply::refused(status, reason), follow_up: FollowUp::Nothing }
}

impl Session {
    pub(crate) fn with_token() -> Self {
        Self { proof: Proof::Tokens(Mutex::default()) }
    }

    pub(crate) fn with_certificate(topics: Option<Arc<[String]>>) -> Self {
        Self { proof: Proof::Certificate(topics) }
    }

    pub(crate) fn is_certificate(&self) -> bool {
        match self.proof {
            Proof::Certificate(_) => true,
            Proof::Tokens(_) => false,
        }
    }

    /// Judges who sends a request. With a certificate the header is ignored.
    pub(super) fn authorize(
        &self,
        apns: &Apns,
        environment: Environment,
        authorization: Option<&HeaderValue>,
    ) -> Result<Grant, Denied> {
        match &self.proof {
            Proof::Certificate(Some(topics)) => {
                Ok(Grant { by: GrantedBy::Certificate(Arc::clone(topics)), follow_up: FollowUp::Nothing })
            }
            Proof::Certificate(None) => Err(denied(403, "BadCertificate")),
            Proof::Tokens(binding) => {
                let header = authorization.ok_or_else(|| denied(403, "MissingProviderToken"))?;
                let mut binding = lock(binding);
                let verified = binding.verify(apns, header)?;
                binding.judge(apns, environment, &verified)?;
                let key = &verified.key;
                let by = match key.scope {
                    KeyScope::Team => GrantedBy::TeamKey,
                    KeyScope::Topics { .. } => GrantedBy::TopicKey(Arc::clone(key)),
                };
                let limit = apns.settings.max_concurrent_streams;
                Ok(Grant { by, follow_up: FollowUp::Authorised(limit) })
            }
        }
    }
}

impl TokenBinding {
    fn verify(&mut self, apns: &Apns, header: &HeaderValue) -> Result<Arc<VerifiedToken>, Denied> {
        if let Some((last, verified)) = &self.last
            && last == header
            && !verified.key.is_revoked()
        {
            return Ok(Arc::clone(verified));
        }
        let invalid = || denied(403, "InvalidProviderToken");
        let text = header.to_str().map_err(|_| invalid())?;
        let (scheme, token) = text.split_once(' ').ok_or_else(invalid)?;
        // Both spellings are in use, and both work.
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(invalid());
        }
        let (verified, new) = apns.keys.verify(token).ok_or_else(invalid)?;
        if new {
            apns.counters.add(&apns.counters.provider_tokens_seen);
        }
        self.last = Some((header.clone(), Arc::clone(&verified)));
        Ok(verified)
    }

    fn judge(&mut self, apns: &Apns, environment: Environment, token: &VerifiedToken) -> Result<(), Denied> {
        let now_ms = apns.clock.now_ms();
        let now_s = now_ms / 1000;
        let ended = token.expired.load(Ordering::SeqCst);
        if ended || now_s > token.issued_at_s.saturating_add(MAX_AGE_S) {
            let reply = Reply::refused(403, "ExpiredProviderToken");
            return Err(Denied { reply, follow_up: FollowUp::Expired });
        }
        // Apple documents no answer to a token from the future; this is the reason that fits.
        if token.issued_at_s > now_s.saturating_add(MAX_AGE_S) {
            return Err(denied(403, "InvalidProviderToken"));
        }
        if token.key.environment.is_some_and(|own| own != environment) {
            return Err(denied(403, "BadEnvironmentKeyIdInToken"));
        }
        self.judge_key(&token.key)?;
        self.judge_update(token, now_ms)
    }

    /// A connection belongs to one team, and accepts one kind of key.
    fn judge_key(&mut self, key: &Arc<KnownKey>) -> Result<(), Denied> {
        let first = self.first_key.get_or_insert_with(|| Arc::clone(key));
        if first.team_id != key.team_id {
            return Err(denied(403, "InvalidProviderToken"));
        }
        let fits = match (&first.scope, &key.scope) {
            (KeyScope::Team, KeyScope::Team) => true,
            (KeyScope::Topics { related: of_first, .. }, KeyScope::Topics { related: of_key, .. }) => {
                first.id == key.id || of_first.as_ref() == Some(&key.id) || of_key.as_ref() == Some(&first.id)
            }
            (KeyScope::Team, KeyScope::Topics { .. }) | (KeyScope::Topics { .. }, KeyScope::Team) => false,
        };
        if fits { Ok(()) } else { Err(denied(403, "UnrelatedKeyIdInToken")) }
    }

    fn judge_update(&mut self, token: &VerifiedToken, now_ms: u64) -> Result<(), Denied> {
        if self.known.contains(&token.fingerprint) {
            return Ok(());
        }
        if !self.known.is_empty() {
            if self.updated_ms.is_some_and(|updated| now_ms < updated + UPDATE_INTERVAL_MS) {
                return Err(denied(429, "TooManyProviderTokenUpdates"));
            }
            self.updated_ms = Some(now_ms);
        }
        self.known.push(token.fingerprint);
        Ok(())
    }
}
