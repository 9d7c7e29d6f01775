//! What a Mattermost server is answered. Its status is always 200: current servers take any other for a failure of the proxy,
//! and read no further.
//!
//! Source: github.com/mattermost/mattermost, `server/public/model/push_response.go` and
//! `server/channels/app/notification_push.go`.

use std::borrow::Cow;

use bytes::Bytes;

use super::said;
use crate::desk::NoRoom;
use crate::push::{Outcome, PushResult, TokenAction};

/// What became of a push, as a server understands it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PushResponse {
    /// The push service took it.
    Ok,
    /// The device is gone. The server sends it nothing until its user logs in again.
    Remove,
    /// Something else. The server writes these words to its log, and does nothing more.
    Fail(Cow<'static, str>),
}

impl PushResponse {
    /// The response that tells of a result.
    ///
    /// Only a device that was registered and is gone is removed. What was never valid here may be the fault of the
    /// configuration: a wrong environment, topic or project makes it look so for every device, before any guard can know.
    pub(super) fn of(result: PushResult) -> Self {
        match (result.outcome, result.token_action) {
            (Outcome::Accepted | Outcome::Validated, _) => Self::Ok,
            (Outcome::Unregistered, TokenAction::Delete) => Self::Remove,
            (Outcome::Unregistered, TokenAction::Keep | TokenAction::Quarantine)
            | (
                Outcome::InvalidToken
                | Outcome::InvalidPush
                | Outcome::PayloadTooLarge
                | Outcome::Credential
                | Outcome::RateLimited
                | Outcome::UpstreamUnavailable
                | Outcome::Internal
                | Outcome::Unconfirmed
                | Outcome::NotAttempted,
                _,
            ) => Self::Fail(words(result)),
        }
    }

    /// The response where the gateway has no room for a push.
    pub(super) fn no_room(why: NoRoom) -> Self {
        Self::Fail(Cow::Borrowed(match why {
            NoRoom::Full(_) => "the gateway has no room for another push (limits.max_in_flight)",
            NoRoom::OverBudget => "the gateway has no room for the bytes of the push (limits.max_held_bytes)",
            NoRoom::Draining => "the gateway is shutting down",
            NoRoom::OverRate(_) => "the caller is over its pushes_per_second",
        }))
    }

    /// The number of its name in [`PushResponse::NAMES`].
    pub(super) fn number(&self) -> usize {
        match self {
            Self::Ok => 0,
            Self::Remove => 1,
            Self::Fail(_) => 2,
        }
    }

    /// What metrics call them.
    pub(super) const NAMES: [&'static str; 3] = ["ok", "remove", "fail"];

    /// The body: an object with its keys in alphabetical order, and a line feed.
    pub(super) fn body(self) -> Bytes {
        #[derive(serde::Serialize)]
        struct Fail<'a> {
            error: &'a str,
            status: &'static str,
        }
        match self {
            Self::Ok => Bytes::from_static(b"{\"status\":\"OK\"}\n"),
            Self::Remove => Bytes::from_static(b"{\"status\":\"REMOVE\"}\n"),
            Self::Fail(error) => {
                let mut body = said::json(&Fail { error: &error, status: "FAIL" });
                body.push('\n');
                body.into()
            }
        }
    }
}

/// Why a push was not delivered, as a server writes it to its log.
fn words(result: PushResult) -> Cow<'static, str> {
    let PushResult { outcome, detail, upstream_reason, .. } = result;
    match (upstream_reason.is_empty(), detail.is_empty()) {
        (true, true) => Cow::Borrowed(outcome.name()),
        (true, false) => detail,
        (false, true) => upstream_reason.into(),
        (false, false) => format!("{upstream_reason}: {detail}").into(),
    }
}
