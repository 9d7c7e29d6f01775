//! The request for an access token, in the words of each source.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::ExposeSecret;

use super::source::Proof;

/// What the token is for. Source: Firebase, "Send a message using FCM HTTP v1 API".
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";

/// The longest life of an assertion. Source: Google, "Using OAuth 2.0 for Server to Server Applications".
const ASSERTION_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// Source: RFC 7523, section 2.1.
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// What the metadata server wants to see. Source: Google, "About VM metadata".
const METADATA_FLAVOR: (HeaderName, HeaderValue) =
    (HeaderName::from_static("metadata-flavor"), HeaderValue::from_static("Google"));

const FORM: (HeaderName, HeaderValue) =
    (CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));

/// A request, complete but for the endpoint.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) headers: [(HeaderName, HeaderValue); 1],
    pub(super) body: Bytes,
}

/// Why there is no assertion.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotSigned {
    #[error("the gateway's clock is before 1970")]
    Clock,
    #[error("the key cannot sign")]
    Key(#[source] jsonwebtoken::errors::Error),
}

/// A service account's key, and what its assertions say.
///
/// Source: Google, "Using OAuth 2.0 for Server to Server Applications", on creating a JWT.
pub(super) struct Signer {
    /// `iss`.
    pub(super) email: String,
    /// `kid`.
    pub(super) key_id: Option<String>,
    pub(super) key: EncodingKey,
    /// `aud`: the endpoint that the key's file names, also where another one is asked.
    pub(super) audience: String,
}

#[derive(serde::Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'static str,
    aud: &'a str,
    /// Seconds since the Unix epoch, as `exp`.
    iat: u64,
    exp: u64,
}

impl Signer {
    /// The assertion of this moment, in seconds since the Unix epoch.
    pub(super) fn assertion(&self, iat: u64) -> Result<String, jsonwebtoken::errors::Error> {
        let mut header = Header::new(Algorithm::RS256);
        header.kid.clone_from(&self.key_id);
        let exp = iat + ASSERTION_LIFETIME.as_secs();
        let claims = Claims { iss: &self.email, scope: SCOPE, aud: &self.audience, iat, exp };
        jsonwebtoken::encode(&header, &claims, &self.key)
    }
}

/// The request for a token, at this moment.
pub(super) fn call(proof: &Proof, now: SystemTime) -> Result<Call, NotSigned> {
    let form = |fields: &[(&str, &str)]| {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Call { method: Method::POST, headers: [FORM], body: body.into() }
    };
    Ok(match proof {
        Proof::ServiceAccount(signer) => {
            let issued_at = now.duration_since(UNIX_EPOCH).map_err(|_| NotSigned::Clock)?.as_secs();
            let assertion = signer.assertion(issued_at).map_err(NotSigned::Key)?;
            form(&[("grant_type", JWT_BEARER), ("assertion", &assertion)])
        }
        // Source: RFC 6749, section 6.
        Proof::AuthorizedUser { client_id, client_secret, refresh_token } => form(&[
            ("grant_type", "refresh_token"),
            ("client_id", client_id),
            ("client_secret", client_secret.expose_secret()),
            ("refresh_token", refresh_token.expose_secret()),
        ]),
        Proof::Machine => Call { method: Method::GET, headers: [METADATA_FLAVOR], body: Bytes::new() },
    })
}
