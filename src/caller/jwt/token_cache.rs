//! Tokens that were verified. Verifying a signature costs more than a whole push, and a caller shows the same token in
//! call after call.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::SystemTime;

use aws_lc_rs::digest;
use lru::LruCache;

use super::key_set::KeySet;

/// How many tokens are kept, each in some 200 bytes.
const MAX_TOKENS: usize = 10_000;

/// What a token says that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedToken {
    /// The issuer, by its name in the configuration.
    pub issuer: Arc<str>,
    /// Whom the token names: the value of the issuer's claim for it.
    pub name: Arc<str>,
    /// When the token expires. It is taken for a minute longer, since clocks differ.
    pub expires_at: SystemTime,
}

/// The tokens that were verified last, by their SHA-256. A refused token is never here.
pub(super) struct TokenCache(Mutex<LruCache<TokenDigest, CachedToken>>);

/// The SHA-256 of a token.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct TokenDigest([u8; digest::SHA256_OUTPUT_LEN]);

/// A token with the keys that verified it.
#[derive(Clone)]
pub(super) struct CachedToken {
    pub(super) token: VerifiedToken,
    /// The place of its issuer in the configuration.
    pub(super) issuer: usize,
    /// Once the issuer has other keys, the token has to be verified again. So a token that is verified while the keys
    /// change is not kept beyond them.
    keys: Weak<KeySet>,
}

impl TokenDigest {
    pub(super) fn of(token: &str) -> Self {
        let mut bytes = [0; digest::SHA256_OUTPUT_LEN];
        let digest = digest::digest(&digest::SHA256, token.as_bytes());
        // Both have the length of a SHA-256.
        bytes.iter_mut().zip(digest.as_ref()).for_each(|(byte, of_digest)| *byte = *of_digest);
        Self(bytes)
    }
}

impl CachedToken {
    pub(super) fn new(token: VerifiedToken, issuer: usize, keys: &Arc<KeySet>) -> Self {
        Self { token, issuer, keys: Arc::downgrade(keys) }
    }

    pub(super) fn is_by(&self, keys: &Arc<KeySet>) -> bool {
        std::ptr::eq(self.keys.as_ptr(), Arc::as_ptr(keys))
    }
}

impl Default for TokenCache {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(NonZeroUsize::new(MAX_TOKENS).unwrap_or(NonZeroUsize::MIN))))
    }
}

impl TokenCache {
    pub(super) fn get(&self, token: &TokenDigest) -> Option<CachedToken> {
        self.tokens().get(token).cloned()
    }

    pub(super) fn put(&self, token: TokenDigest, cached: CachedToken) {
        // What falls out is dropped after the lock was released.
        let _fallen_out = self.tokens().push(token, cached);
    }

    fn tokens(&self) -> MutexGuard<'_, LruCache<TokenDigest, CachedToken>> {
        // An entry is put whole or not at all, so a poisoned lock harms nothing.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
