//! The request for an access token, in the words of each source.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::Method;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};

/// The scope asks for tokens that may send pushes. Source: Firebase, "Send a message using FCM HTTP v1 API".
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";

/// The longest life of an assertion. Source: Google, "Using OAuth 2.0 for Server to Server Applications".
const ASSERTION_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// Source: RFC 7523, section 2.1.
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The metadata server answers no request without this header. Source: Google, "About VM metadata".
const METADATA_FLAVOR: (&str, &str) = ("metadata-flavor", "Google");

/// Source: RFC 6749, section 4.1.3.
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// What is shown to the endpoint.
pub(super) enum Proof {
    /// The gateway shows an assertion, signed with a service account's key.
    ServiceAccount(ServiceAccountKey),
    /// The gateway shows that a user consented.
    AuthorizedUser { client_id: String, client_secret: SecretString, refresh_token: SecretString },
    /// The gateway shows nothing: the metadata server of a machine knows the machine.
    Machine,
}

/// A request for a token. The endpoint that it goes to is not part of it.
pub(super) struct TokenRequest {
    pub(super) method: Method,
    /// Its only header, by name and value.
    pub(super) header: (&'static str, &'static str),
    pub(super) body: Bytes,
}

/// Why no assertion could be signed.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotSigned {
    #[error("the gateway's clock is before 1970")]
    Clock,
    #[error("the key cannot sign")]
    Key(#[source] jsonwebtoken::errors::Error),
}

/// The key of a service account, with what its assertions say.
///
/// Source: Google, "Using OAuth 2.0 for Server to Server Applications", on creating a JWT.
pub(super) struct ServiceAccountKey {
    /// The `iss` of assertions.
    pub(super) email: String,
    /// The `kid` of assertions.
    pub(super) key_id: Option<String>,
    pub(super) private_key: EncodingKey,
    /// The `aud` of assertions: the endpoint that the key's file names, even where another one is asked.
    pub(super) audience: String,
}

#[derive(serde::Serialize)]
struct AssertionClaims<'a> {
    iss: &'a str,
    scope: &'static str,
    aud: &'a str,
    /// Seconds since the Unix epoch, as `exp` is.
    iat: u64,
    exp: u64,
}

impl ServiceAccountKey {
    /// Signs an assertion of this moment, in seconds since the Unix epoch.
    pub(super) fn assertion(&self, iat: u64) -> Result<String, jsonwebtoken::errors::Error> {
        let mut header = Header::new(Algorithm::RS256);
        header.kid.clone_from(&self.key_id);
        let exp = iat + ASSERTION_LIFETIME.as_secs();
        let claims = AssertionClaims { iss: &self.email, scope: SCOPE, aud: &self.audience, iat, exp };
        jsonwebtoken::encode(&header, &claims, &self.private_key)
    }
}

/// Makes the request for a token, at this moment.
pub(super) fn token_request(proof: &Proof, now: SystemTime) -> Result<TokenRequest, NotSigned> {
    let form = |fields: &[(&str, &str)]| {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        TokenRequest { method: Method::POST, header: FORM, body: body.into() }
    };
    Ok(match proof {
        Proof::ServiceAccount(key) => {
            let issued_at = now.duration_since(UNIX_EPOCH).map_err(|_| NotSigned::Clock)?.as_secs();
            let assertion = key.assertion(issued_at).map_err(NotSigned::Key)?;
            form(&[("grant_type", JWT_BEARER), ("assertion", &assertion)])
        }
        // Source: RFC 6749, section 6.
        Proof::AuthorizedUser { client_id, client_secret, refresh_token } => form(&[
            ("grant_type", "refresh_token"),
            ("client_id", client_id),
            ("client_secret", client_secret.expose_secret()),
            ("refresh_token", refresh_token.expose_secret()),
        ]),
        Proof::Machine => TokenRequest { method: Method::GET, header: METADATA_FLAVOR, body: Bytes::new() },
    })
}
