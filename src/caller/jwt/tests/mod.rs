//! Tokens that jsonwebtoken signed, and raw ones. Its code is another party: the verifier has none of it.

mod claims;
mod forged;
mod key_sets;
mod token_cache;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use rcgen::{
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256, RsaKeySize,
};
use serde_json::{Value, json};

use super::*;
use crate::metrics::Metrics;

const ISSUER: &str = "https://idp.example";
const NOW: u64 = 1_800_000_000;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// A key pair of an issuer.
struct Signer {
    id: &'static str,
    algorithm: Algorithm,
    key: EncodingKey,
    pair: KeyPair,
}

impl Signer {
    fn new(id: &'static str, algorithm: Algorithm) -> Self {
        let (elliptic, edwards) = ([Algorithm::ES256, Algorithm::ES384], Algorithm::EdDSA);
        let pair = if algorithm == Algorithm::ES256 {
            KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)
        } else if algorithm == Algorithm::ES384 {
            KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384)
        } else if algorithm == edwards {
            KeyPair::generate_for(&PKCS_ED25519)
        } else {
            KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)
        };
        let pair = pair.unwrap();
        let pem = pair.serialize_pem();
        let key = if elliptic.contains(&algorithm) {
            EncodingKey::from_ec_pem(pem.as_bytes())
        } else if algorithm == edwards {
            EncodingKey::from_ed_pem(pem.as_bytes())
        } else {
            EncodingKey::from_rsa_pem(pem.as_bytes())
        };
        Self { id, algorithm, key: key.unwrap(), pair }
    }

    fn es256(id: &'static str) -> Self {
        Self::new(id, Algorithm::ES256)
    }

    /// The public key, without `alg`.
    fn jwk(&self) -> Value {
        if self.algorithm == Algorithm::EdDSA {
            let x = URL_SAFE_NO_PAD.encode(self.pair.public_key_raw());
            return json!({ "kty": "OKP", "crv": "Ed25519", "kid": self.id, "x": x });
        }
        let mut jwk =
            serde_json::to_value(Jwk::from_encoding_key(&self.key, self.algorithm).unwrap()).unwrap();
        jwk["kid"] = self.id.into();
        jwk.as_object_mut().unwrap().remove("alg");
        jwk
    }

    fn header(&self) -> Value {
        json!({ "alg": self.algorithm, "typ": "JWT", "kid": self.id })
    }

    fn token(&self, claims: &Value) -> String {
        self.sign(&self.header().to_string(), &claims.to_string())
    }

    /// Signs whatever stands in header and claims.
    fn sign(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }
}

/// Good claims, but for those that are changed. A claim that becomes null is left out.
fn claims(changed: Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": "fanfare", "sub": "orders", "iat": NOW, "nbf": NOW, "exp": NOW + 600,
    });
    let Value::Object(changed) = changed else { panic!("claims are an object") };
    for (name, value) in changed {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(&name);
        } else {
            claims[name] = value;
        }
    }
    claims
}

fn set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

fn algorithms(names: &[&str]) -> Vec<SigningAlgorithm> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

/// Verifies tokens of one issuer, whose keys are these.
fn tokens(names: &[&str], keys: &[Value]) -> Tokens {
    let algorithms = algorithms(names);
    let settings = IssuerSettings {
        name: "corp".into(),
        issuer: ISSUER.to_owned(),
        audiences: vec!["fanfare".to_owned(), "push".to_owned()],
        jwks: JwksSource::File(Arc::new(KeySet::parse(set(keys).as_bytes(), &algorithms).unwrap())),
        algorithms,
        claim: "sub".to_owned(),
    };
    Tokens::new(vec![issuer(settings)])
}

fn issuer(settings: IssuerSettings) -> Arc<TokenIssuer> {
    let never = |_: &JwksFetch| -> Result<_, ()> { panic!("nothing is fetched for a file") };
    Arc::new(TokenIssuer::try_new(settings, &Metrics::default().issuers, never).unwrap())
}

fn refused(tokens: &Tokens, token: &str) -> String {
    tokens.verify(token, at(NOW)).unwrap_err().to_string()
}

#[test]
fn a_token_of_every_algorithm_is_verified() {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    for algorithm in [RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA] {
        let signer = Signer::new("a", algorithm);
        let name = format!("{algorithm:?}");
        let tokens = tokens(&[&name], &[signer.jwk()]);
        let verified = tokens.verify(&signer.token(&claims(json!({}))), at(NOW)).unwrap();
        let expected =
            VerifiedToken { issuer: "corp".into(), name: "orders".into(), expires_at: at(NOW + 600) };
        assert_eq!(verified, expected, "{name}");
        // The same token with another character in its signature is another one. The last character is left alone, since
        // some of its bits may mean nothing.
        let mut other = signer.token(&claims(json!({}))).into_bytes();
        let place = other.len() - 2;
        other[place] = if other[place] == b'A' { b'B' } else { b'A' };
        let other = String::from_utf8(other).unwrap();
        assert_eq!(tokens.verify(&other, at(NOW)), Err(TokenProblem::Signature("corp".into())), "{name}");
    }
}

/// Tokens that another library signed, with keys that a third one made. The file says which.
#[test]
fn tokens_of_other_libraries_are_verified() {
    let file: Value = serde_json::from_str(include_str!("../../../../tests/data/jwt/pyjwt.json")).unwrap();
    let (jwks, signed) = (file["jwks"]["keys"].as_array().unwrap(), file["tokens"].as_object().unwrap());
    let names: Vec<_> = signed.keys().map(String::as_str).collect();
    assert_eq!(names.len(), 9);
    let tokens = tokens(&names, jwks);
    for (name, token) in signed {
        let verified = tokens.verify(token.as_str().unwrap(), at(NOW)).unwrap();
        assert_eq!((&*verified.name, verified.expires_at), ("orders", at(NOW + 600)), "{name}");
    }
}

#[test]
fn the_issuer_that_a_token_names_has_to_have_signed_it() {
    let (ours, theirs) = (Signer::es256("a"), Signer::es256("a"));
    let settings = |name: &str, url: &str, signer: &Signer| IssuerSettings {
        name: name.into(),
        issuer: url.to_owned(),
        audiences: vec!["fanfare".to_owned()],
        algorithms: algorithms(&["ES256"]),
        claim: "client_id".to_owned(),
        jwks: JwksSource::File(Arc::new(
            KeySet::parse(set(&[signer.jwk()]).as_bytes(), &algorithms(&["ES256"])).unwrap(),
        )),
    };
    let tokens = Tokens::new(vec![
        issuer(settings("corp", ISSUER, &ours)),
        issuer(settings("partner", "https://partner.example", &theirs)),
    ]);
    let named = |url: &str| claims(json!({ "iss": url, "client_id": "billing" }));
    let name = |signer: &Signer, url: &str| {
        tokens
            .verify(&signer.token(&named(url)), at(NOW))
            .map(|it| (it.issuer.to_string(), it.name.to_string()))
    };
    assert_eq!(name(&ours, ISSUER).unwrap(), ("corp".to_owned(), "billing".to_owned()));
    let partner = name(&theirs, "https://partner.example").unwrap();
    assert_eq!(partner, ("partner".to_owned(), "billing".to_owned()));
    assert_eq!(name(&theirs, ISSUER), Err(TokenProblem::Signature("corp".into())));
    assert_eq!(name(&ours, "https://partner.example"), Err(TokenProblem::Signature("partner".into())));
    for other in ["https://idp.example/", "HTTPS://idp.example", ""] {
        assert_eq!(name(&ours, other), Err(TokenProblem::UnknownIssuer(other.to_owned())));
    }
}
