//! What the sentence means by which a push proxy says that a push failed.
//!
//! Source: github.com/mattermost/mattermost-push-proxy, `server/`, and recordings of 6.5.0; for what it says of FCM
//! github.com/firebase/firebase-admin-go, `internal/errors.go` and `internal/http_client.go`, whose errors it passes
//! on, and Firebase, "FCM Error Codes", for FCM's own sentences.

use std::time::Duration;

use crate::provider::front::doubt;
use crate::provider::meaning::{Meaning, credential, fault, limited, ours, plain, unavailable, wrong_token};
use crate::provider::words::{is_page, title};
use crate::provider::{Heal, Pace, Retry};
use crate::push::{Outcome, TokenAction};

/// The wait after the proxy failed, or the push service behind it. The proxy names none, so the number is the gateway's
/// own.
pub(super) const FAILED_DELAY: Duration = Duration::from_secs(10);
/// The wait after FCM's quota was used up.
///
/// Source: Firebase, "Best practices when sending FCM messages at scale".
const QUOTA_DELAY: Duration = Duration::from_secs(60);

pub(super) fn by_sentence(error: &str) -> Meaning {
    let known = TABLE.iter().find(|(sentences, _)| sentences.iter().any(|sentence| sentence.begins(error)));
    match (known, status_of_fcm(error)) {
        (Some((_, meaning)), _) => *meaning,
        (None, Some(status)) => by_status_of_fcm(status),
        // A sentence that is not known does not prove that the push was not delivered.
        (None, None) => doubt(
            Retry::After(FAILED_DELAY),
            "the proxy failed in words that are new to the gateway, and may have passed the push on",
        ),
    }
}

/// How a sentence is known.
enum Sentence {
    /// It consists of these words.
    Is(&'static str),
    /// It begins with these words.
    Begins(&'static str),
    /// It begins with the first words, and the second follow somewhere.
    Has(&'static str, &'static str),
}
use Sentence::{Begins, Has, Is};

impl Sentence {
    fn begins(&self, error: &str) -> bool {
        match self {
            Is(words) => error == *words,
            Begins(words) => error.starts_with(words),
            Has(begin, inside) => error.strip_prefix(begin).is_some_and(|rest| rest.contains(inside)),
        }
    }
}

const HTTP_CALL: &str = "unknown error while making an http call: ";

/// The sentences and their meanings. The first row that fits counts.
const TABLE: &[(&[Sentence], Meaning)] = &[
    // Before it calls FCM the proxy fetches an access token. Where that is refused nothing is sent.
    // Source: golang.org/x/oauth2, `Transport.RoundTrip` and `RetrieveError.Error`.
    (
        &[
            Has(HTTP_CALL, "oauth2: cannot fetch token: 400"),
            Has(HTTP_CALL, "oauth2: cannot fetch token: 401"),
            Has(HTTP_CALL, "oauth2: cannot fetch token: 403"),
            Has(HTTP_CALL, "oauth2: \"invalid_"),
            Has(HTTP_CALL, "oauth2: \"unauthorized_client\""),
        ],
        credential("Google does not take the key of the proxy's service account; correct it there"),
    ),
    // The proxy wrote the push, up to three times (to FCM five times), and received no whole answer.
    (
        &[
            Is("unknown transport error"),
            Is("context deadline exceeded"),
            Begins("timed out while making an http call: "),
            Begins(HTTP_CALL),
        ],
        doubt(
            Retry::After(FAILED_DELAY),
            "the proxy wrote the push to the push service, and had no answer that it could read",
        ),
    ),
    (
        &[Begins("failed to establish a connection: ")],
        failed("the proxy could not reach the push service behind it"),
    ),
    // APNs answered. The statuses 403, 413, 429 and 5xx all become this one sentence.
    (
        &[Is("unknown send response error")],
        failed("the push service behind the proxy refused the push; the proxy's log says why"),
    ),
    (
        &[Begins("Failed because of missing "), Begins("Did not send message because of missing platform ")],
        fault("the proxy does not take the push; check the device id's platform and the server id")
            .at("target.mattermost"),
    ),
    (
        &[Begins("Failed to read message body: ")],
        ours("the proxy could not read the gateway's request; report it"),
    ),
    // The sentences from here on are FCM's own, which the proxy passes on.
    (
        &[Begins("The registration token is not a valid FCM registration token")],
        wrong_token("FCM behind the proxy says that the registration token is not valid")
            .at("target.mattermost.device_id"),
    ),
    (
        &[
            Begins("Auth error from APNS or Web Push Service"),
            Begins("Request had invalid authentication credentials"),
            Begins("Request is missing required authentication credential"),
            Begins("Permission '"),
            Begins("The caller does not have permission"),
            Begins("Firebase Cloud Messaging API has not been used in project "),
            Has("", " API has not been used in project "),
            // About a token FCM says more, and then the proxy says REMOVE.
            Begins("Requested entity was not found"),
        ],
        credential(
            "FCM does not let the proxy send; correct the proxy's Firebase project, its role and its keys",
        ),
    ),
    (
        &[
            Begins("Quota exceeded"),
            Begins("Resource has been exhausted"),
            Begins("RESOURCE_EXHAUSTED"),
            Begins("Message rate exceeded"),
            Begins("Device message rate exceeded"),
            Begins("Topics message rate exceeded"),
        ],
        limited(QUOTA_DELAY, Pace::Target, "FCM behind the proxy asks to slow down"),
    ),
    (
        &[
            Begins("The service is currently unavailable"),
            Begins("Internal error"),
            Begins("Visibility check was unavailable"),
            Begins("The server encountered "),
        ],
        failed("FCM behind the proxy failed, or is overloaded"),
    ),
    (
        &[Has("", "essage is too big")],
        plain(Outcome::PayloadTooLarge, TokenAction::Keep, "the push is over FCM's limit; make it smaller")
            .at("content"),
    ),
    (
        &[
            Begins("Invalid value at "),
            Begins("Invalid value for "),
            Begins("Invalid JSON payload received"),
            Begins("Request contains an invalid argument"),
            Begins("Topic name is malformed"),
            Begins("Invalid data payload key"),
        ],
        fault("FCM behind the proxy does not take what the proxy made of the push"),
    ),
];

const fn failed(detail: &'static str) -> Meaning {
    unavailable(Retry::After(FAILED_DELAY), Heal::Nothing, detail)
}

/// The status of an answer of FCM's that was not JSON. The proxy passes on its page, or a sentence with its status.
fn status_of_fcm(error: &str) -> Option<u16> {
    let said = if is_page(error.as_bytes()) {
        title(error)?
    } else {
        error.strip_prefix("unexpected http response with status: ")?.to_owned()
    };
    // Examples are "Error 502 (Server Error)!!1" and "503 Service Unavailable".
    let mut numbers = said.split(|character: char| !character.is_ascii_digit());
    numbers.find(|number| number.len() == 3)?.parse().ok()
}

fn by_status_of_fcm(status: u16) -> Meaning {
    match status {
        401 => credential("FCM does not take the proxy's access token; check the proxy's service account"),
        429 => limited(QUOTA_DELAY, Pace::Target, "FCM behind the proxy asks to slow down"),
        400..500 => unavailable(
            Retry::After(QUOTA_DELAY),
            Heal::Nothing,
            "something between the proxy and FCM refused the push in FCM's place",
        ),
        500 | 502 | 503 => failed("FCM behind the proxy failed, or is overloaded"),
        _ => doubt(
            Retry::After(FAILED_DELAY),
            "something between the proxy and FCM may have passed the push on",
        ),
    }
}
