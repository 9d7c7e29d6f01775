//! What a token endpoint answers. Reading an answer never fails, whatever its bytes are.

use std::fmt::Write as _;
use std::time::Duration;

use fanfare_upstream::Reply;
use http::StatusCode;

use super::source::Endpoint;
use crate::credential::NoToken;
use crate::credential::stamp::Authorization;

/// The longest part of the endpoint's own words that is repeated, in characters.
const MAX_WORDS: usize = 256;

/// The longest lifetime that is believed: Google gives an hour, twelve by request.
///
/// Source: Google, "Create short-lived credentials for a service account".
const MAX_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// A token that was granted.
#[derive(Debug, PartialEq)]
pub(super) struct Granted {
    /// The value of `authorization`.
    pub(super) authorization: Authorization,
    /// How long the token is good, from now on.
    pub(super) lifetime: Duration,
}

/// Source: RFC 6749, section 5.1.
#[derive(serde::Deserialize)]
struct TokenResponse {
    access_token: String,
    token_type: String,
    /// The lifetime in seconds.
    expires_in: u64,
}

/// Source: RFC 6749, section 5.2.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct ErrorResponse {
    error: String,
    error_description: String,
}

/// Reads the token of an answer, or why it brings none.
pub(super) fn read(reply: &Reply, endpoint: &Endpoint) -> Result<Granted, NoToken> {
    let status = reply.status;
    if status == StatusCode::OK {
        return token(&reply.body).ok_or_else(|| {
            NoToken::Unavailable(
                format!("no access token from {endpoint}: status 200, and no token that can be read").into(),
            )
        });
    }
    let words = endpoint_words(&reply.body);
    // Too many requests are not the fault of the credential.
    if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS {
        return Err(NoToken::Refused(
            format!("{endpoint} refuses the credential with status {}{words}", status.as_u16()).into(),
        ));
    }
    let why = format!("no access token from {endpoint}: status {}{words}", status.as_u16());
    Err(NoToken::Unavailable(why.into()))
}

fn token(body: &[u8]) -> Option<Granted> {
    let TokenResponse { access_token, token_type, expires_in } = serde_json::from_slice(body).ok()?;
    let lifetime = Duration::from_secs(expires_in).min(MAX_LIFETIME);
    if access_token.is_empty() || lifetime.is_zero() || !token_type.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let authorization = Authorization::try_new(format!("Bearer {access_token}")).ok()?;
    Some(Granted { authorization, lifetime })
}

/// What the endpoint says is wrong, behind a colon. The text is empty where the endpoint does not say.
fn endpoint_words(body: &[u8]) -> String {
    let ErrorResponse { error, error_description } = serde_json::from_slice(body).unwrap_or_default();
    let mut words = String::new();
    for part in [error, error_description] {
        let shown: String = part.chars().filter(|c| !c.is_control()).take(MAX_WORDS).collect();
        if !shown.is_empty() {
            // Writing to a string does not fail.
            let _ = write!(words, ": {shown}");
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn told(status: u16, body: &str) -> Result<Granted, NoToken> {
        let (status, body) = (StatusCode::from_u16(status).unwrap(), Bytes::copy_from_slice(body.as_bytes()));
        read(
            &Reply { status, body, ..Reply::default() },
            &"https://oauth2.googleapis.com/token".parse().unwrap(),
        )
    }

    #[test]
    fn a_token_is_read_and_kept_out_of_sight() {
        let granted =
            told(200, r#"{"access_token":"ya29.a","expires_in":3599,"token_type":"Bearer"}"#).unwrap();
        assert_eq!((granted.authorization.as_str(), granted.lifetime.as_secs()), ("Bearer ya29.a", 3599));
        assert!(!format!("{granted:?}").contains("ya29"));
    }

    #[test]
    fn refusals_are_told_in_the_endpoints_words() {
        let body = r#"{"error":"invalid_grant","error_description":"Invalid JWT Signature."}"#;
        let refused = |words: &str| {
            let sentence = format!("https://oauth2.googleapis.com/token refuses the credential with {words}");
            Err(NoToken::Refused(sentence.into()))
        };
        assert_eq!(told(400, body), refused("status 400: invalid_grant: Invalid JWT Signature."));
        assert_eq!(told(401, r#"{"error":"invalid_client"}"#), refused("status 401: invalid_client"));
        assert_eq!(told(404, "<html>"), refused("status 404"));
        let long = format!(r#"{{"error":"{}\n"}}"#, "x".repeat(1000));
        assert_eq!(told(400, &long), refused(&format!("status 400: {}", "x".repeat(MAX_WORDS))));
    }

    #[test]
    fn failures_and_what_cannot_be_read_are_no_fault_of_the_credential() {
        let rows = [
            (503, "", "status 503"),
            (500, r#"{"error":"internal_failure"}"#, "status 500: internal_failure"),
            (429, "", "status 429"),
            (302, "", "status 302"),
            (200, "<html>", "status 200, and no token that can be read"),
            (
                200,
                r#"{"access_token":"","expires_in":1,"token_type":"Bearer"}"#,
                "status 200, and no token that can be read",
            ),
            (
                200,
                r#"{"access_token":"a","expires_in":0,"token_type":"Bearer"}"#,
                "status 200, and no token that can be read",
            ),
            (
                200,
                r#"{"access_token":"a\nb","expires_in":9,"token_type":"Bearer"}"#,
                "status 200, and no token that can be read",
            ),
            (
                200,
                r#"{"access_token":"a","expires_in":9,"token_type":"mac"}"#,
                "status 200, and no token that can be read",
            ),
        ];
        for (status, body, words) in rows {
            let sentence = format!("no access token from https://oauth2.googleapis.com/token: {words}");
            assert_eq!(told(status, body), Err(NoToken::Unavailable(sentence.into())), "{status} {body}");
        }
    }
}
