//! Answers as the push service of Safari. Source: Apple, "Sending web push notifications in web apps and browsers",
//! which lists statuses and reasons apart. How they pair is chosen here.

use std::borrow::Cow;

use http::HeaderValue;
use serde_json::json;
use uuid::Uuid;

use super::media_type::{JSON, TEXT};
use crate::decision::Decision;
use crate::webpush::refusal::{VapidFault, WebPushRefusal};

pub(super) fn accept() -> Decision {
    named(Decision::new(201, TEXT, ""))
}

pub(super) fn refuse(refusal: WebPushRefusal) -> Decision {
    use WebPushRefusal::{
        BadContent, BadEncoding, BadTopic, BadTtl, BadUrgency, Bridge, CachePolicy, DomainBlocked, Gone,
        IdleTimeout, Internal, KeyMismatch, Method, NoTtl, Overloaded, Throttled, TooLarge, TryAgain,
        Unknown, Vapid,
    };
    let (status, reason) = match refusal {
        Method => (405, "MethodNotAllowed"),
        Unknown => (404, "BadPath"),
        // The page names no reason for a subscription that has ended; this is that of APNs.
        Gone | DomainBlocked => (410, "Unregistered"),
        NoTtl | BadTtl | CachePolicy => (400, "BadTtl"),
        BadTopic => (400, "BadWebPushTopic"),
        BadUrgency => (400, "BadUrgency"),
        BadEncoding | BadContent => (400, "BadWebPushRequest"),
        TooLarge => (413, "PayloadTooLarge"),
        Vapid(VapidFault::Missing | VapidFault::Malformed) => (403, "BadAuthorizationHeader"),
        Vapid(VapidFault::PublicKey) => (403, "BadVapidPublicKey"),
        Vapid(_) => (403, "BadJwtToken"),
        KeyMismatch => (400, "VapidPkHashMismatch"),
        Throttled(_) => (429, "TooManyRequests"),
        Internal => (500, "InternalServerError"),
        Overloaded(_) | TryAgain | Bridge => (503, "ServiceUnavailable"),
        IdleTimeout => (400, "IdleTimeout"),
    };
    error(status, reason)
}

pub(super) fn error(status: u16, reason: impl Into<Cow<'static, str>>) -> Decision {
    let reason = reason.into();
    named(Decision::new(status, JSON, json!({ "reason": reason }).to_string()).with_reason(reason))
}

fn named(decision: Decision) -> Decision {
    match HeaderValue::try_from(Uuid::new_v4().to_string().to_uppercase()) {
        Ok(id) => decision.with_header("apns-id", id),
        Err(_) => decision,
    }
}
