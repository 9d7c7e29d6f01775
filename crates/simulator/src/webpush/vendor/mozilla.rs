//! Answers as autopush. Source: mozilla-services/autopush-rs, "HTTP Endpoints for Notifications" and
//! `autoendpoint/src/error.rs`.

use std::borrow::Cow;

use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::accepted::{AcceptedMessage, located};
use super::media_type::{JSON, TEXT};
use crate::decision::Decision;
use crate::retry_after::RetryAfter;
use crate::webpush::refusal::WebPushRefusal;

const MORE: &str = "http://autopush.readthedocs.io/en/latest/http.html#error-codes";

pub(super) fn accept(accepted: &AcceptedMessage<'_>) -> Decision {
    located(Decision::new(201, TEXT, ""), accepted.origin, "m").with_header("ttl", accepted.ttl.into())
}

pub(super) fn refuse(refusal: WebPushRefusal) -> Decision {
    use WebPushRefusal::{
        BadContent, BadEncoding, BadTopic, BadTtl, BadUrgency, Bridge, CachePolicy, DomainBlocked, Gone,
        IdleTimeout, Internal, KeyMismatch, Method, NoTtl, Overloaded, Throttled, TooLarge, TryAgain,
        Unknown, Vapid,
    };
    let (status, errno) = match refusal {
        Method => return Decision::new(405, TEXT, "").with_reason(refusal.words()),
        Unknown => (404, 102),
        Gone | DomainBlocked => (410, 106),
        NoTtl => (400, 111),
        // The page says 112, and the code says 114.
        BadTtl | CachePolicy => (400, 114),
        BadTopic => (400, 113),
        BadUrgency | BadEncoding | BadContent | IdleTimeout => (400, 110),
        TooLarge => (413, 104),
        Vapid(_) | KeyMismatch => (401, 109),
        // Mozilla documents neither 429 nor an errno for it.
        Throttled(_) => (429, 201),
        Internal => (500, 999),
        Overloaded(_) => (503, 201),
        TryAgain => (503, 202),
        Bridge => (502, 902),
    };
    // Source: mozilla-services/autopush-rs, `autoendpoint/src/headers/vapid.rs`.
    let mismatch = (refusal == KeyMismatch).then_some("VAPID public key mismatch".into());
    let decision = error(status, errno, mismatch.unwrap_or_else(|| refusal.words()));
    if refusal == Gone {
        decision.with_header("cache-control", HeaderValue::from_static("max-age=86400"))
    } else if refusal == Overloaded(RetryAfter::Absent) {
        decision.with_header("retry-after", HeaderValue::from_static("120"))
    } else {
        decision
    }
}

pub(super) fn error(status: u16, errno: u16, message: impl Into<Cow<'static, str>>) -> Decision {
    let message = message.into();
    let phrase = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let body = json!({
        "code": status, "errno": errno, "error": phrase.unwrap_or_default(), "message": message, "more_info": MORE,
    });
    Decision::new(status, JSON, body.to_string()).with_reason(message)
}
