//! What FCM HTTP v1 and Google's token endpoint check and what they answer.
//!
//! One address stands for `fcm.googleapis.com`, `oauth2.googleapis.com` and `iid.googleapis.com`, which the paths tell
//! apart. Another one stands for the metadata server of a machine at Google.

mod account;
mod auth;
mod condition;
mod control;
mod error;
mod google;
mod message;
mod metadata;
mod oauth;
mod quota;
mod rate;
mod refusal;
mod schema;
mod scripted;
mod send;
mod settings;
mod topics;

use http::Method;
use http::request::Parts;

pub use self::account::{AuthorizedUser, ServiceAccount};
pub use self::control::Fcm;
pub(super) use self::google::Google;
pub(super) use self::metadata::metadata;
pub use self::quota::Quota;
pub use self::rate::Rate;
pub use self::refusal::FcmRefusal;
pub use self::scripted::{FcmScriptedOutcome, FcmScriptedWord, fcm_scripted_words};
pub(super) use self::send::token_in;
pub use self::settings::FcmSettings;

use self::error::GoogleError;
use self::google::TOKEN_PATH;
use super::body::Body;
use super::decision::Decision;
use super::fault::Refusal;

/// Answers a request that was read in full.
pub(super) fn decide(google: &Google, parts: &Parts, body: &Body) -> Decision {
    let path = parts.uri.path();
    if path == TOKEN_PATH {
        return oauth::decide(google, parts, body);
    }
    if let Some(project) = send::project(path) {
        if parts.method != Method::POST {
            return not_found(path);
        }
        return send::decide(google, project, parts, body);
    }
    if let Some(subscription) = topics::subscription(path) {
        return topics::decide_one(google, &subscription, parts);
    }
    if path.starts_with(topics::PATH) && parts.method == Method::POST {
        return topics::decide(google, parts, body);
    }
    not_found(path)
}

/// Returns the answer that a fault asks for. The reason is the code of FCM, or at the token endpoint that of OAuth.
pub(super) fn scripted_answer(parts: &Parts, status: u16, reason: Option<&str>) -> Decision {
    match reason {
        None => Decision::new(status, error::JSON, ""),
        Some(reason) if parts.uri.path() == TOKEN_PATH => {
            oauth::refused(status, reason.to_owned(), "scripted")
        }
        Some(reason) => GoogleError::new(status, error::status_of(status), "scripted").fcm(reason).decision(),
    }
}

/// Whether FCM would call a message of the push proxy to a device too big.
pub(super) fn is_too_big(request: &serde_json::Value) -> bool {
    message::is_too_big(&request["message"])
}

/// Returns a refusal of this meaning, from FCM or, where a token is asked for, from OAuth.
pub(super) fn refuse(google: &Google, parts: &Parts, refusal: Refusal) -> Decision {
    let now_ms = google.clock.now_ms();
    let of_fcm =
        |word: &str| scripted::named(word).answer_to_push(Decision::new(200, error::JSON, ""), now_ms);
    match (refusal, parts.uri.path() == TOKEN_PATH) {
        (Refusal::Quota, true) => {
            oauth::refused(429, "rate_limit_exceeded".to_owned(), "Rate limit exceeded.")
        }
        // This is what Google says of a key that was deleted. Source: googleapis/google-auth-library-nodejs, its
        // issues.
        (Refusal::RevokedKey, true) => {
            oauth::refused(400, "invalid_grant".to_owned(), "Invalid JWT Signature.")
        }
        (Refusal::Unavailable, true) => oauth::refused(503, "backend_error".to_owned(), "Backend Error"),
        (Refusal::Internal, true) => oauth::refused(500, "internal_failure".to_owned(), "Internal failure."),
        (Refusal::Quota, false) => of_fcm("quota"),
        (Refusal::RevokedKey, false) => of_fcm("unauthenticated"),
        (Refusal::Unavailable, false) => of_fcm("unavailable"),
        (Refusal::Internal, false) => of_fcm("internal"),
    }
}

/// Returns the status of such a refusal from the metadata server, which has no words for it.
pub(super) fn metadata_status(refusal: Refusal) -> u16 {
    match refusal {
        Refusal::Quota => 429,
        Refusal::RevokedKey => 403,
        Refusal::Unavailable => 503,
        Refusal::Internal => 500,
    }
}

/// Google's front end answers an address that it does not know with a page instead of JSON.
fn not_found(path: &str) -> Decision {
    let page =
        format!("<!DOCTYPE html><html lang=en><title>Error 404 (Not Found)!!1</title><p>{path}</html>\n");
    Decision::new(404, error::HTML, page).with_reason("not found")
}
