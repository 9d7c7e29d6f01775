//! The provider keys that APNs knows, and the check of the tokens that they sign.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::provider_key::{Claims, KeyScope, ProviderKey, ProviderKeySpec};
use crate::error::SimulatorError;
use crate::jwt;
use crate::service::Environment;
use crate::sync::lock;

/// How many checked tokens are remembered. Beyond that the memory starts anew.
const MAX_REMEMBERED: usize = 4096;

#[derive(Deserialize)]
struct JoseHeader {
    alg: String,
    kid: String,
}

/// A provider key as APNs knows it.
pub(super) struct KnownKey {
    pub(super) id: String,
    pub(super) team_id: String,
    pub(super) environment: Option<Environment>,
    pub(super) scope: KeyScope,
    /// The public key as an uncompressed point.
    public: Vec<u8>,
    revoked: AtomicBool,
}

impl KnownKey {
    pub(super) fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::SeqCst)
    }
}

/// A provider token whose signature is good.
pub(super) struct VerifiedToken {
    pub(super) key: Arc<KnownKey>,
    pub(super) issued_at_s: u64,
    pub(super) fingerprint: [u8; 32],
    /// Whether a test ended it before its time.
    pub(super) expired: AtomicBool,
}

/// All keys, and the tokens that were checked so far: checking a signature for every push would cost more than the
/// push.
#[derive(Default)]
pub(crate) struct Keys {
    known: Mutex<KnownKeys>,
}

#[derive(Default)]
struct KnownKeys {
    keys: HashMap<String, Arc<KnownKey>>,
    verified: HashMap<[u8; 32], Arc<VerifiedToken>>,
}

impl Keys {
    pub(crate) fn add(&self, spec: ProviderKeySpec) -> Result<ProviderKey, SimulatorError> {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let ProviderKeySpec { team_id, environment, scope } = spec;
        let mut known = lock(&self.known);
        let id = format!("KEY{:07}", known.keys.len() + 1);
        let key = KnownKey {
            id: id.clone(),
            team_id: team_id.clone(),
            environment,
            scope,
            public: pair.public_key_raw().to_vec(),
            revoked: AtomicBool::new(false),
        };
        known.keys.insert(id.clone(), Arc::new(key));
        Ok(ProviderKey { team_id, key_id: id, private_key_pem: pair.serialize_pem() })
    }

    /// Revokes a key, or makes it good again. The result is false if there is no such key.
    pub(crate) fn set_revoked(&self, key_id: &str, revoked: bool) -> bool {
        let known = lock(&self.known);
        let key = known.keys.get(key_id);
        key.inspect(|key| key.revoked.store(revoked, Ordering::SeqCst)).is_some()
    }

    /// Returns the id and the team of each key, and whether it is revoked.
    pub(crate) fn list(&self) -> Vec<(String, String, bool)> {
        let known = lock(&self.known);
        let mut all: Vec<_> =
            known.keys.values().map(|key| (key.id.clone(), key.team_id.clone(), key.is_revoked())).collect();
        all.sort_unstable();
        all
    }

    /// Ends the tokens that are remembered, as if they were too old, and returns how many they were.
    pub(crate) fn expire_tokens(&self) -> usize {
        let known = lock(&self.known);
        let good = known.verified.values().filter(|token| !token.expired.swap(true, Ordering::SeqCst));
        good.count()
    }

    /// Makes every key good again, and every token that has not ended by its age.
    pub(crate) fn reset(&self) {
        let known = lock(&self.known);
        for key in known.keys.values() {
            key.revoked.store(false, Ordering::SeqCst);
        }
        for token in known.verified.values() {
            token.expired.store(false, Ordering::SeqCst);
        }
    }

    /// Checks the form, key, signature and issuer of a token; its connection judges age and binding. The flag says
    /// whether the simulator sees the token for the first time.
    pub(super) fn verify(&self, token: &str) -> Option<(Arc<VerifiedToken>, bool)> {
        let fingerprint: [u8; 32] = Sha256::digest(token).into();
        if let Some(verified) = lock(&self.known).verified.get(&fingerprint) {
            return (!verified.key.is_revoked()).then(|| (Arc::clone(verified), false));
        }
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let header: JoseHeader = jwt::json(header)?;
        let claims: Claims = jwt::json(claims)?;
        if header.alg != "ES256" {
            return None;
        }
        let key = lock(&self.known).keys.get(&header.kid).cloned()?;
        let signed = is_signed(message.as_bytes(), &jwt::segment(signature)?, &key.public);
        if !signed || key.is_revoked() || key.team_id != claims.iss {
            return None;
        }
        let verified = Arc::new(VerifiedToken {
            key,
            issued_at_s: claims.iat,
            fingerprint,
            expired: AtomicBool::new(false),
        });
        let mut known = lock(&self.known);
        if known.verified.len() >= MAX_REMEMBERED {
            known.verified.clear();
        }
        let new = known.verified.insert(fingerprint, Arc::clone(&verified)).is_none();
        Some((verified, new))
    }
}

