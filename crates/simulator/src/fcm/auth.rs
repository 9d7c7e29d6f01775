//! Issues access tokens, and checks what a request may do with one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::HeaderMap;
use uuid::Uuid;

use super::account::Account;
use super::error::GoogleError;
use crate::clock::Clock;
use crate::counters::LiveCounters;
use crate::sync::lock;

/// The scopes that allow sending. Source: the discovery document of FCM v1.
const SCOPES: [&str; 2] =
    ["https://www.googleapis.com/auth/firebase.messaging", "https://www.googleapis.com/auth/cloud-platform"];

/// The permission that a sender needs. Source: Google, "Send a message using FCM HTTP v1 API".
const PERMISSION: &str = "cloudmessaging.messages.create";

const UNAUTHENTICATED: &str = "Request had invalid authentication credentials. Expected OAuth 2 access token, \
login cookie or other valid authentication credential.";

const MISSING: &str = "Request is missing required authentication credential. Expected OAuth 2 access token, \
login cookie or other valid authentication credential.";

/// All access tokens that were issued and not revoked.
pub(super) struct AccessTokens {
    lifetime: Duration,
    clock: Clock,
    counters: Arc<LiveCounters>,
    issued: Mutex<HashMap<String, AccessToken>>,
}

struct AccessToken {
    account: Arc<Account>,
    scopes: Vec<String>,
    expires_ms: u64,
}

/// A token and its lifetime, as the endpoint tells them.
pub(super) struct TokenResponse {
    pub(super) access_token: String,
    pub(super) expires_in_s: u64,
}

/// Whether Google knows all of these scopes.
pub(super) fn known_scopes(scopes: &[String]) -> bool {
    !scopes.is_empty() && scopes.iter().all(|scope| scope.starts_with("https://www.googleapis.com/auth/"))
}

impl AccessTokens {
    pub(super) fn new(lifetime: Duration, clock: Clock, counters: Arc<LiveCounters>) -> Self {
        Self { lifetime, clock, counters, issued: Mutex::default() }
    }

    pub(super) fn issue(&self, account: &Arc<Account>, scopes: Vec<String>) -> TokenResponse {
        let now_ms = self.clock.now_ms();
        let expires_in_s = self.lifetime.as_secs();
        let access_token = format!("ya29.{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let token =
            AccessToken { account: Arc::clone(account), scopes, expires_ms: now_ms + expires_in_s * 1000 };
        let mut tokens = lock(&self.issued);
        tokens.retain(|_, token| token.expires_ms > now_ms);
        tokens.insert(access_token.clone(), token);
        drop(tokens);
        self.counters.add(&self.counters.access_tokens_issued);
        TokenResponse { access_token, expires_in_s }
    }

    /// Forgets all tokens, so that requests with them are unauthenticated from now on, and returns how many they were.
    pub(super) fn revoke_all(&self) -> usize {
        std::mem::take(&mut *lock(&self.issued)).len()
    }

    /// Checks who is asking, and for what.
    pub(super) fn authorize(&self, headers: &HeaderMap) -> Result<Arc<Account>, GoogleError> {
        let refused = |message| GoogleError::new(401, "UNAUTHENTICATED", message);
        let header = headers.get("authorization").ok_or_else(|| refused(MISSING))?;
        let text = header.to_str().map_err(|_| refused(UNAUTHENTICATED))?;
        let (scheme, token) = text.split_once(' ').ok_or_else(|| refused(UNAUTHENTICATED))?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(refused(UNAUTHENTICATED));
        }
        let tokens = lock(&self.issued);
        let token = tokens
            .get(token)
            .filter(|token| token.expires_ms > self.clock.now_ms())
            .ok_or_else(|| refused(UNAUTHENTICATED).info("ACCESS_TOKEN_EXPIRED"))?;
        if !token.scopes.iter().any(|scope| SCOPES.contains(&scope.as_str())) {
            let message = "Request had insufficient authentication scopes.";
            let error = GoogleError::new(403, "PERMISSION_DENIED", message);
            return Err(error.info("ACCESS_TOKEN_SCOPE_INSUFFICIENT"));
        }
        Ok(Arc::clone(&token.account))
    }
}

/// Checks that an account may send for a project.
pub(super) fn may_send(projects: &[String], account: &Account, project: &str) -> Result<(), GoogleError> {
    if !projects.iter().any(|known| known == project) {
        return Err(GoogleError::new(404, "NOT_FOUND", "Requested entity was not found."));
    }
    if !account.projects.iter().any(|own| own == project) {
        let message = format!(
            "Permission '{PERMISSION}' denied on resource '//cloudresourcemanager.googleapis.com/projects/{project}' \
             (or it may not exist)."
        );
        return Err(GoogleError::new(403, "PERMISSION_DENIED", message).info("IAM_PERMISSION_DENIED"));
    }
    Ok(())
}
