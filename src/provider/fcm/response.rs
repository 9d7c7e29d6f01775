//! What an answer of FCM means. Never fails, whatever the bytes.

use std::time::SystemTime;

use serde_json::value::RawValue;

use super::answers::{SERVER_DELAY, meaning};
use crate::provider::retry_after::retry_after;
use crate::provider::{Reply, Verdict, cut};
use crate::push::Outcome;

/// What an answer that came at `now` means. `live_activity_token`: the message named one beside its target.
#[must_use]
pub fn classify(reply: &Reply, live_activity_token: bool, now: SystemTime) -> Verdict {
    let status = reply.status().as_u16();
    let said = Said::read(reply.body());
    let verdict = meaning(status, &said, live_activity_token).verdict(said.code());
    let asked = retry_after(reply.headers(), now);
    let least = if verdict.outcome == Outcome::UpstreamUnavailable {
        asked.map(|it| it.max(SERVER_DELAY))
    } else {
        asked
    };
    Verdict {
        retry: verdict.retry.asked_to_wait(least),
        upstream_id: cut(&said.name, Verdict::MAX_REASON_BYTES).to_owned(),
        ..verdict
    }
}

/// What the body of an answer says. A part that cannot be read says nothing, and takes no other away.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// The message's name.
    name: String,
    /// A code of google.rpc, such as NOT_FOUND.
    status: String,
    /// `FcmError.errorCode`.
    pub(super) fcm_code: Option<String>,
    /// `ApnsError.statusCode` and `reason`: what APNs said to FCM.
    pub(super) apns_status: Option<u16>,
    apns_reason: String,
    /// The token is what is wrong with the message.
    pub(super) names_token: bool,
    /// Which quota was exceeded, and how, in FCM's words.
    pub(super) quota: String,
}

/// What FCM says of a token that is none.
///
/// Source: Firebase, "FCM Error Codes", example 2.
const NO_TOKEN: &str = "The registration token is not a valid FCM registration token";
const TOKEN_FIELDS: [&str; 2] = ["message.token", "message.fid"];

impl Said {
    fn read(body: &[u8]) -> Self {
        let answer = serde_json::from_slice::<Answer<'_>>(body).unwrap_or_default();
        let error = answer.error.and_then(read::<ErrorBody<'_>>).unwrap_or_default();
        let mut said = Self {
            name: answer.name.and_then(read).unwrap_or_default(),
            status: error.status.and_then(read).unwrap_or_default(),
            ..Self::default()
        };
        let details: Vec<&RawValue> = error.details.and_then(read).unwrap_or_default();
        let mut violated = false;
        for detail in details.into_iter().filter_map(read::<Detail<'_>>) {
            violated |= said.learn(&detail);
        }
        // A message at fault elsewhere may be refused with the same words.
        if !violated {
            let message: String = error.message.and_then(read).unwrap_or_default();
            said.names_token = message.starts_with(NO_TOKEN);
        }
        said
    }

    /// Takes in one detail; whether it names fields.
    fn learn(&mut self, detail: &Detail<'_>) -> bool {
        let kind: String = detail.kind.and_then(read).unwrap_or_default();
        match kind.rsplit('/').next().unwrap_or_default() {
            "google.firebase.fcm.v1.FcmError" => self.fcm_code = detail.error_code.and_then(read),
            "google.firebase.fcm.v1.ApnsError" => {
                self.apns_status = detail.status_code.and_then(read);
                self.apns_reason = detail.reason.and_then(read).unwrap_or_default();
            }
            "google.rpc.BadRequest" => {
                let violations: Vec<&RawValue> = detail.field_violations.and_then(read).unwrap_or_default();
                let fields = violations.iter().filter_map(|it| read::<Violation>(it)).map(|it| it.field);
                self.names_token |= fields.into_iter().any(|field| TOKEN_FIELDS.contains(&field.as_str()));
                return !violations.is_empty();
            }
            "google.rpc.QuotaFailure" => {
                let violations: Vec<&RawValue> = detail.violations.and_then(read).unwrap_or_default();
                for it in violations.into_iter().filter_map(read::<Violation>) {
                    self.quota.extend([it.subject.as_str(), " ", it.description.as_str(), "\n"]);
                }
            }
            _ => {}
        }
        false
    }

    /// FCM's own code counts more than that of google.rpc, which is the same for several of them.
    fn code(&self) -> &str {
        self.fcm_code.as_deref().unwrap_or(&self.status)
    }

    /// Whether APNs said that its device token is not, or no longer, good for the app.
    ///
    /// Source: Apple, "Handling notification responses from APNs".
    pub(super) fn apns_token_is_dead(&self) -> bool {
        self.apns_status == Some(410)
            || matches!(
                self.apns_reason.as_str(),
                "BadDeviceToken" | "DeviceTokenNotForTopic" | "Unregistered"
            )
    }
}

#[derive(Default, serde::Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Default, serde::Deserialize)]
struct ErrorBody<'a> {
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(borrow)]
    details: Option<&'a RawValue>,
}

/// The members of all kinds of details that are read.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail<'a> {
    #[serde(rename = "@type", borrow)]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    error_code: Option<&'a RawValue>,
    #[serde(borrow)]
    status_code: Option<&'a RawValue>,
    #[serde(borrow)]
    reason: Option<&'a RawValue>,
    #[serde(borrow)]
    field_violations: Option<&'a RawValue>,
    #[serde(borrow)]
    violations: Option<&'a RawValue>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Violation {
    field: String,
    subject: String,
    description: String,
}

fn read<'a, T: serde::Deserialize<'a>>(value: &'a RawValue) -> Option<T> {
    serde_json::from_str(value.get()).ok()
}