/// APNs accepts both forms of a signature: r and s in 64 bytes, as in RFC 7518, and the ASN.1 that `openssl dgst` and
/// pushy make. Source: a public transcript of 2022 to the sandbox; swift-server-community/APNSwift#36.
fn is_signed(message: &[u8], signature: &[u8], public: &[u8]) -> bool {
    [&ECDSA_P256_SHA256_FIXED, &ECDSA_P256_SHA256_ASN1]
        .into_iter()
        .any(|form| UnparsedPublicKey::new(form, public).verify(message, signature).is_ok())
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair,
    };
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

    use super::*;

    fn team_key(keys: &Keys) -> ProviderKey {
        let spec = ProviderKeySpec { team_id: "TEAM000001".into(), environment: None, scope: KeyScope::Team };
        keys.add(spec).unwrap()
    }

    #[test]
    fn a_signed_token_is_checked_once_and_then_remembered() {
        let keys = Keys::default();
        let token = team_key(&keys).sign(1).unwrap();
        assert!(keys.verify(&token).unwrap().1);
        assert!(!keys.verify(&token).unwrap().1);
    }

    #[test]
    fn another_signature_issuer_or_key_is_refused() {
        let keys = Keys::default();
        let key = team_key(&keys);
        let token = key.sign(1).unwrap();
        let (message, _) = token.rsplit_once('.').unwrap();
        let other = key.sign(2).unwrap();
        let (_, signature) = other.rsplit_once('.').unwrap();
        assert!(keys.verify(&format!("{message}.{signature}")).is_none());

        let issuer = ProviderKey { team_id: "TEAM000002".into(), ..key.clone() };
        assert!(keys.verify(&issuer.sign(1).unwrap()).is_none());

        let stranger = ProviderKey { key_id: "KEY9999999".into(), ..key.clone() };
        assert!(keys.verify(&stranger.sign(1).unwrap()).is_none());

        assert!(keys.verify(&token).is_some());
        assert!(keys.set_revoked(&key.key_id, true));
        assert!(keys.verify(&token).is_none());
    }

    /// Writes a token of this key as some client writes it: in this base64, with or without ASN.1, and with this
    /// `iat`.
    fn written(key: &ProviderKey, engine: &impl base64::Engine, der: bool, iat: &str) -> String {
        let header = format!(r#"{{"alg":"ES256","kid":"{}"}}"#, key.key_id);
        let claims = format!(r#"{{"iss":"{}","iat":{iat}}}"#, key.team_id);
        let message = format!("{}.{}", engine.encode(header), engine.encode(claims));
        let form = if der { &ECDSA_P256_SHA256_ASN1_SIGNING } else { &ECDSA_P256_SHA256_FIXED_SIGNING };
        let pem = pem_bytes(&key.private_key_pem);
        let pair = EcdsaKeyPair::from_pkcs8(form, &pem).unwrap();
        let signature = pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", engine.encode(signature.as_ref()))
    }

    fn pem_bytes(pem: &str) -> Vec<u8> {
        let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        STANDARD.decode(text).unwrap()
    }

    #[test]
    fn every_form_that_a_client_is_known_to_send_is_good_and_another_key_is_not() {
        let keys = Keys::default();
        let (key, other) = (team_key(&keys), team_key(&keys));
        for der in [false, true] {
            for iat in ["1700000000", "1700000000.25"] {
                for token in [
                    written(&key, &URL_SAFE_NO_PAD, der, iat),
                    written(&key, &URL_SAFE, der, iat),
                    written(&key, &STANDARD, der, iat),
                    written(&key, &STANDARD_NO_PAD, der, iat),
                ] {
                    assert_eq!(keys.verify(&token).unwrap().0.issued_at_s, 1_700_000_000, "{token}");
                }
            }
            let foreign = ProviderKey { key_id: key.key_id.clone(), ..other.clone() };
            assert!(keys.verify(&written(&foreign, &URL_SAFE_NO_PAD, der, "1700000000")).is_none());
            assert!(keys.verify(&written(&key, &URL_SAFE_NO_PAD, der, r#""1700000000""#)).is_none());
        }
    }
}
