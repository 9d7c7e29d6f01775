//! Decides what becomes of pushes to a registration token.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use super::error::HTML;
use super::refusal::FcmRefusal;
use crate::decision::{Decision, Timing};
use crate::retry_after::RetryAfter;
use crate::sync::lock;

/// How long the answer to a slow token takes.
const SLOW: Duration = Duration::from_secs(2);

/// What FCM does with a push to a registration token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FcmScriptedOutcome {
    /// The push is accepted with 200.
    Good,
    /// The push is refused like this.
    Refused(FcmRefusal),
    /// A front end could not reach FCM, and answers with this status and a page.
    Page(u16),
    /// The push is accepted with 200 after this long.
    Slow(Duration),
    /// The push is never answered.
    Silent,
}

impl FcmScriptedOutcome {
    /// Answers a valid push; `accepted` is the answer to a good token.
    pub(super) fn answer_to_push(self, accepted: Decision, now_ms: u64) -> Decision {
        match self {
            Self::Good => accepted,
            Self::Refused(refusal) => refusal.decision(now_ms),
            Self::Page(status) => {
                let page =
                    format!("<html><title>Error {status}</title>The server encountered an error.</html>\n");
                Decision::new(status, HTML, page).with_reason("a page")
            }
            Self::Slow(delay) => Decision { timing: Timing::After(delay), ..accepted },
            Self::Silent => Decision { timing: Timing::Never, ..accepted },
        }
    }
}

/// A word at the start of registration tokens, and the outcome that it scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FcmScriptedWord {
    /// The word that stands before the first colon of the token.
    pub word: &'static str,
    /// What becomes of a push.
    pub outcome: FcmScriptedOutcome,
    /// What becomes of a push, in words.
    pub description: &'static str,
}

const fn refused(word: &'static str, refusal: FcmRefusal, description: &'static str) -> FcmScriptedWord {
    FcmScriptedWord { word, outcome: FcmScriptedOutcome::Refused(refusal), description }
}

const fn row(word: &'static str, outcome: FcmScriptedOutcome, description: &'static str) -> FcmScriptedWord {
    FcmScriptedWord { word, outcome, description }
}

const NOT_FOUND: FcmRefusal = FcmRefusal::new(404, "NOT_FOUND", "Requested entity was not found.");
const INVALID: FcmRefusal =
    FcmRefusal::new(400, "INVALID_ARGUMENT", "The registration token is not a valid FCM registration token");
const AUTH: FcmRefusal = FcmRefusal::new(401, "UNAUTHENTICATED", "Auth error from APNS or Web Push Service");
const OVER: FcmRefusal = FcmRefusal::new(429, "RESOURCE_EXHAUSTED", "Message rate exceeded.");
const DOWN: FcmRefusal = FcmRefusal::new(503, "UNAVAILABLE", "The service is currently unavailable.");

