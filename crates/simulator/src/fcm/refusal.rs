//! A refusal of FCM as plain data.

use super::error::GoogleError;
use crate::decision::Decision;
use crate::retry_after::RetryAfter;

/// A refusal of FCM, and what its details say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FcmRefusal {
    /// The HTTP status.
    pub http: u16,
    /// The google.rpc code in `error.status`.
    pub status: &'static str,
    /// The text in `error.message`.
    pub message: &'static str,
    /// The `errorCode` of the FcmError, if there is that detail.
    pub code: Option<&'static str>,
    /// The status and the reason of the ApnsError, if there is that detail.
    pub apns: Option<(u16, &'static str)>,
    /// The field of the BadRequest, if there is that detail.
    pub field: Option<&'static str>,
    /// The subject of the QuotaFailure, if there is that detail.
    pub quota: Option<&'static str>,
    /// The reason of the ErrorInfo, if there is that detail.
    pub info: Option<&'static str>,
    /// The `retry-after` header.
    pub retry_after: RetryAfter,
}

impl FcmRefusal {
    /// Makes a refusal without details.
    pub const fn new(http: u16, status: &'static str, message: &'static str) -> Self {
        let (code, apns, field, quota, info) = (None, None, None, None, None);
        Self { http, status, message, code, apns, field, quota, info, retry_after: RetryAfter::Absent }
    }

    /// Adds an FcmError with this code.
    pub const fn code(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    /// Adds an ApnsError with this status and reason.
    pub const fn apns(self, status: u16, reason: &'static str) -> Self {
        Self { apns: Some((status, reason)), ..self }
    }

    pub(super) const fn field(self, field: &'static str) -> Self {
        Self { field: Some(field), ..self }
    }

    pub(super) const fn quota(self, subject: &'static str, retry_after: RetryAfter) -> Self {
        Self { quota: Some(subject), retry_after, ..self }
    }

    pub(super) const fn info(self, reason: &'static str) -> Self {
        Self { info: Some(reason), ..self }
    }

    pub(super) fn decision(&self, now_ms: u64) -> Decision {
        let mut error = GoogleError::new(self.http, self.status, self.message);
        if let Some(code) = self.code {
            error = error.fcm(code);
        }
        if let Some((status, reason)) = self.apns {
            error = error.apns(status, reason);
        }
        if let Some(field) = self.field {
            error = error.field(field, self.message);
        }
        if let Some(subject) = self.quota {
            error = error.quota(subject, self.message);
        }
        if let Some(reason) = self.info {
            error = error.info(reason);
        }
        error.retry_after(self.retry_after.header(now_ms)).decision()
    }
}
