//! Where an access token comes from: a service account's key, a user's refresh token, or the machine.
//!
//! Source: Google, "How Application Default Credentials works", for the two files.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::SystemTime;

use fanfare_upstream::Origin;
use http::Uri;
use http::uri::PathAndQuery;
use jsonwebtoken::EncodingKey;
use secrecy::{ExposeSecret, SecretString};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::grant::{self, Proof, ServiceAccountKey};

/// The token endpoint of files that name none. Source: Google, "Using OAuth 2.0 to Access Google APIs".
const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";

/// The host of the metadata server. Source: Google, "About VM metadata".
const METADATA_HOST: &str = "metadata.google.internal";

/// Source: Google, "Authenticate workloads using the metadata server".
const METADATA_PATH: &str = "/computeMetadata/v1/instance/service-accounts/default/token";

/// Where access tokens are asked for.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    origin: Origin,
    path: PathAndQuery,
}

impl Endpoint {
    /// The origin of the endpoint.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(super) fn path(&self) -> &PathAndQuery {
        &self.path
    }
}

impl FromStr for Endpoint {
    type Err = &'static str;

    /// Parses an https URL. An http URL may only lead to loopback, since the endpoint is told secrets.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uri: Uri = text.parse().map_err(|_| "it is no URL")?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err("it is no whole URL");
        };
        let origin: Origin =
            format!("{scheme}://{authority}").parse().map_err(|_| "it has no origin that can be reached")?;
        let loopback =
            origin.host() == "localhost" || origin.host().parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        if !origin.tls() && !loopback {
            return Err("it is not https");
        }
        let path = uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        Ok(Self { origin, path })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path.path())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a file is no credential of Google. No variant repeats what is secret.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file holds no JSON object.
    #[error("expected a JSON object as Google gave it, found something else at line {line}, column {column}")]
    Json {
        /// The line of the first character that is wrong, from 1.
        line: usize,
        /// The column of that character.
        column: usize,
    },
    /// A key is missing.
    #[error("the key {0:?} is missing")]
    Missing(&'static str),
    /// The value of a key is not a text, or is empty.
    #[error("the key {0:?} is not a text, or is empty")]
    NotText(&'static str),
    /// The file holds credentials of another kind.
    #[error("the key \"type\" is {0:?}; expected \"service_account\" or \"authorized_user\"")]
    Type(String),
    /// The URL of the endpoint cannot be asked.
    #[error("the key \"token_uri\" is {found:?}, and {why}; expected such as {TOKEN_URI}")]
    TokenUri {
        /// The URL that was found.
        found: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The private key cannot sign.
    #[error("the key \"private_key\" is not an RSA private key in PEM that can sign RS256")]
    PrivateKey(#[source] jsonwebtoken::errors::Error),
}

/// Where the access tokens of one credential come from. It is parsed once, when the configuration is read.
pub struct Source {
    proof: Proof,
    endpoint: Endpoint,
    /// The SHA-256 of the file; zeros for the metadata server, which needs none.
    fingerprint: [u8; 32],
}

/// What tells sources apart: the same file that is asked for at another endpoint is another source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SourceIdentity {
    fingerprint: [u8; 32],
    endpoint: Endpoint,
}

impl Source {
    /// Reads a service account's key or a user's credentials: JSON, as Google's console and tools write them.
    ///
    /// # Errors
    /// Fails with the name of the key that is missing or wrong.
    pub fn from_json(file: &SecretString) -> Result<Self, SourceError> {
        let fingerprint = Sha256::digest(file.expose_secret()).into();
        let file = CredentialFile::read(file.expose_secret())?;
        let (proof, token_uri) = match file.required("type")?.as_str() {
            "service_account" => {
                let pem = SecretString::from(file.required("private_key")?);
                let key = ServiceAccountKey {
                    email: file.required("client_email")?,
                    key_id: file.optional("private_key_id")?,
                    private_key: EncodingKey::from_rsa_pem(pem.expose_secret().as_bytes())
                        .map_err(SourceError::PrivateKey)?,
                    audience: file.required("token_uri")?,
                };
                // A PEM that can be read need not be a key that can sign.
                key.assertion(0).map_err(SourceError::PrivateKey)?;
                let token_uri = key.audience.clone();
                (Proof::ServiceAccount(key), token_uri)
            }
            "authorized_user" => {
                let proof = Proof::AuthorizedUser {
                    client_id: file.required("client_id")?,
                    client_secret: file.required("client_secret")?.into(),
                    refresh_token: file.required("refresh_token")?.into(),
                };
                (proof, file.optional("token_uri")?.unwrap_or_else(|| TOKEN_URI.to_owned()))
            }
            other => return Err(SourceError::Type(other.to_owned())),
        };
        match token_uri.parse() {
            Ok(endpoint) => Ok(Self { proof, endpoint, fingerprint }),
            Err(why) => Err(SourceError::TokenUri { found: token_uri, why }),
        }
    }

    /// Makes the source of a machine's own service account, whose tokens its metadata server gives out.
    #[must_use]
    pub fn metadata_server(origin: Origin) -> Self {
        let path = PathAndQuery::from_static(METADATA_PATH);
        Self { proof: Proof::Machine, endpoint: Endpoint { origin, path }, fingerprint: [0; 32] }
    }

    /// Returns where the metadata server is on every machine at Google.
    #[must_use]
    pub(crate) fn metadata_origin() -> Origin {
        Origin::http(METADATA_HOST)
    }

    pub(crate) fn identity(&self) -> SourceIdentity {
        SourceIdentity { fingerprint: self.fingerprint, endpoint: self.endpoint.clone() }
    }

    /// Asks another endpoint than the file names.
    #[must_use]
    pub fn with_endpoint(self, endpoint: Endpoint) -> Self {
        Self { endpoint, ..self }
    }

    /// Where tokens are asked for.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The account whose tokens these are, for logs and metrics. It is no secret.
    #[must_use]
    pub fn account(&self) -> &str {
        match &self.proof {
            Proof::ServiceAccount(key) => &key.email,
            Proof::AuthorizedUser { client_id, .. } => client_id,
            Proof::Machine => "metadata server",
        }
    }

    /// Makes the request for a token, at this moment.
    pub(super) fn token_request(&self, now: SystemTime) -> Result<grant::TokenRequest, grant::NotSigned> {
        grant::token_request(&self.proof, now)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({} at {})", self.account(), self.endpoint)
    }
}

/// The members of a file, which stay unparsed until they are asked for, so that no secret is copied needlessly.
struct CredentialFile<'a>(HashMap<Cow<'a, str>, &'a RawValue>);

impl<'a> CredentialFile<'a> {
    fn read(text: &'a str) -> Result<Self, SourceError> {
        let members = serde_json::from_str(text)
            // The parser's own words may repeat what it found, so they are left out.
            .map_err(|error| SourceError::Json { line: error.line(), column: error.column() })?;
        Ok(Self(members))
    }

    fn required(&self, key: &'static str) -> Result<String, SourceError> {
        self.optional(key)?.ok_or(SourceError::Missing(key))
    }

    fn optional(&self, key: &'static str) -> Result<Option<String>, SourceError> {
        let Some(value) = self.0.get(key) else { return Ok(None) };
        match serde_json::from_str::<String>(value.get()) {
            Ok(text) if !text.is_empty() => Ok(Some(text)),
            Ok(_) | Err(_) => Err(SourceError::NotText(key)),
        }
    }
}
