//! Writes errors in the form of Google. Source: Google, "FCM Error Codes"; google/rpc/status.proto and
//! google/rpc/error_details.proto.

use std::borrow::Cow;

use http::HeaderValue;
use serde_json::{Value, json};

use crate::decision::Decision;

pub(super) const JSON: &str = "application/json; charset=UTF-8";
pub(super) const HTML: &str = "text/html; charset=UTF-8";

/// An error that is being put together.
#[derive(Debug)]
pub(super) struct GoogleError(Box<ErrorFields>);

#[derive(Debug)]
struct ErrorFields {
    http: u16,
    status: &'static str,
    message: Cow<'static, str>,
    details: Vec<Value>,
    retry_after: Option<HeaderValue>,
    /// The code of FCM, or else the status.
    reason: Cow<'static, str>,
}

impl GoogleError {
    pub(super) fn new(http: u16, status: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        let message = message.into();
        let (details, retry_after, reason) = (Vec::new(), None, status.into());
        Self(Box::new(ErrorFields { http, status, message, details, retry_after, reason }))
    }

    pub(super) fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, "INVALID_ARGUMENT", message)
    }

    /// Adds FCM's own code.
    pub(super) fn fcm(mut self, code: &str) -> Self {
        self.0.reason = code.to_owned().into();
        self.detail(json!({
            "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError",
            "errorCode": code,
        }))
    }

    /// Adds the answer of APNs that is behind the error.
    pub(super) fn apns(self, status: u16, reason: &str) -> Self {
        self.detail(json!({
            "@type": "type.googleapis.com/google.firebase.fcm.v1.ApnsError",
            "statusCode": status,
            "reason": reason,
        }))
    }

    /// Adds the field that is at fault.
    pub(super) fn field(self, field: &str, description: &str) -> Self {
        self.detail(json!({
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{ "field": field, "description": description }],
        }))
    }

    pub(super) fn quota(self, subject: &str, description: &str) -> Self {
        self.detail(json!({
            "@type": "type.googleapis.com/google.rpc.QuotaFailure",
            "violations": [{ "subject": subject, "description": description }],
        }))
    }

    /// Adds a reason of Google's infrastructure.
    pub(super) fn info(self, reason: &str) -> Self {
        self.detail(json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": reason,
            "domain": "googleapis.com",
            "metadata": { "service": "fcm.googleapis.com" },
        }))
    }

    pub(super) fn retry_after(mut self, value: Option<HeaderValue>) -> Self {
        self.0.retry_after = value;
        self
    }

    pub(super) fn decision(self) -> Decision {
        let ErrorFields { http, status, message, details, retry_after, reason } = *self.0;
        let mut error = json!({ "code": http, "message": message, "status": status });
        if !details.is_empty() {
            error["details"] = details.into();
        }
        let decision = Decision::new(http, JSON, json!({ "error": error }).to_string()).with_reason(reason);
        match retry_after {
            Some(value) => decision.with_header("retry-after", value),
            None => decision,
        }
    }

    fn detail(mut self, detail: Value) -> Self {
        self.0.details.push(detail);
        self
    }
}

/// Returns the google.rpc code that goes with an HTTP status. Source: google/rpc/code.proto.
pub(super) fn status_of(http: u16) -> &'static str {
    match http {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        500 => "INTERNAL",
        501 => "UNIMPLEMENTED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        0..=u16::MAX => "UNKNOWN",
    }
}
