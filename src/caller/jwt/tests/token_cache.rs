//! Verified tokens are kept, and only those, for as long as they are good.

use super::*;

fn is_cached(tokens: &Tokens, token: &str) -> bool {
    tokens.cache.get(&TokenDigest::of(token)).is_some()
}

#[test]
fn a_verified_token_is_cached_until_it_expires() {
    let signer = Signer::es256("a");
    let tokens = tokens(&["ES256"], &[signer.jwk()]);
    let token = signer.token(&claims(json!({})));
    assert!(!is_cached(&tokens, &token));
    let first = tokens.verify(&token, at(NOW)).unwrap();
    assert!(is_cached(&tokens, &token));
    assert_eq!(tokens.verify(&token, at(NOW + 659)).unwrap(), first);
    assert_eq!(tokens.verify(&token, at(NOW + 660)), Err(TokenProblem::Expired(at(NOW + 600))));
}

#[test]
fn a_refused_token_is_not_cached() {
    let signer = Signer::es256("a");
    let tokens = tokens(&["ES256"], &[signer.jwk()]);
    let early = signer.token(&claims(json!({ "nbf": NOW + 100 })));
    assert!(tokens.verify(&early, at(NOW)).is_err());
    assert!(!is_cached(&tokens, &early));
    assert!(tokens.verify(&early, at(NOW + 100)).is_ok());
}

#[test]
fn what_other_keys_verified_means_nothing() {
    let signer = Signer::es256("a");
    let tokens = tokens(&["ES256"], &[signer.jwk()]);
    let foreign = Signer::es256("a");
    let token = foreign.token(&claims(json!({})));
    let theirs = KeySet::parse(set(&[foreign.jwk()]).as_bytes(), &algorithms(&["ES256"])).unwrap();
    let verified = VerifiedToken { issuer: "corp".into(), name: "orders".into(), expires_at: at(NOW + 600) };
    // As it is when the keys change while the token is being verified.
    tokens.cache.put(TokenDigest::of(&token), CachedToken::new(verified, 0, &Arc::new(theirs)));
    assert_eq!(tokens.verify(&token, at(NOW)), Err(TokenProblem::Signature("corp".into())));
}

#[test]
fn the_memory_is_bounded() {
    let signer = Signer::es256("a");
    let tokens = tokens(&["ES256"], &[signer.jwk()]);
    let token = signer.token(&claims(json!({})));
    let verified = tokens.verify(&token, at(NOW)).unwrap();
    let keys = tokens.issuers[0].keys().unwrap();
    for number in 0..10_000 {
        let digest = TokenDigest::of(&number.to_string());
        tokens.cache.put(digest, CachedToken::new(verified.clone(), 0, &keys));
    }
    assert!(!is_cached(&tokens, &token) && is_cached(&tokens, "0"));
}
