//! Decides what becomes of pushes to a device token.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use super::reply::Reply;
use crate::decision::Timing;
use crate::service::Environment;
use crate::sync::lock;

/// How long a token has been dead when its prefix says that it is dead.
const DEAD_FOR_MS: u64 = 24 * 60 * 60 * 1000;

/// How long the answer to a slow token takes.
const SLOW: Duration = Duration::from_secs(2);

/// What APNs does with a push to a device token.
#[derive(Clone, Debug, PartialEq)]
pub enum ApnsScriptedOutcome {
    /// The push is accepted with 200.
    Good,
    /// The push gets this answer.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The reason in the body.
        reason: String,
        /// The timestamp in the body, in milliseconds since the epoch. APNs sends one with 410 only.
        timestamp_ms: Option<u64>,
        /// The `retry-after` header, in whole seconds.
        retry_after: Option<Duration>,
    },
    /// The push is accepted for this topic, and refused with DeviceTokenNotForTopic for all others.
    OnlyTopic(String),
    /// The push is accepted in this environment, and refused with BadDeviceToken in the other, as APNs refuses it.
    OnlyIn(Environment),
    /// The push is accepted with 200 after this long.
    Slow(Duration),
    /// The push is never answered.
    Silent,
}

impl ApnsScriptedOutcome {
    /// Makes a refusal without timestamp and `retry-after`.
    pub fn refusal(status: u16, reason: &str) -> Self {
        Self::Answer { status, reason: reason.to_owned(), timestamp_ms: None, retry_after: None }
    }

    /// Makes the answer 410 Unregistered of a token that is dead since `since_ms`, in milliseconds since the epoch.
    pub fn unregistered(since_ms: u64) -> Self {
        Self::Answer {
            status: 410,
            reason: "Unregistered".to_owned(),
            timestamp_ms: Some(since_ms),
            retry_after: None,
        }
    }
}

/// A prefix of device tokens, and the outcome that it scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApnsScriptedPrefix {
    /// The first four hexadecimal digits of the tokens, in lower case.
    pub prefix: &'static str,
    /// The HTTP status, or `None` if there is no answer.
    pub status: Option<u16>,
    /// The reason in the body of the answer.
    pub reason: Option<&'static str>,
    /// What becomes of a push, in words.
    pub description: &'static str,
    kind: PrefixKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PrefixKind {
    Refused,
    /// The push is refused with a timestamp.
    Dead,
    Slow,
    Silent,
}

const fn refused(
    prefix: &'static str,
    kind: PrefixKind,
    status: u16,
    reason: &'static str,
    description: &'static str,
) -> ApnsScriptedPrefix {
    ApnsScriptedPrefix { prefix, status: Some(status), reason: Some(reason), description, kind }
}

const SCRIPTED: [ApnsScriptedPrefix; 10] = [
    refused("dead", PrefixKind::Dead, 410, "Unregistered", "the app was removed a day ago"),
    refused("a6ed", PrefixKind::Dead, 410, "ExpiredToken", "\"aged\": the token expired a day ago"),
    refused("0bad", PrefixKind::Refused, 400, "BadDeviceToken", "malformed, or of the other environment"),
    refused("d1ff", PrefixKind::Refused, 400, "DeviceTokenNotForTopic", "\"diff\": a token of another app"),
    refused("f10d", PrefixKind::Refused, 429, "TooManyRequests", "\"flood\": too many pushes to this device"),
    refused("0500", PrefixKind::Refused, 500, "InternalServerError", "APNs fails"),
    refused("0503", PrefixKind::Refused, 503, "ServiceUnavailable", "APNs is overloaded"),
    refused("0ff0", PrefixKind::Refused, 503, "Shutdown", "\"off\": the server is shutting down"),
    ApnsScriptedPrefix {
        prefix: "1a7e",
        status: Some(200),
        reason: None,
        description: "\"late\": answered after 2 seconds",
        kind: PrefixKind::Slow,
    },
    ApnsScriptedPrefix {
        prefix: "deaf",
        status: None,
        reason: None,
        description: "never answered",
        kind: PrefixKind::Silent,
    },
];

