//! The scripted outcome of pushes to one token as JSON, for the three services that know tokens.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::apns::{self, Fate, fates};
use crate::fcm::{FcmFate, fcm_fates};
use crate::service::Environment;
use crate::shared::Shared;
use crate::webpush::{Vendor, WebPushFate, web_push_fates};

/// The service that knows a token. A Mattermost proxy has no tokens of its own: its devices are those of APNs and FCM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TokenService {
    Apns,
    Fcm,
    WebPush,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
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
        fate: Option<&ScriptedOutcomeJson>,
    ) -> Result<(), Problem> {
        match self {
            Self::Apns => {
                shared.apns.outcomes.set_or_unset(token, fate.map(|fate| fate.of_apns(shared)).transpose()?)
            }
            Self::Fcm => shared.fcm.set_fate(token, fate.map(ScriptedOutcomeJson::of_fcm).transpose()?),
            Self::WebPush => {
                let vendor = Vendor::of_path(token);
                let fate = fate.map(|fate| fate.of_web_push(vendor)).transpose()?;
                if !shared.web_push.set_fate(token, fate) {
                    return Err(Problem::not_found(format!("there is no subscription at {token}")));
                }
            }
        }
        Ok(())
    }
}

impl ScriptedOutcomeJson {
    fn of_apns(&self, shared: &Shared) -> Result<Fate, Problem> {
        Ok(match self.clone() {
            Self::Good => Fate::Good,
            Self::Silent => Fate::Silent,
            Self::Slow(time) => Fate::Slow(time),
            Self::OnlyTopic(topic) => Fate::OnlyTopic(topic),
            Self::OnlyIn(environment) => Fate::OnlyIn(environment),
            Self::Refused { status, .. } if !matches!(status, 400..=599) => {
                return Err(Problem::field("refused.status", &status, &"a status from 400 to 599"));
            }
            Self::Refused { status, reason, timestamp_ms, retry_after_s } => {
                let retry_after = retry_after_s.map(|seconds| Duration::from_secs(seconds.into()));
                Fate::Answer { status, reason, timestamp_ms, retry_after }
            }
            Self::Like(prefix) => apns::outcome_of_prefix(&prefix, shared.clock.now_ms())
                .ok_or_else(|| unlike(&prefix, fates().iter().map(|row| row.prefix.to_owned())))?,
        })
    }

    fn of_fcm(&self) -> Result<FcmFate, Problem> {
        match self {
            Self::Good => Ok(FcmFate::Good),
            Self::Silent => Ok(FcmFate::Silent),
            Self::Slow(time) => Ok(FcmFate::Slow(*time)),
            Self::Like(word) => {
                let row = fcm_fates().iter().find(|row| row.word == word);
                row.map(|row| row.fate)
                    .ok_or_else(|| unlike(word, fcm_fates().iter().map(|row| row.word.to_owned())))
            }
            Self::Refused { .. } | Self::OnlyTopic(_) | Self::OnlyIn(_) => Err(self.of_apns_alone()),
        }
    }

    fn of_web_push(&self, vendor: Vendor) -> Result<WebPushFate, Problem> {
        match self {
            Self::Good => Ok(WebPushFate::Good),
            Self::Silent => Ok(WebPushFate::Silent),
            Self::Slow(time) => Ok(WebPushFate::Slow(*time)),
            Self::Like(word) => {
                let rows = || web_push_fates().iter().filter(|row| row.vendor == vendor);
                let row = rows().find(|row| row.word == word || row.name() == *word);
                row.map(|row| row.fate).ok_or_else(|| unlike(word, rows().map(|row| row.word.to_owned())))
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
