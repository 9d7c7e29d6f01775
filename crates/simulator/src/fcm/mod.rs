//! What FCM HTTP v1 and Google's token endpoint check and what they answer.
//!
//! One address stands for `fcm.googleapis.com`, `oauth2.googleapis.com` and `iid.googleapis.com`,
//! which the paths tell apart; another for the metadata server of a machine at Google.

mod account;
mod auth;
mod condition;
mod control;
mod error;
mod fate;
mod message;
mod metadata;
mod oauth;
mod quota;
mod refusal;
mod schema;
mod send;
mod topics;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::OnceLock;
use std::time::Duration;

use http::Method;
use http::request::Parts;

pub use self::account::{AuthorizedUser, ServiceAccount};
pub use self::control::Fcm;
pub use self::fate::{FcmFate, FcmFateRow, fcm_fates};
pub(super) use self::metadata::metadata;
pub use self::quota::Quota;
pub use self::refusal::{FcmRefusal, RetryAfter};
pub(super) use self::send::token_in;

use self::account::Accounts;
use self::auth::Tokens;
use self::error::GoogleError;
use self::fate::RegistrationFates;
use self::quota::Quotas;
use self::topics::Topics;
use super::body::Body;
use super::decision::Decision;
use super::fault::Refusal;
use super::listener::origin;
use super::world::World;

/// The path of the token endpoint. Source: the key files of Google's service accounts.
const TOKEN_PATH: &str = "/token";

/// Settings of the stand-in for FCM.
#[derive(Clone, Debug)]
pub struct FcmSettings {
    /// Where FCM and the token endpoint listen. Default: a free port of 127.0.0.1.
    pub listen: SocketAddr,
    /// Where the metadata server listens. Default: a free port of 127.0.0.1.
    pub metadata_listen: SocketAddr,
    /// The projects that exist. Default `demo-project` and `other-project`.
    pub projects: Vec<String>,
    /// MAX_CONCURRENT_STREAMS. Default 100. Source: eladnava/fcm-v1-http2#8.
    pub max_concurrent_streams: u32,
    /// False: nothing newer than HTTP/1.1 is spoken, and ALPN says so. Default true.
    pub http2: bool,
    /// How long an access token is good, to the second. Default 3,599 s. Source: Google, "Using
    /// OAuth 2.0 for Server to Server Applications".
    pub token_lifetime: Duration,
}

impl Default for FcmSettings {
    fn default() -> Self {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            listen: any_port,
            metadata_listen: any_port,
            projects: vec!["demo-project".to_owned(), "other-project".to_owned()],
            max_concurrent_streams: 100,
            http2: true,
            token_lifetime: Duration::from_secs(3599),
        }
    }
}

/// What Google knows: projects, accounts, tokens, quotas.
pub(super) struct Google {
    settings: FcmSettings,
    accounts: Accounts,
    tokens: Tokens,
    fates: RegistrationFates,
    quotas: Quotas,
    topics: Topics,
    /// Set once the port is known.
    token_uri: OnceLock<String>,
}

impl Google {
    pub(super) fn new(settings: FcmSettings) -> Self {
        Self {
            accounts: Accounts::new(settings.projects.first().map_or("", String::as_str)),
            settings,
            tokens: Tokens::default(),
            fates: RegistrationFates::default(),
            quotas: Quotas::default(),
            topics: Topics::default(),
            token_uri: OnceLock::new(),
        }
    }

    pub(super) fn max_concurrent_streams(&self) -> u32 {
        self.settings.max_concurrent_streams
    }

    pub(super) fn speaks_http2(&self) -> bool {
        self.settings.http2
    }

    /// Called once, when the port is known.
    pub(super) fn listens_at(&self, address: SocketAddr) {
        let _ = self.token_uri.set(format!("{}{TOKEN_PATH}", origin(address)));
    }

    fn token_uri(&self) -> &str {
        self.token_uri.get().map_or("", String::as_str)
    }

    /// Gives a registration token a fate; none is the one that its word names.
    pub(super) fn set_fate(&self, token: &str, fate: Option<FcmFate>) {
        self.fates.set(token, fate);
    }

    /// Forgets all access tokens, and counts them.
    pub(super) fn revoke_tokens(&self) -> usize {
        self.tokens.revoke_all()
    }

    /// What becomes of a push to a registration token.
    pub(super) fn fate(&self, token: &str) -> FcmFate {
        self.fates.of(token)
    }
}

/// The answer to a request that was read in full.
pub(super) fn decide(world: &World, parts: &Parts, body: &Body) -> Decision {
    let path = parts.uri.path();
    if path == TOKEN_PATH {
        return oauth::decide(world, parts, body);
    }
    if let Some(project) = send::project(path) {
        if parts.method != Method::POST {
            return not_found(path);
        }
        return send::decide(world, project, parts, body);
    }
    if let Some(subscription) = topics::subscription(path) {
        return topics::decide_one(world, &subscription, parts);
    }
    if path.starts_with(topics::PATH) && parts.method == Method::POST {
        return topics::decide(world, parts, body);
    }
    not_found(path)
}

/// The answer that a script asks for. The reason is FCM's code; at the token endpoint it is OAuth's.
pub(super) fn told(parts: &Parts, status: u16, reason: Option<&str>) -> Decision {
    match reason {
        None => Decision::new(status, error::JSON, ""),
        Some(reason) if parts.uri.path() == TOKEN_PATH => {
            oauth::refused(status, reason.to_owned(), "scripted")
        }
        Some(reason) => GoogleError::new(status, error::status_of(status), "scripted").fcm(reason).decision(),
    }
}

/// Whether FCM would call a message too big that somebody else sends to a device.
pub(super) fn is_too_big(request: &serde_json::Value) -> bool {
    message::is_too_big(&request["message"])
}

/// A refusal by what it means, of FCM or, where a token is asked for, of OAuth.
pub(super) fn refuse(world: &World, parts: &Parts, refusal: Refusal) -> Decision {
    let now_ms = world.clock.now_ms();
    let of_fcm = |word: &str| fate::named(word).meet(Decision::new(200, error::JSON, ""), now_ms);
    match (refusal, parts.uri.path() == TOKEN_PATH) {
        (Refusal::Quota, true) => {
            oauth::refused(429, "rate_limit_exceeded".to_owned(), "Rate limit exceeded.")
        }
        // What Google says of a key that was deleted. Source: googleapis/google-auth-library-nodejs, its issues.
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

/// The same of the metadata server, which has no words for it.
pub(super) fn metadata_status(refusal: Refusal) -> u16 {
    match refusal {
        Refusal::Quota => 429,
        Refusal::RevokedKey => 403,
        Refusal::Unavailable => 503,
        Refusal::Internal => 500,
    }
}

/// Google's front end answers an address that it does not know with a page, not with JSON.
fn not_found(path: &str) -> Decision {
    let page =
        format!("<!DOCTYPE html><html lang=en><title>Error 404 (Not Found)!!1</title><p>{path}</html>\n");
    Decision::new(404, error::HTML, page).because("not found")
}
