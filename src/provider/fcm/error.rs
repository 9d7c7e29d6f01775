//! The body of an answer of FCM: the name of a message that was taken, or Google's error object.
//!
//! Source: Firebase, "FCM Error Codes"; google/rpc/status.proto and google/rpc/error_details.proto.

use serde_json::value::RawValue;

use super::fields;
use crate::provider::words::{object, read};

/// Google's error object. A part that cannot be read is left out, and does not hide the others.
#[derive(Debug, Default)]
pub(super) struct ErrorBody {
    /// A code of google.rpc, such as NOT_FOUND.
    status: String,
    message: String,
    /// `FcmError.errorCode`.
    pub(super) fcm_code: Option<String>,
    /// `ApnsError.statusCode` and `reason`: what APNs said to FCM.
    pub(super) apns_status: Option<u16>,
    apns_reason: String,
    /// `ErrorInfo.reason`, such as SERVICE_DISABLED.
    info_reason: String,
    /// Whether the token is what is wrong with the message.
    pub(super) names_token: bool,
    /// The fields that are at fault.
    pub(super) fields: Vec<String>,
    /// What is wrong with the first of them.
    description: String,
    /// Which quota was exceeded, and how, in FCM's words.
    pub(super) quota: String,
}

/// What FCM says where a registration token is not one.
///
/// Source: Firebase, "FCM Error Codes", example 2.
const NO_TOKEN: &str = "The registration token is not a valid FCM registration token";
const TOKEN_FIELDS: [&str; 2] = ["message.token", "message.fid"];

/// The most fields that are kept of one answer.
const MAX_FIELDS: usize = 16;

impl ErrorBody {
    /// Reads the name of a message that was taken, and the error. It finds neither where the body is not FCM's. Some of
    /// Google's answers stand in an array. Source: github.com/firebase/firebase-admin-java, issue 506.
    pub(super) fn read(body: &[u8]) -> (String, Option<Self>) {
        let answer: Option<Answer<'_>> = if body.trim_ascii_start().starts_with(b"[") {
            let answers = serde_json::from_slice::<Vec<&RawValue>>(body).unwrap_or_default();
            answers.first().and_then(|answer| object(answer.get().as_bytes()))
        } else {
            object(body)
        };
        let answer = answer.unwrap_or_default();
        let name = answer.name.and_then(read).unwrap_or_default();
        (name, answer.error.and_then(part::<Members<'_>>).map(|members| Self::of(&members)))
    }

    fn of(members: &Members<'_>) -> Self {
        let mut error = Self {
            status: members.status.and_then(read).unwrap_or_default(),
            message: members.message.and_then(read).unwrap_or_default(),
            ..Self::default()
        };
        let details: Vec<&RawValue> = members.details.and_then(read).unwrap_or_default();
        let mut violated = false;
        for detail in details.into_iter().filter_map(part::<Detail<'_>>) {
            violated |= error.learn(&detail);
        }
        // A message that is at fault elsewhere may be refused with the same words.
        if !violated {
            error.names_token = error.message.starts_with(NO_TOKEN);
        }
        error
    }

    /// Takes in one detail, and says whether it names fields.
    fn learn(&mut self, detail: &Detail<'_>) -> bool {
        let kind: String = detail.kind.and_then(read).unwrap_or_default();
        match kind.rsplit('/').next().unwrap_or_default() {
            "google.firebase.fcm.v1.FcmError" => self.fcm_code = detail.error_code.and_then(read),
            "google.firebase.fcm.v1.ApnsError" => {
                self.apns_status = detail.status_code.and_then(read);
                self.apns_reason = detail.reason.and_then(read).unwrap_or_default();
            }
            "google.rpc.ErrorInfo" => self.info_reason = detail.reason.and_then(read).unwrap_or_default(),
            "google.rpc.BadRequest" => {
                let violations: Vec<&RawValue> = detail.field_violations.and_then(read).unwrap_or_default();
                for it in violations.iter().filter_map(|it| part::<Violation>(it)).take(MAX_FIELDS) {
                    self.names_token |= TOKEN_FIELDS.contains(&it.field.as_str());
                    if self.fields.is_empty() {
                        self.description = it.description;
                    }
                    self.fields.push(it.field);
                }
                return !violations.is_empty();
            }
            "google.rpc.QuotaFailure" => {
                let violations: Vec<&RawValue> = detail.violations.and_then(read).unwrap_or_default();
                for it in violations.into_iter().filter_map(part::<Violation>) {
                    self.quota.extend([it.subject.as_str(), " ", it.description.as_str(), "\n"]);
                }
            }
            _ => {}
        }
        false
    }

    /// The code of the error. FCM's own code counts more than that of google.rpc, which is the same for several of
    /// FCM's.
    pub(super) fn code(&self) -> &str {
        self.fcm_code.as_deref().unwrap_or(&self.status)
    }

    /// What the error says for people: the reason below the code, the sentence, and the field where the sentence does
    /// not name it.
    pub(super) fn sentence(&self) -> String {
        let reason = if self.apns_reason.is_empty() { &self.info_reason } else { &self.apns_reason };
        let field = self.fields.first().filter(|field| !self.message.contains(field.as_str()));
        let description = Some(&self.description).filter(|it| **it != self.message);
        let parts = [Some(reason), Some(&self.message), field, description];
        let parts: Vec<&str> =
            parts.into_iter().flatten().map(String::as_str).filter(|it| !it.is_empty()).collect();
        parts.join(": ")
    }

    /// The path of the contract that is at fault, where only the sentence says which field it is.
    ///
    /// Source: Firebase, "FCM Error Codes"; github.com/mozilla-services/autopush-rs, pull request 1430.
    pub(super) fn named_in_sentence(&self) -> Option<&'static str> {
        if self.names_token {
            Some(fields::TOKEN)
        } else if self.message.ends_with("essage is too big") {
            Some("content")
        } else if self.message.starts_with("Topic name is malformed") {
            Some("target.fcm.topic")
        } else {
            None
        }
    }

    /// Whether APNs told FCM that its device token is not good for the app, or no longer.
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

fn part<'a, T: serde::Deserialize<'a>>(value: &'a RawValue) -> Option<T> {
    object(value.get().as_bytes())
}

#[derive(Default, serde::Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(serde::Deserialize)]
struct Members<'a> {
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