/// Source of statuses, codes and shapes: Google, "FCM Error Codes". Those with an ApnsError are as senders report
/// them.
const SCRIPTED: [FcmScriptedWord; 25] = [
    refused("unregistered", NOT_FOUND.code("UNREGISTERED"), "the app was removed"),
    refused(
        "unregistered-ios",
        NOT_FOUND.code("UNREGISTERED").apns(410, "Unregistered"),
        "the same of an iOS app: APNs' answer is in the details",
    ),
    refused(
        "disabled-ios",
        FcmRefusal::new(400, "INVALID_ARGUMENT", "APNs device token is disabled.")
            .code("INVALID_ARGUMENT")
            .apns(410, "Unregistered"),
        "an iOS app that was removed, behind an invalid argument",
    ),
    refused("invalid", INVALID.code("INVALID_ARGUMENT"), "not a token of FCM"),
    refused("malformed", INVALID.field("message.token"), "the same, told by the field alone"),
    refused(
        "bad-argument",
        FcmRefusal::new(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")
            .code("INVALID_ARGUMENT"),
        "something in the message, nothing says what",
    ),
    refused(
        "mismatch",
        FcmRefusal::new(403, "PERMISSION_DENIED", "SenderId mismatch").code("SENDER_ID_MISMATCH"),
        "a token of another sender",
    ),
    refused(
        "apns-auth",
        AUTH.code("THIRD_PARTY_AUTH_ERROR").apns(403, "InvalidProviderToken"),
        "the APNs key of the project is bad",
    ),
    refused("apns-auth-old", AUTH.code("APNS_AUTH_ERROR"), "the same under its old name"),
    refused(
        "unauthenticated",
        FcmRefusal::new(401, "UNAUTHENTICATED", "Request had invalid authentication credentials."),
        "as if the access token were bad",
    ),
    refused(
        "disabled-api",
        FcmRefusal::new(403, "PERMISSION_DENIED", "Firebase Cloud Messaging API is disabled.")
            .info("SERVICE_DISABLED"),
        "as if the project had not enabled FCM",
    ),
    refused("not-found", NOT_FOUND, "404 that is not about the token"),
    refused(
        "quota",
        OVER.code("QUOTA_EXCEEDED").quota("project:demo-project", RetryAfter::Absent),
        "too many for the project, no Retry-After",
    ),
    refused(
        "quota-device",
        OVER.code("QUOTA_EXCEEDED").quota("device", RetryAfter::Seconds(7)),
        "too many for the device, Retry-After in seconds",
    ),
    refused(
        "quota-topic",
        OVER.code("QUOTA_EXCEEDED").quota("topic", RetryAfter::Date(9)),
        "too many for a topic, Retry-After as a date",
    ),
    refused("exhausted", OVER, "429 without FCM's code"),
    refused(
        "internal",
        FcmRefusal::new(500, "INTERNAL", "Internal error encountered.").code("INTERNAL"),
        "FCM fails",
    ),
    refused("unavailable", DOWN.code("UNAVAILABLE"), "FCM is overloaded"),
    refused(
        "unavailable-wait",
        FcmRefusal { retry_after: RetryAfter::Seconds(5), ..DOWN.code("UNAVAILABLE") },
        "the same, with Retry-After",
    ),
    refused(
        "unspecified",
        FcmRefusal::new(500, "UNKNOWN", "Unknown error.").code("UNSPECIFIED_ERROR"),
        "nothing more is known",
    ),
    refused(
        "new-code",
        FcmRefusal::new(400, "FAILED_PRECONDITION", "Something new.").code("SOMETHING_NEW"),
        "a code that nobody knows yet",
    ),
    row("page-502", FcmScriptedOutcome::Page(502), "a page of the front end"),
    row("page-503", FcmScriptedOutcome::Page(503), "the same, overloaded"),
    row("late", FcmScriptedOutcome::Slow(SLOW), "answered after 2 seconds"),
    row("deaf", FcmScriptedOutcome::Silent, "never answered"),
];

/// Returns the words that script an outcome when they stand before the first colon of a registration token. Pushes to
/// all other tokens are accepted. A token such as `unregistered.other-project:…` belongs to that project, and to any
/// project if it names none.
pub fn fcm_scripted_words() -> &'static [FcmScriptedWord] {
    &SCRIPTED
}

/// Returns the outcome that the word of a token names.
fn outcome_of_word(token: &str) -> FcmScriptedOutcome {
    let word = head(token).map_or("", |head| head.split('.').next().unwrap_or_default());
    named(word)
}

/// Returns the outcome that this word names, which is good if it names none.
pub(super) fn named(word: &str) -> FcmScriptedOutcome {
    SCRIPTED.iter().find(|row| row.word == word).map_or(FcmScriptedOutcome::Good, |row| row.outcome)
}

/// Returns the project that a token names as its own.
pub(super) fn project_of(token: &str) -> Option<&str> {
    head(token)?.split_once('.').map(|(_, project)| project)
}

fn head(token: &str) -> Option<&str> {
    token.split_once(':').map(|(head, _)| head)
}

/// The outcomes that a test scripted, which come before those that words name.
#[derive(Default)]
pub(super) struct FcmOutcomes(Mutex<HashMap<String, FcmScriptedOutcome>>);

impl FcmOutcomes {
    /// Scripts the outcome of a token, or with `None` takes back the one that was scripted.
    pub(super) fn set(&self, token: &str, outcome: Option<FcmScriptedOutcome>) {
        let mut outcomes = lock(&self.0);
        match outcome {
            Some(outcome) => outcomes.insert(token.to_owned(), outcome),
            None => outcomes.remove(token),
        };
    }

    pub(super) fn of(&self, token: &str) -> FcmScriptedOutcome {
        let set = lock(&self.0).get(token).copied();
        set.unwrap_or_else(|| outcome_of_word(token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_before_the_colon_decides_and_a_project_may_follow_it() {
        assert_eq!(outcome_of_word("late:APA91b"), FcmScriptedOutcome::Slow(SLOW));
        assert_eq!(outcome_of_word("late.other-project:APA91b"), FcmScriptedOutcome::Slow(SLOW));
        assert_eq!(outcome_of_word("later:APA91b"), FcmScriptedOutcome::Good);
        assert_eq!(outcome_of_word("late"), FcmScriptedOutcome::Good);
        assert_eq!(project_of("ok.other-project:APA91b"), Some("other-project"));
        assert_eq!(project_of("ok:APA91.b"), None);
    }
}
