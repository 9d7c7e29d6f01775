//! A look at the tokens that were made of credentials.

use super::Registry;
use crate::credential::token_look::TokenLook;

impl Registry {
    /// The newest token of each credential.
    pub(crate) fn look(&self) -> Vec<TokenLook> {
        let credentials = self.credentials();
        let provider_tokens: Vec<_> = credentials.provider_tokens.held().collect();
        let access_tokens: Vec<_> = credentials.access_tokens.held().collect();
        let vapid: Vec<_> = credentials.vapid.held().collect();
        drop(credentials);
        let mut looks = Vec::new();
        looks.extend(provider_tokens.iter().map(|token| {
            let (label, made_at) = (token.label(), token.made_at());
            TokenLook { label, kind: "provider token", made_at, expires_at: None, failure: None }
        }));
        looks.extend(access_tokens.iter().map(|token| {
            let (label, made_at) = (token.account().to_owned(), token.made_at());
            let (expires_at, failure) = (token.expires_at(), token.failure());
            TokenLook { label, kind: "access token", made_at, expires_at, failure }
        }));
        looks.extend(vapid.iter().map(|vapid| {
            let label = vapid.public_key().to_owned();
            TokenLook { label, kind: "VAPID key", made_at: None, expires_at: None, failure: None }
        }));
        looks
    }
}
