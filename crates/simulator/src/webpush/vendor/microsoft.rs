//! Answers as WNS, which says in headers what it means. Source: Microsoft, "Push notification service request and
//! response headers", and what senders of Web Push report.

use std::borrow::Cow;

use http::HeaderValue;
use uuid::Uuid;

use super::accepted::AcceptedMessage;
use super::media_type::TEXT;
use crate::decision::Decision;
use crate::webpush::refusal::{VapidFault, WebPushRefusal};

/// The headers that say what happened to the message: today's name and the older one.
const STATUS: [&str; 2] = ["x-wns-status", "x-wns-notificationstatus"];

pub(super) fn accept(accepted: &AcceptedMessage<'_>) -> Decision {
    let connected = if accepted.away { "disconnected" } else { "connected" };
    let decision = with_status(Decision::new(201, TEXT, ""), accepted.discarded.unwrap_or("received"))
        .with_header("x-wns-deviceconnectionstatus", HeaderValue::from_static(connected));
    match accepted.discarded {
        Some(word) => decision.with_reason(word),
        None => decision,
    }
}

pub(super) fn refuse(refusal: WebPushRefusal) -> Decision {
    use WebPushRefusal::{
        BadContent, BadEncoding, BadTopic, BadTtl, BadUrgency, Bridge, CachePolicy, DomainBlocked, Gone,
        IdleTimeout, Internal, KeyMismatch, Method, NoTtl, Overloaded, Throttled, TooLarge, TryAgain,
        Unknown, Vapid,
    };
    let status = match refusal {
        Method => 405,
        Unknown => 404,
        Gone | DomainBlocked => 410,
        NoTtl | BadTtl | CachePolicy | BadTopic | BadUrgency | BadEncoding | BadContent | IdleTimeout => 400,
        TooLarge => 413,
        Vapid(VapidFault::Missing | VapidFault::Malformed | VapidFault::Expired) => 401,
        Vapid(_) | KeyMismatch => 403,
        Throttled(_) => 406,
        Internal => 500,
        Bridge => 502,
        Overloaded(_) | TryAgain => 503,
    };
    error(status, refusal.words())
}

pub(super) fn error(status: u16, description: impl Into<Cow<'static, str>>) -> Decision {
    let description = description.into();
    let decision = with_status(Decision::new(status, TEXT, ""), "dropped");
    let decision = match HeaderValue::from_str(&description) {
        Ok(value) => decision.with_header("x-wns-error-description", value),
        Err(_) => decision,
    };
    decision.with_reason(description)
}

fn with_status(mut decision: Decision, status: &'static str) -> Decision {
    for name in STATUS {
        decision = decision.with_header(name, HeaderValue::from_static(status));
    }
    let id = Uuid::new_v4().as_u64_pair().0;
    decision.with_header("x-wns-msg-id", HeaderValue::try_from(format!("{id:016X}")).unwrap_or(id.into()))
}
