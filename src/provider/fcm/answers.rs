//! What each answer of FCM means: a table, read by status and by the code of its `FcmError`.
//!
//! Source: Firebase, "FCM Error Codes"; the delays Firebase, "Best practices when sending FCM messages at
//! scale".

use std::time::Duration;

use super::error::ErrorBody;
use super::reply::ReplyBody;
use crate::provider::front::{by_front, unreadable};
use crate::provider::meaning::{
    Meaning, credential, every, fault, gone, healing, limited, ours, plain, unavailable, wrong_token,
};
use crate::provider::{Front502, Heal, Pace, Retry};
use crate::push::{Outcome, TokenAction};

/// The wait after a 429 that names none.
///
/// Source: Firebase, "Best practices when sending FCM messages at scale".
/// Every answer that FCM is known to give: the code of its `FcmError`, or else the status of Google's error object.
///
/// Sources: Firebase, "FCM Error Codes"; google/rpc/code.proto.
pub(super) fn known() -> Vec<(u16, &'static str)> {
    const KNOWN: &[(u16, &[&str])] = &[
        (200, &[""]),
        (400, &["INVALID_ARGUMENT", "FAILED_PRECONDITION", "UNSPECIFIED_ERROR"]),
        (401, &["", "THIRD_PARTY_AUTH_ERROR", "APNS_AUTH_ERROR", "UNAUTHENTICATED"]),
        (403, &["SENDER_ID_MISMATCH", "PERMISSION_DENIED"]),
        (404, &["UNREGISTERED", "NOT_FOUND"]),
        (429, &["QUOTA_EXCEEDED", "RESOURCE_EXHAUSTED"]),
        (500, &["INTERNAL", "UNSPECIFIED_ERROR"]),
        (502, &[]),
        (503, &["UNAVAILABLE"]),
        (504, &["DEADLINE_EXCEEDED"]),
    ];
    every(KNOWN)
}

const RATE_DELAY: Duration = Duration::from_secs(60);
/// The shortest wait after a 5xx, whatever wait it names.
///
/// Source: Firebase, "Best practices when sending FCM messages at scale".
pub(super) const SERVER_DELAY: Duration = Duration::from_secs(10);

/// The meaning of an answer. A code that is not in the table means what its status says.
pub(super) fn meaning(status: u16, body: &ReplyBody, live_activity_token: bool) -> Meaning {
    if status == 200 {
        return taken(body);
    }
    let Some(error) = body.error.as_deref() else { return foreign(status, body) };
    // APNs does not say which of the two tokens it means, and to delete one that lives is the worse mistake.
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
        )
        .of_credential(),
        (404, Some("UNREGISTERED")) => gone("the app instance is no longer registered"),
        (404, None) => {
            credential("FCM does not know the project; correct the app's project id").of_credential()
        }
        (429, Some("QUOTA_EXCEEDED") | None) => quota(error),
        (_, _) => by_status(status),
    }
}

/// The meaning of a 200. A message that was taken has a name; the status alone may come from something else.
///
/// Source: Firebase, "Method: projects.messages.send", response body.
fn taken(body: &ReplyBody) -> Meaning {
    if body.name.is_empty() {
        return unreadable(
            "the answer says 200 and names no message, which FCM always does; check what stands between",
        );
    }
    plain(Outcome::Accepted, TokenAction::Keep, "")
}

/// The meaning of an answer whose body is not FCM's. It says nothing about the token, the message or the credential.
fn foreign(status: u16, body: &ReplyBody) -> Meaning {
    match status {
        // FCM refuses an access token with a challenge and no body.
        401 if body.nothing => EXPIRED,
        // Google's own front answers 502 as well, and asks to try again. Source: Firebase, "FCM Error Codes".
        502 => by_status(502),
        _ => by_front(status, Front502::Unknown).unwrap_or_else(|| by_status(status)),
    }
}

const EXPIRED: Meaning = healing(
    Heal::Renew,
    "FCM did not take the access token; check the service account and the gateway's clock where this stays",
)
.of_credential();

/// The meaning of `INVALID_ARGUMENT`, which stands for a fault of the token, of the device behind it, or of the
/// message.
fn invalid_argument(error: &ErrorBody) -> Meaning {
    if error.apns_status == Some(410) {
        return gone("APNs says that the device token behind the registration token is gone");
    }
    if error.names_token || error.apns_token_is_dead() {
        return wrong_token("the registration token is not valid");
    }
    fault("FCM does not take the message")
}

/// The meaning of `QUOTA_EXCEEDED`. FCM names the quota in the violation's subject or sentence, in words that are not
/// fixed.
fn quota(error: &ErrorBody) -> Meaning {
    let about = |word| error.quota.to_ascii_lowercase().contains(word);
    let (pace, detail) = if about("device") {
        (Pace::Target, "too many messages to this device; send it fewer")
    } else if about("topic") {
        (Pace::Target, "too many messages to this topic; send it fewer")
    } else if about("project") {
        (Pace::Sender, "the project's quota of messages is used up; spread them, or ask Google for more")
    } else {
        (Pace::Target, "FCM asks to slow down")
    };
    limited(RATE_DELAY, pace, detail)
}

fn by_status(status: u16) -> Meaning {
    match status {
        401 | 403 => credential("FCM refuses the credential for a reason that is new to the gateway"),
        404 => {
            credential("FCM does not find what the request names, for a reason that is new to the gateway")
        }
        405 => ours("FCM does not take the method of the gateway's request; report it"),
        // The request was not received whole. Source: RFC 9110, section 15.5.9.
        408 => {
            unavailable(Retry::After(SERVER_DELAY), Heal::Nothing, "FCM did not wait for the whole request")
        }
        413 => {
            plain(Outcome::PayloadTooLarge, TokenAction::Keep, "the message is too large; make it smaller")
        }
        429 => limited(
            RATE_DELAY,
            Pace::Target,
            "FCM asks to slow down, for a reason that is new to the gateway",
        ),
        400..500 => fault("FCM does not take the message, for a reason that is new to the gateway"),
        500.. => unavailable(Retry::After(SERVER_DELAY), Heal::Nothing, "FCM failed, or is overloaded"),
        // A 2xx does not prove a refusal, so the message may have been taken.
        200..300 => unreadable(
            "the answer says that all is well, and not as FCM says it; check what stands between the gateway and FCM",
        ),
        0..400 => ours("the answer is none that FCM gives; check what stands between the gateway and FCM"),
    }
}
