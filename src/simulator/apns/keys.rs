//! Provider keys, and the check of the tokens they sign.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::simulator::sync::lock;
use crate::simulator::{Environment, SimulatorError};

/// Checked tokens that are remembered; past it the memory starts anew.
const MAX_REMEMBERED: usize = 4096;

/// A key as its owner holds it.
#[derive(Clone, Debug)]
pub struct ProviderKey {
    /// Ten characters; `iss` of its provider tokens.
    pub team_id: String,
    /// Ten characters; `kid` of its provider tokens.
    pub key_id: String,
    /// The private key, PKCS#8 PEM: the content of Apple's `.p8` file.
    pub private_key_pem: String,
}

/// A key to be made.
#[derive(Clone, Debug)]
pub struct ProviderKeySpec {
    /// The team.
    pub team_id: String,
    /// The one environment it is for; `None` stands for both, as keys from before 2025 are.
    pub environment: Option<Environment>,
    /// What it may push to.
    pub scope: KeyScope,
}

/// What a key may push to. Source: Apple, "Establishing a token-based connection to APNs".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyScope {
    /// All topics of the team.
    Team,
    /// Some topics.
    Topics {
        /// The bundle ids.
        topics: Vec<String>,
        /// The id of the one key that may share a connection with it.
        related: Option<String>,
    },
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    iat: u64,
}

#[derive(Deserialize)]
struct JoseHeader {
    alg: String,
    kid: String,
}

impl ProviderKey {
    /// A provider token issued at `issued_at_s`, seconds since the epoch.
    ///
    /// # Errors
    /// When the private key was changed into something else.
    pub fn sign(&self, issued_at_s: u64) -> Result<String, SimulatorError> {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.key_id.clone());
        let key = EncodingKey::from_ec_pem(self.private_key_pem.as_bytes())?;
        let claims = Claims { iss: self.team_id.clone(), iat: issued_at_s };
        Ok(jsonwebtoken::encode(&header, &claims, &key)?)
    }
}

/// A key as APNs knows it.
pub(super) struct Key {
    pub(super) id: String,
    pub(super) team_id: String,
    pub(super) environment: Option<Environment>,
    pub(super) scope: KeyScope,
    public: DecodingKey,
    revoked: AtomicBool,
}

impl Key {
    pub(super) fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::SeqCst)
    }
}

/// A provider token whose signature is good.
pub(super) struct Verified {
    pub(super) key: Arc<Key>,
    pub(super) issued_at_s: u64,
    pub(super) fingerprint: [u8; 32],
}

/// All keys, and the tokens checked so far: a signature check for every push would cost more
/// than the push.
#[derive(Default)]
pub(in crate::simulator) struct Keys {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    keys: HashMap<String, Arc<Key>>,
    verified: HashMap<[u8; 32], Arc<Verified>>,
}

impl Keys {
    pub(in crate::simulator) fn add(&self, spec: ProviderKeySpec) -> Result<ProviderKey, SimulatorError> {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let ProviderKeySpec { team_id, environment, scope } = spec;
        let mut inner = lock(&self.inner);
        let id = format!("KEY{:07}", inner.keys.len() + 1);
        let key = Key {
            id: id.clone(),
            team_id: team_id.clone(),
            environment,
            scope,
            public: DecodingKey::from_ec_der(pair.public_key_raw()),
            revoked: AtomicBool::new(false),
        };
        inner.keys.insert(id.clone(), Arc::new(key));
        Ok(ProviderKey { team_id, key_id: id, private_key_pem: pair.serialize_pem() })
    }

    pub(in crate::simulator) fn revoke(&self, key_id: &str) {
        if let Some(key) = lock(&self.inner).keys.get(key_id) {
            key.revoked.store(true, Ordering::SeqCst);
        }
    }

    /// Checks form, key, signature and issuer of a token; age and binding are the
    /// connection's to judge. The flag tells whether the token is new to the simulator.
    pub(super) fn verify(&self, token: &str) -> Option<(Arc<Verified>, bool)> {
        let fingerprint: [u8; 32] = Sha256::digest(token).into();
        if let Some(verified) = lock(&self.inner).verified.get(&fingerprint) {
            return (!verified.key.is_revoked()).then(|| (Arc::clone(verified), false));
        }
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let header: JoseHeader = decode(header)?;
        let claims: Claims = decode(claims)?;
        if header.alg != "ES256" {
            return None;
        }
        let key = lock(&self.inner).keys.get(&header.kid).cloned()?;
        let signed =
            jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key.public, Algorithm::ES256);
        if !signed.unwrap_or(false) || key.is_revoked() || key.team_id != claims.iss {
            return None;
        }
        let verified = Arc::new(Verified { key, issued_at_s: claims.iat, fingerprint });
        let mut inner = lock(&self.inner);
        if inner.verified.len() >= MAX_REMEMBERED {
            inner.verified.clear();
        }
        let new = inner.verified.insert(fingerprint, Arc::clone(&verified)).is_none();
        Some((verified, new))
    }
}

fn decode<T: for<'a> Deserialize<'a>>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
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
        keys.revoke(&key.key_id);
        assert!(keys.verify(&token).is_none());
    }
}