/// Returns the prefixes that script an outcome. Pushes to all other device tokens are accepted.
pub fn apns_scripted_prefixes() -> &'static [ApnsScriptedPrefix] {
    &SCRIPTED
}

/// The outcomes that a test scripted, which come before those that prefixes name.
#[derive(Default)]
pub(crate) struct ApnsOutcomes(Mutex<HashMap<String, ApnsScriptedOutcome>>);

impl ApnsOutcomes {
    pub(crate) fn set(&self, device_token: &str, outcome: ApnsScriptedOutcome) {
        lock(&self.0).insert(device_token.to_ascii_lowercase(), outcome);
    }

    /// Scripts an outcome, or with `None` takes back the one that was scripted.
    pub(crate) fn set_or_unset(&self, device_token: &str, outcome: Option<ApnsScriptedOutcome>) {
        match outcome {
            Some(outcome) => self.set(device_token, outcome),
            None => {
                lock(&self.0).remove(&device_token.to_ascii_lowercase());
            }
        }
    }

    pub(crate) fn of(&self, device_token: &str, now_ms: u64) -> ApnsScriptedOutcome {
        let token = device_token.to_ascii_lowercase();
        if let Some(outcome) = lock(&self.0).get(&token) {
            return outcome.clone();
        }
        outcome_of_prefix(&token, now_ms).unwrap_or(ApnsScriptedOutcome::Good)
    }
}

/// Returns the outcome that the first digits of a token name, if they name one.
pub(crate) fn outcome_of_prefix(token: &str, now_ms: u64) -> Option<ApnsScriptedOutcome> {
    let row = SCRIPTED.iter().find(|row| token.starts_with(row.prefix))?;
    Some(match row.kind {
        PrefixKind::Slow => ApnsScriptedOutcome::Slow(SLOW),
        PrefixKind::Silent => ApnsScriptedOutcome::Silent,
        PrefixKind::Refused | PrefixKind::Dead => ApnsScriptedOutcome::Answer {
            status: row.status.unwrap_or_default(),
            reason: row.reason.unwrap_or_default().to_owned(),
            timestamp_ms: (row.kind == PrefixKind::Dead).then(|| now_ms.saturating_sub(DEAD_FOR_MS)),
            retry_after: None,
        },
    })
}

/// Answers a valid push.
pub(super) fn answer_to_push(
    outcome: ApnsScriptedOutcome,
    topic: &str,
    environment: Environment,
) -> (Reply, Timing) {
    let reply = match outcome {
        ApnsScriptedOutcome::Good => Reply::accepted(),
        ApnsScriptedOutcome::Answer { status, reason, timestamp_ms, retry_after } => {
            Reply { status, reason: Some(reason.into()), timestamp_ms, retry_after }
        }
        ApnsScriptedOutcome::OnlyTopic(own) if own != topic => Reply::refused(400, "DeviceTokenNotForTopic"),
        ApnsScriptedOutcome::OnlyTopic(_) => Reply::accepted(),
        ApnsScriptedOutcome::OnlyIn(own) if own != environment => Reply::refused(400, "BadDeviceToken"),
        ApnsScriptedOutcome::OnlyIn(_) => Reply::accepted(),
        ApnsScriptedOutcome::Slow(delay) => return (Reply::accepted(), Timing::After(delay)),
        ApnsScriptedOutcome::Silent => return (Reply::accepted(), Timing::Never),
    };
    (reply, Timing::Now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_fate_comes_before_that_of_the_prefix() {
        let outcomes = ApnsOutcomes::default();
        let token = "DEAD0000";
        assert_eq!(outcomes.of(token, 2 * DEAD_FOR_MS), ApnsScriptedOutcome::unregistered(DEAD_FOR_MS));
        outcomes.set(token, ApnsScriptedOutcome::Good);
        assert_eq!(outcomes.of("dead0000", 0), ApnsScriptedOutcome::Good);
    }

    #[test]
    fn every_prefix_is_four_lower_case_hex_digits() {
        for row in apns_scripted_prefixes() {
            assert_eq!(row.prefix.len(), 4);
            assert!(row.prefix.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c)));
        }
    }
}
