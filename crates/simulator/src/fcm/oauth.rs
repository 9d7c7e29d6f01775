//! Answers as the token endpoint. Its errors are those of RFC 6749, not of google.rpc.
//!
//! Source: Google, "Using OAuth 2.0 for Server to Server Applications"; RFC 6749, 5.2 and 6; RFC 7523, 2.1. The
//! descriptions are those that clients report.

use std::borrow::Cow;
use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use http::request::Parts;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde_json::json;

use super::auth::{TokenResponse, known_scopes};
use super::error::JSON;
use super::google::Google;
use crate::body::Body;
use crate::decision::Decision;
use crate::jwt;

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The audience that Google's own libraries write, whatever the key file says.
const GOOGLE_TOKEN_URI: &str = "https://oauth2.googleapis.com/token";

/// The longest life of an assertion, in seconds.
const MAX_LIFE_S: u64 = 3600;

/// The clock skew that is tolerated, in seconds. Reports say "a few minutes".
const SKEW_S: u64 = 300;

const NOT_SHORT_LIVED: &str = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable \
timeframe. Check your iat and exp values in the JWT claim.";

#[derive(Deserialize)]
struct JoseHeader {
    alg: String,
    kid: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    scope: Option<String>,
    #[serde(deserialize_with = "jwt::numeric_date")]
    iat: u64,
    #[serde(deserialize_with = "jwt::numeric_date")]
    exp: u64,
}

type Form = HashMap<String, String>;

pub(super) fn decide(google: &Google, parts: &Parts, body: &Body) -> Decision {
    if parts.method != Method::POST {
        return refused(404, "invalid_request", "not a POST");
    }
    let form: Form = form_urlencoded::parse(&body.bytes).into_owned().collect();
    let granted = match form.get("grant_type").map(String::as_str) {
        Some(JWT_BEARER) => assertion(google, &form),
        Some("refresh_token") => refresh(google, &form),
        Some(other) => {
            Err(oauth_error(400, "unsupported_grant_type", format!("Invalid grant_type: {other}")))
        }
        None => Err(oauth_error(400, "invalid_request", "Required parameter is missing: grant_type")),
    };
    match granted {
        Ok(issued) => answer(&issued),
        Err(OauthError { status, error, description }) => refused(status, error, &description),
    }
}

/// An error of RFC 6749.
struct OauthError {
    status: u16,
    error: &'static str,
    description: Cow<'static, str>,
}

fn oauth_error(status: u16, error: &'static str, description: impl Into<Cow<'static, str>>) -> OauthError {
    OauthError { status, error, description: description.into() }
}

fn invalid_grant(description: &'static str) -> OauthError {
    oauth_error(400, "invalid_grant", description)
}

/// Makes the answer that carries an error.
pub(super) fn refused(status: u16, error: impl Into<Cow<'static, str>>, description: &str) -> Decision {
    let error = error.into();
    let body = json!({ "error": error, "error_description": description }).to_string();
    Decision::new(status, JSON, body).with_reason(error)
}

/// Makes the answer that carries a token.
pub(super) fn answer(issued: &TokenResponse) -> Decision {
    let body = json!({
        "access_token": issued.access_token,
        "expires_in": issued.expires_in_s,
        "token_type": "Bearer",
    });
    Decision::new(200, JSON, body.to_string())
}

fn assertion(google: &Google, form: &Form) -> Result<TokenResponse, OauthError> {
    let jwt = form
        .get("assertion")
        .ok_or_else(|| oauth_error(400, "invalid_request", "Missing required parameter: assertion"))?;
    let malformed = || invalid_grant("Bad Request");
    let (signed, signature) = jwt.rsplit_once('.').ok_or_else(malformed)?;
    let (header, claims) = signed.split_once('.').ok_or_else(malformed)?;
    let header: JoseHeader = decode(header).ok_or_else(malformed)?;
    let claims: Claims = decode(claims).ok_or_else(malformed)?;

    let key = google.accounts.key(&claims.iss);
    let key = key.ok_or_else(|| invalid_grant("Invalid grant: account not found"))?;
    let good = header.alg == "RS256"
        && header.kid.is_none_or(|kid| kid == key.id)
        && jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &key.public, Algorithm::RS256)
            .unwrap_or(false);
    if !good {
        return Err(invalid_grant("Invalid JWT Signature."));
    }
    if key.account.is_disabled() {
        return Err(oauth_error(401, "disabled_client", "The OAuth client was disabled."));
    }
    if claims.aud != google.token_uri() && claims.aud != GOOGLE_TOKEN_URI {
        return Err(invalid_grant("Invalid JWT: Failed audience check."));
    }
    let now_s = google.clock.now_s();
    let short = claims.exp >= claims.iat && claims.exp - claims.iat <= MAX_LIFE_S;
    if !short || claims.iat > now_s + SKEW_S || claims.exp.saturating_add(SKEW_S) < now_s {
        return Err(invalid_grant(NOT_SHORT_LIVED));
    }
    let scopes: Vec<String> =
        claims.scope.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    if !known_scopes(&scopes) {
        let description = "Invalid OAuth scope or ID token audience provided.";
        return Err(oauth_error(400, "invalid_scope", description));
    }
    Ok(google.tokens.issue(&key.account, scopes))
}

fn refresh(google: &Google, form: &Form) -> Result<TokenResponse, OauthError> {
    let field = |name: &str| form.get(name).map_or("", String::as_str);
    let accounts = &google.accounts;
    if !accounts.has_client(field("client_id")) {
        return Err(oauth_error(401, "invalid_client", "The OAuth client was not found."));
    }
    let user = accounts.user(field("refresh_token")).filter(|user| user.client_id == field("client_id"));
    let gone = || invalid_grant("Token has been expired or revoked.");
    let user = user.filter(|user| !user.is_revoked()).ok_or_else(gone)?;
    if user.client_secret != field("client_secret") {
        return Err(oauth_error(401, "invalid_client", "Unauthorized"));
    }
    let scopes = vec!["https://www.googleapis.com/auth/cloud-platform".to_owned()];
    Ok(google.tokens.issue(&user.account, scopes))
}

fn decode<T: for<'a> Deserialize<'a>>(part: &str) -> Option<T> {
    // Padding is wrong, but some clients write it.
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?).ok()
}
