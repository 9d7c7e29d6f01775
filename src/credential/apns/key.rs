//! The signing key of a developer team, as Apple's portal gives it out: a private key, its id, and the team's id.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::credential::error::ID_CHARACTERS;
use crate::credential::stamp::Authorization;
use crate::credential::{CredentialError, Stamp};

/// The id of a key, as Apple's portal names it: 10 visible characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct KeyId(String);

impl KeyId {
    /// Checks that the text can be a key id.
    ///
    /// # Errors
    /// Fails if the text is not 10 visible ASCII characters.
    pub(crate) fn parse(id: &str) -> Result<Self, CredentialError> {
        check_id(id).map_err(|found| CredentialError::KeyId { found })?;
        Ok(Self(id.to_owned()))
    }

    /// The id as Apple writes it.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The id of a developer team: 10 visible characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TeamId(String);

impl TeamId {
    /// Checks that the text can be a team id.
    ///
    /// # Errors
    /// Fails if the text is not 10 visible ASCII characters.
    pub(crate) fn parse(id: &str) -> Result<Self, CredentialError> {
        check_id(id).map_err(|found| CredentialError::TeamId { found })?;
        Ok(Self(id.to_owned()))
    }

    /// The id as Apple writes it.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

fn check_id(id: &str) -> Result<(), String> {
    match id.chars().find(|c| !c.is_ascii_graphic()) {
        Some(c) => Err(format!("{c:?}")),
        None if id.len() != ID_CHARACTERS => Err(format!("{} characters", id.len())),
        None => Ok(()),
    }
}

/// A key that signs provider tokens. It is parsed and tried once, when the configuration is read. It prints its ids and
/// never the private key.
pub struct SigningKey {
    private_key: EncodingKey,
    key_id: KeyId,
    team_id: TeamId,
}

/// What tells signing keys apart: two files that claim the same ids are two keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SigningKeyIdentity {
    team_id: TeamId,
    key_id: KeyId,
    /// The SHA-256 of the public key, so that the same key is recognised however its file is laid out, and whether that
    /// holds the public key or not.
    fingerprint: [u8; 32],
}

/// The claims of a provider token. It has no `exp`, because APNs computes the age of a token from `iat`.
#[derive(serde::Serialize)]
struct ProviderTokenClaims<'a> {
    iss: &'a str,
    /// Seconds since the Unix epoch.
    iat: u64,
}

impl SigningKey {
    /// Parses the text of a .p8 file, and signs once to see that the key can.
    ///
    /// # Errors
    /// Fails if the text is no private key on the curve P-256, or the clock is before 1970.
    pub(crate) fn parse(pem: &SecretString, key_id: KeyId, team_id: TeamId) -> Result<Self, CredentialError> {
        let private_key =
            EncodingKey::from_ec_pem(pem.expose_secret().as_bytes()).map_err(CredentialError::Pem)?;
        let key = Self { private_key, key_id, team_id };
        key.sign(SystemTime::now(), 0)?;
        Ok(key)
    }

    /// How the key is called in metrics and in the log.
    #[must_use]
    pub(crate) fn label(&self) -> String {
        format!("{}/{}", self.team_id.as_str(), self.key_id.as_str())
    }

    /// The id of the key.
    #[must_use]
    pub(crate) fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// The id of the team whose apps are pushed to.
    #[must_use]
    pub(crate) fn team_id(&self) -> &TeamId {
        &self.team_id
    }

    /// Whether a key that has the same ids is the same key.
    pub(crate) fn is_same_key(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }

    pub(crate) fn identity(&self) -> SigningKeyIdentity {
        let private_key = self.private_key.as_bytes();
        // A key that has signed is such a pair, so that its own bytes are never needed.
        let fingerprint =
            match EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, private_key) {
                Ok(pair) => Sha256::digest(pair.public_key()).into(),
                Err(_) => Sha256::digest(private_key).into(),
            };
        SigningKeyIdentity { team_id: self.team_id.clone(), key_id: self.key_id.clone(), fingerprint }
    }

    /// Signs a provider token that was issued at this moment.
    pub(super) fn sign(&self, issued_at: SystemTime, generation: u64) -> Result<Stamp, CredentialError> {
        let iat = issued_at.duration_since(UNIX_EPOCH).map_err(|_| CredentialError::Clock)?.as_secs();
        let mut header = Header::new(Algorithm::ES256);
        header.typ = None;
        header.kid = Some(self.key_id.0.clone());
        let claims = ProviderTokenClaims { iss: &self.team_id.0, iat };
        let token =
            jsonwebtoken::encode(&header, &claims, &self.private_key).map_err(CredentialError::NotP256)?;
        let authorization = Authorization::try_new(format!("bearer {token}"))?;
        Ok(Stamp { authorization, generation })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({} of team {})", self.key_id.0, self.team_id.0)
    }
}
