//! The scripted outcome of pushes to one token as JSON, for the three services that know tokens.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::apns::{self, ApnsScriptedOutcome, apns_scripted_prefixes};
use crate::fcm::{FcmScriptedOutcome, fcm_scripted_words};
use crate::service::Environment;
use crate::shared::Shared;
use crate::webpush::{Vendor, WebPushScriptedOutcome, web_push_scripted_subscriptions};

/// The service that knows a token. A Mattermost proxy has no tokens of its own: its devices are those of APNs and FCM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename = "FateService", rename_all = "snake_case")]
pub(super) enum TokenService {
    Apns,
    Fcm,
    WebPush,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "Fate", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum ScriptedOutcomeJson {
    /// The push is accepted.
    Good,
    /// The push is taken and never answered.
    Silent,
    /// The push is accepted after this long.
    Slow(#[serde(with = "humantime_serde")] Duration),
    /// The push is treated like one to a token that begins with this text, or to the subscription of this name.
    Like(String),
    /// APNs gives this answer.
    Refused {
        status: u16,
        reason: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timestamp_ms: Option<u64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_s: Option<u32>,
    },
    /// APNs accepts pushes to this topic alone.
    OnlyTopic(String),
    /// APNs accepts pushes in this environment alone.
    OnlyIn(Environment),
}

impl TokenService {
    pub(super) const ALL: [(&'static str, Self); 3] =
        [("apns", Self::Apns), ("fcm", Self::Fcm), ("web_push", Self::WebPush)];

    pub(super) fn named(name: &str) -> Result<Self, Problem> {
        let found = Self::ALL.into_iter().find(|(own, _)| *own == name).map(|(_, service)| service);
        found.ok_or_else(|| Problem::field("service", &format!("{name:?}"), &"apns, fcm or web_push"))
    }

    /// Scripts the outcome of a token; `None` restores the outcome that the token itself names.
    pub(super) fn set(
        self,
        shared: &Shared,
        token: &str,
        outcome: Option<&ScriptedOutcomeJson>,
    ) -> Result<(), Problem> {
        match self {
            Self::Apns => shared
                .apns
                .outcomes
                .set_or_unset(token, outcome.map(|outcome| outcome.of_apns(shared)).transpose()?),
            Self::Fcm => {
                shared.fcm.script_outcome(token, outcome.map(ScriptedOutcomeJson::of_fcm).transpose()?)
            }
            Self::WebPush => {
                let vendor = Vendor::of_path(token);
                let outcome = outcome.map(|outcome| outcome.of_web_push(vendor)).transpose()?;
                if !shared.web_push.script_outcome(token, outcome) {
                    return Err(Problem::not_found(format!("there is no subscription at {token}")));
                }
            }
        }
        Ok(())
    }
}

impl ScriptedOutcomeJson {
    fn of_apns(&self, shared: &Shared) -> Result<ApnsScriptedOutcome, Problem> {
        Ok(match self.clone() {
            Self::Good => ApnsScriptedOutcome::Good,
            Self::Silent => ApnsScriptedOutcome::Silent,
            Self::Slow(time) => ApnsScriptedOutcome::Slow(time),
            Self::OnlyTopic(topic) => ApnsScriptedOutcome::OnlyTopic(topic),
            Self::OnlyIn(environment) => ApnsScriptedOutcome::OnlyIn(environment),
            Self::Refused { status, .. } if !matches!(status, 400..=599) => {
                return Err(Problem::field("refused.status", &status, &"a status from 400 to 599"));
            }
            Self::Refused { status, reason, timestamp_ms, retry_after_s } => {
                let retry_after = retry_after_s.map(|seconds| Duration::from_secs(seconds.into()));
                ApnsScriptedOutcome::Answer { status, reason, timestamp_ms, retry_after }
            }
            Self::Like(prefix) => {
                apns::outcome_of_prefix(&prefix, shared.clock.now_ms()).ok_or_else(|| {
                    unlike(&prefix, apns_scripted_prefixes().iter().map(|row| row.prefix.to_owned()))
                })?
            }
        })
    }

    fn of_fcm(&self) -> Result<FcmScriptedOutcome, Problem> {
        match self {
            Self::Good => Ok(FcmScriptedOutcome::Good),
            Self::Silent => Ok(FcmScriptedOutcome::Silent),
            Self::Slow(time) => Ok(FcmScriptedOutcome::Slow(*time)),
            Self::Like(word) => {
                let row = fcm_scripted_words().iter().find(|row| row.word == word);
                row.map(|row| row.outcome)
                    .ok_or_else(|| unlike(word, fcm_scripted_words().iter().map(|row| row.word.to_owned())))
            }
            Self::Refused { .. } | Self::OnlyTopic(_) | Self::OnlyIn(_) => Err(self.of_apns_alone()),
        }
    }

    fn of_web_push(&self, vendor: Vendor) -> Result<WebPushScriptedOutcome, Problem> {
        match self {
            Self::Good => Ok(WebPushScriptedOutcome::Good),
            Self::Silent => Ok(WebPushScriptedOutcome::Silent),
            Self::Slow(time) => Ok(WebPushScriptedOutcome::Slow(*time)),
            Self::Like(word) => {
                let rows = || web_push_scripted_subscriptions().iter().filter(|row| row.vendor == vendor);
                let row = rows().find(|row| row.word == word || row.name() == *word);
                row.map(|row| row.outcome).ok_or_else(|| unlike(word, rows().map(|row| row.word.to_owned())))
            }
            Self::Refused { .. } | Self::OnlyTopic(_) | Self::OnlyIn(_) => Err(self.of_apns_alone()),
        }
    }

    fn of_apns_alone(&self) -> Problem {
        let found = serde_json::to_string(self).unwrap_or_default();
        Problem::field("fate", &found, &"good, silent, slow or like: the others are of APNs alone")
    }
}

fn unlike(word: &str, known: impl Iterator<Item = String>) -> Problem {
    Problem::field("like", &format!("{word:?}"), &format!("one of {}", known.collect::<Vec<_>>().join(", ")))
}
