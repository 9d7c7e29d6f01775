//! What each answer of FCM means: a table, read by status and by the code of its `FcmError`.
//!
//! Source: Firebase, "FCM Error Codes"; the delays Firebase, "Best practices when sending FCM messages at
//! scale".

use std::time::Duration;

use super::error::ErrorBody;
use super::response::Said;
use crate::provider::front::{by_front, unreadable};
use crate::provider::meaning::{
    Meaning, credential, fault, gone, healing, limited, ours, plain, unavailable, wrong_token,
};
use crate::provider::{Front502, Heal, Retry};
use crate::push::{Outcome, TokenAction};

/// The wait after a 429 that names none.
const RATE_DELAY: Duration = Duration::from_secs(60);
/// The shortest wait after a 5xx, whatever it names.
pub(super) const SERVER_DELAY: Duration = Duration::from_secs(10);

/// The meaning of an answer; a code that is not in the table means what its status says.
pub(super) fn meaning(status: u16, said: &Said, live_activity_token: bool) -> Meaning {
    if status == 200 {
        return taken(said);
    }
    let Some(error) = said.error.as_deref() else { return foreign(status, said) };
    // Which of the two tokens APNs means is not said, and to delete one that lives is the worse mistake.
    if live_activity_token && matches!(status, 400 | 404) && error.apns_token_is_dead() {
        return fault(
            "APNs does not know the Live Activity's token (any more); change content.fcm.live_activity_token",
        );
    }
    match (status, error.fcm_code.as_deref()) {
        (400, Some("INVALID_ARGUMENT") | None) => invalid_argument(error),
        (401, Some("THIRD_PARTY_AUTH_ERROR" | "APNS_AUTH_ERROR")) => credential(
            "the key for APNs or Web Push in the Firebase project is not valid; correct it in the Firebase console",
        ),
        (401, None) => EXPIRED,
        (403, Some("SENDER_ID_MISMATCH")) => wrong_token("the registration token belongs to another sender"),
        (403, None) => credential(
            "the service account may not send for this project; grant it the role, and enable the API",
        ),
        (404, Some("UNREGISTERED")) => gone("the app instance is no longer registered"),
        (404, None) => credential("FCM does not know the project; correct the app's project id"),
        (429, Some("QUOTA_EXCEEDED") | None) => quota(error),
        (_, _) => by_status(status),
    }
}

/// A message that was taken has a name; a status alone may be anybody's.
///
/// Source: Firebase, "Method: projects.messages.send", response body.
fn taken(said: &Said) -> Meaning {
    if said.name.is_empty() {
        return unreadable(
            "the answer says 200 and names no message, which FCM always does; check what stands between",
        );
    }
    plain(Outcome::Accepted, TokenAction::Keep, "")
}

/// A page, or another body that is not FCM's, says nothing about the token, the message or the credential.
fn foreign(status: u16, said: &Said) -> Meaning {
    match status {
        // A challenge without a body.
        401 if said.nothing => EXPIRED,
        // Google's own front answers 502 as well, and asks to try again. Source: Firebase, "FCM Error Codes".
        502 => by_status(502),
        _ => by_front(status, Front502::Unknown).unwrap_or_else(|| by_status(status)),
    }
}

const EXPIRED: Meaning = healing(
    Heal::Renew,
    "FCM did not take the access token; check the service account and the gateway's clock where this stays",
);

/// One code for many faults: of the token, of the device behind it, of the message.
fn invalid_argument(error: &ErrorBody) -> Meaning {
    if error.apns_status == Some(410) {
        return gone("APNs says that the device token behind the registration token is gone");
    }
    if error.names_token || error.apns_token_is_dead() {
        return wrong_token("the registration token is not valid");
    }
    fault("FCM does not take the message")
}

/// Which quota it is, FCM says in the violation's subject or sentence, in words that are not fixed.
fn quota(error: &ErrorBody) -> Meaning {
    let about = |word| error.quota.to_ascii_lowercase().contains(word);
    let detail = if about("device") {
        "too many messages to this device; send it fewer"
    } else if about("topic") {
        "too many messages to this topic; send it fewer"
    } else if about("project") {
        "the project's quota of messages is used up; spread them, or ask Google for more"
    } else {
        "FCM asks to slow down"
    };
    limited(RATE_DELAY, Heal::Nothing, detail)
}

fn by_status(status: u16) -> Meaning {
    match status {
        401 | 403 => credential("FCM refuses the credential for a reason that is new to the gateway"),
        404 => {
            credential("FCM does not find what the request names, for a reason that is new to the gateway")
        }
        405 => ours("FCM does not take the method of the gateway's request; report it"),
        // Source: RFC 9110, section 15.5.9: it was not received whole.
        408 => {
            unavailable(Retry::After(SERVER_DELAY), Heal::Nothing, "FCM did not wait for the whole request")
        }
        413 => {
            plain(Outcome::PayloadTooLarge, TokenAction::Keep, "the message is too large; make it smaller")
        }
        429 => limited(
            RATE_DELAY,
            Heal::Nothing,
            "FCM asks to slow down, for a reason that is new to the gateway",
        ),
        400..500 => fault("FCM does not take the message, for a reason that is new to the gateway"),
        500.. => unavailable(Retry::After(SERVER_DELAY), Heal::Nothing, "FCM failed, or is overloaded"),
        // A 2xx proves no refusal: the message may have been taken.
        200..300 => unreadable(
            "the answer says that all is well, and not as FCM says it; check what stands between the gateway and FCM",
        ),
        0..400 => ours("the answer is none that FCM gives; check what stands between the gateway and FCM"),
    }
}
