//! What a device token leads to.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use super::reply::Reply;
use crate::decision::Timing;
use crate::service::Environment;
use crate::sync::lock;

/// How long a token has been dead when it is found so by its prefix.
const DEAD_FOR_MS: u64 = 24 * 60 * 60 * 1000;

/// How long the slow token takes.
const SLOW: Duration = Duration::from_secs(2);

/// What APNs does with a push to a device token.
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    /// 200.
    Good,
    /// This answer.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The reason in the body.
        reason: String,
        /// Milliseconds since the epoch, in the body. APNs sends one with 410 only.
        timestamp_ms: Option<u64>,
        /// `retry-after`, in whole seconds.
        retry_after: Option<Duration>,
    },
    /// Good for this topic; DeviceTokenNotForTopic for all others.
    OnlyTopic(String),
    /// Good in this environment; BadDeviceToken in the other, as APNs answers.
    OnlyIn(Environment),
    /// 200 after this long.
    Slow(Duration),
    /// Never answered.
    Silent,
}

impl Fate {
    /// A refusal without timestamp or `retry-after`.
    pub fn refusal(status: u16, reason: &str) -> Self {
        Self::Answer { status, reason: reason.to_owned(), timestamp_ms: None, retry_after: None }
    }

    /// 410 Unregistered; the token is dead since `since_ms`, milliseconds since the epoch.
    pub fn unregistered(since_ms: u64) -> Self {
        Self::Answer {
            status: 410,
            reason: "Unregistered".to_owned(),
            timestamp_ms: Some(since_ms),
            retry_after: None,
        }
    }
}

/// A prefix of device tokens and the fate it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FateRow {
    /// The first four hex digits, lower case.
    pub prefix: &'static str,
    /// The HTTP status; `None` if there is no answer.
    pub status: Option<u16>,
    /// The reason in the answer's body.
    pub reason: Option<&'static str>,
    /// In words.
    pub description: &'static str,
    kind: PrefixKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PrefixKind {
    Refused,
    /// Refused with a timestamp.
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
) -> FateRow {
    FateRow { prefix, status: Some(status), reason: Some(reason), description, kind }
}

const FATES: [FateRow; 10] = [
    refused("dead", PrefixKind::Dead, 410, "Unregistered", "the app was removed a day ago"),
    refused("a6ed", PrefixKind::Dead, 410, "ExpiredToken", "\"aged\": the token expired a day ago"),
    refused("0bad", PrefixKind::Refused, 400, "BadDeviceToken", "malformed, or of the other environment"),
    refused("d1ff", PrefixKind::Refused, 400, "DeviceTokenNotForTopic", "\"diff\": a token of another app"),
    refused("f10d", PrefixKind::Refused, 429, "TooManyRequests", "\"flood\": too many pushes to this device"),
    refused("0500", PrefixKind::Refused, 500, "InternalServerError", "APNs fails"),
    refused("0503", PrefixKind::Refused, 503, "ServiceUnavailable", "APNs is overloaded"),
    refused("0ff0", PrefixKind::Refused, 503, "Shutdown", "\"off\": the server is shutting down"),
    FateRow {
        prefix: "1a7e",
        status: Some(200),
        reason: None,
        description: "\"late\": answered after 2 seconds",
        kind: PrefixKind::Slow,
    },
    FateRow {
        prefix: "deaf",
        status: None,
        reason: None,
        description: "never answered",
        kind: PrefixKind::Silent,
    },
];

/// The fates that the first four hex digits of a device token name. All other tokens are good.
pub fn fates() -> &'static [FateRow] {
    &FATES
}

/// The fates that were set, before those that prefixes name.
#[derive(Default)]
pub(crate) struct Fates(Mutex<HashMap<String, Fate>>);

impl Fates {
    pub(crate) fn set(&self, device_token: &str, fate: Fate) {
        lock(&self.0).insert(device_token.to_ascii_lowercase(), fate);
    }

    /// The same, or takes the fate back that was set.
    pub(crate) fn set_or_unset(&self, device_token: &str, fate: Option<Fate>) {
        match fate {
            Some(fate) => self.set(device_token, fate),
            None => {
                lock(&self.0).remove(&device_token.to_ascii_lowercase());
            }
        }
    }

    pub(crate) fn of(&self, device_token: &str, now_ms: u64) -> Fate {
        let token = device_token.to_ascii_lowercase();
        if let Some(fate) = lock(&self.0).get(&token) {
            return fate.clone();
        }
        fate_of_prefix(&token, now_ms).unwrap_or(Fate::Good)
    }
}

/// The fate that the first digits of a token name, if they name one.
pub(crate) fn fate_of_prefix(token: &str, now_ms: u64) -> Option<Fate> {
    let row = FATES.iter().find(|row| token.starts_with(row.prefix))?;
    Some(match row.kind {
        PrefixKind::Slow => Fate::Slow(SLOW),
        PrefixKind::Silent => Fate::Silent,
        PrefixKind::Refused | PrefixKind::Dead => Fate::Answer {
            status: row.status.unwrap_or_default(),
            reason: row.reason.unwrap_or_default().to_owned(),
            timestamp_ms: (row.kind == PrefixKind::Dead).then(|| now_ms.saturating_sub(DEAD_FOR_MS)),
            retry_after: None,
        },
    })
}

/// The answer of a valid push.
pub(super) fn answer_to_push(fate: Fate, topic: &str, environment: Environment) -> (Reply, Timing) {
    let reply = match fate {
        Fate::Good => Reply::accepted(),
        Fate::Answer { status, reason, timestamp_ms, retry_after } => {
            Reply { status, reason: Some(reason.into()), timestamp_ms, retry_after }
        }
        Fate::OnlyTopic(own) if own != topic => Reply::refused(400, "DeviceTokenNotForTopic"),
        Fate::OnlyTopic(_) => Reply::accepted(),
        Fate::OnlyIn(own) if own != environment => Reply::refused(400, "BadDeviceToken"),
        Fate::OnlyIn(_) => Reply::accepted(),
        Fate::Slow(delay) => return (Reply::accepted(), Timing::After(delay)),
        Fate::Silent => return (Reply::accepted(), Timing::Never),
    };
    (reply, Timing::Now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_fate_comes_before_that_of_the_prefix() {
        let fates = Fates::default();
        let token = "DEAD0000";
        assert_eq!(fates.of(token, 2 * DEAD_FOR_MS), Fate::unregistered(DEAD_FOR_MS));
        fates.set(token, Fate::Good);
        assert_eq!(fates.of("dead0000", 0), Fate::Good);
    }

    #[test]
    fn every_prefix_is_four_lower_case_hex_digits() {
        for row in fates() {
            assert_eq!(row.prefix.len(), 4);
            assert!(row.prefix.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c)));
        }
    }
}
