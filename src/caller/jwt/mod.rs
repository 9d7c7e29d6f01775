//! Tokens of callers: JSON Web Tokens, verified by the keys of their issuers.
//!
//! Source: RFC 7519 for tokens, RFC 7515 for their signatures, RFC 8725 for what has gone wrong elsewhere.

mod algorithm;
mod claims;
mod compact;
mod fetch;
mod fetched;
mod issuer;
mod jwk;
mod key_set;
mod members;
mod pace;
mod problem;
mod settings;
#[cfg(test)]
mod tests;
mod token_cache;

use std::sync::Arc;
use std::time::SystemTime;

pub use algorithm::{SigningAlgorithm, UnknownAlgorithm};
pub use issuer::TokenIssuer;
pub use key_set::{KeySet, KeySetError};
pub use problem::TokenProblem;
pub use settings::{IssuerSettings, JwksFetch, JwksSource};
pub use token_cache::VerifiedToken;

use claims::LEEWAY;
use compact::CompactToken;
use members::Members;
use problem::shortened;
use token_cache::{CachedToken, TokenCache, TokenDigest};

/// The longest token that is looked into, in bytes. Tokens of people with many groups reach 4 KiB.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Verifies the tokens of all issuers; of none by default. The `iss` of a token says which issuer has to have signed it.
#[derive(Default)]
pub struct Tokens {
    issuers: Vec<Arc<TokenIssuer>>,
    cache: TokenCache,
}

impl Tokens {
    /// Verifies tokens of these issuers, no two of which have the same `iss`.
    #[must_use]
    pub fn new(issuers: Vec<Arc<TokenIssuer>>) -> Self {
        Self { issuers, cache: TokenCache::default() }
    }

    /// Verifies a token, as it stands behind `Bearer `, without waiting. One that was verified before costs a digest
    /// and a look-up.
    ///
    /// # Errors
    /// Fails with what is wrong. Where keys are missing that a fetch may bring,
    /// [`missing_keys_of`](TokenProblem::missing_keys_of) says so, and [`Tokens::verify_after_fetch`] may verify the token.
    pub fn verify(&self, token: &str, now: SystemTime) -> Result<VerifiedToken, TokenProblem> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenProblem::TooLarge { most: MAX_TOKEN_BYTES, found: token.len() });
        }
        let digest = TokenDigest::of(token);
        if let Some(known) = self.cache.get(&digest)
            && let Some(issuer) = self.issuers.get(known.issuer)
            && known.is_by(&issuer.keys()?)
            && now < known.token.expires_at + LEEWAY
        {
            return Ok(known.token);
        }
        let token = CompactToken::read(token)?;
        let claims = Members::read(&token.claims).ok_or(TokenProblem::Malformed(
            "claims that are no JSON object, or two claims of the same name",
        ))?;
        let named: String = claims.get("iss").ok().flatten().unwrap_or_default();
        let found = self.issuers.iter().enumerate().find(|(_, issuer)| issuer.issuer() == named);
        let Some((place, issuer)) = found else {
            return Err(TokenProblem::UnknownIssuer(shortened(&named)));
        };
        let keys = issuer.keys()?;
        let verified = issuer.verify(&token, &claims, &keys, now)?;
        self.cache.put(digest, CachedToken::new(verified.clone(), place, &keys));
        Ok(verified)
    }

    /// Verifies a token, and where its key is missing waits for a fetch and verifies it again: for the fetch that is
    /// under way, or for a new one if no unknown key asked for one within the last minute. The wait has a bound of
    /// five seconds.
    ///
    /// # Errors
    /// Fails as [`Tokens::verify`] does.
    ///
    /// # Cancel safety
    /// Dropping the future cancels nothing but the wait.
    pub async fn verify_after_fetch(
        &self,
        token: &str,
        now: SystemTime,
    ) -> Result<VerifiedToken, TokenProblem> {
        let problem = match self.verify(token, now) {
            Ok(verified) => return Ok(verified),
            Err(problem) => problem,
        };
        let missing = problem.missing_keys_of();
        match self.issuers.iter().find(|issuer| Some(&**issuer.name()) == missing) {
            Some(issuer) if issuer.wait_for_fetch().await => self.verify(token, now),
            Some(_) | None => Err(problem),
        }
    }
}
