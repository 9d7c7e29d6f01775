//! Provider keys as a test holds them, and the tokens that they sign.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};

use crate::error::SimulatorError;
use crate::jwt;
use crate::service::Environment;

/// A provider key as its owner holds it.
#[derive(Clone, Debug)]
pub struct ProviderKey {
    /// The id of the team, ten characters, which is `iss` of its provider tokens.
    pub team_id: String,
    /// The id of the key, ten characters, which is `kid` of its provider tokens.
    pub key_id: String,
    /// The private key as PKCS#8 PEM, which is the content of Apple's `.p8` file.
    pub private_key_pem: String,
}

/// A provider key that is to be made.
#[derive(Clone, Debug)]
pub struct ProviderKeySpec {
    /// The id of the team that it belongs to.
    pub team_id: String,
    /// The one environment that it is for. `None` stands for both, as for keys from before 2025.
    pub environment: Option<Environment>,
    /// What it may push to.
    pub scope: KeyScope,
}

/// What a provider key may push to. Source: Apple, "Establishing a token-based connection to APNs".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyScope {
    /// All topics of the team.
    Team,
    /// Only these topics.
    Topics {
        /// The bundle ids of the topics.
        topics: Vec<String>,
        /// The id of the one key that may share a connection with it.
        related: Option<String>,
    },
}

#[derive(Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) iss: String,
    #[serde(deserialize_with = "jwt::numeric_date")]
    pub(super) iat: u64,
}

impl ProviderKey {
    /// Signs a provider token that was issued at `issued_at_s`, in seconds since the epoch.
    ///
    /// # Errors
    ///
    /// It fails when the private key was changed into something else.
    pub fn sign(&self, issued_at_s: u64) -> Result<String, SimulatorError> {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.key_id.clone());
        let key = EncodingKey::from_ec_pem(self.private_key_pem.as_bytes())?;
        let claims = Claims { iss: self.team_id.clone(), iat: issued_at_s };
        Ok(jsonwebtoken::encode(&header, &claims, &key)?)
    }
}
