//! Answers as FCM's endpoint for browsers. No page of Google lists its answers; these are as senders report them.

use super::accepted::{AcceptedMessage, located};
use super::media_type::TEXT;
use crate::decision::Decision;
use crate::webpush::refusal::{VapidFault, WebPushRefusal};

pub(super) fn accept(accepted: &AcceptedMessage<'_>) -> Decision {
    located(Decision::new(201, TEXT, ""), accepted.origin, "0")
}

pub(super) fn refuse(refusal: WebPushRefusal) -> Decision {
    use WebPushRefusal::{
        BadContent, BadEncoding, BadTopic, BadTtl, BadUrgency, Bridge, CachePolicy, DomainBlocked, Gone,
        IdleTimeout, Internal, KeyMismatch, Method, NoTtl, Overloaded, Throttled, TooLarge, TryAgain,
        Unknown, Vapid,
    };
    let (status, text) = match refusal {
        Vapid(VapidFault::Missing) => (400, "UnauthorizedRegistration".into()),
        Method => (405, refusal.words()),
        Unknown => (404, refusal.words()),
        Gone | DomainBlocked => (410, refusal.words()),
        NoTtl | BadTtl | CachePolicy | BadTopic | BadUrgency | BadEncoding | BadContent | IdleTimeout => {
            (400, refusal.words())
        }
        TooLarge => (413, refusal.words()),
        Vapid(_) | KeyMismatch => (403, refusal.words()),
        Throttled(_) => (429, refusal.words()),
        Internal => (500, refusal.words()),
        Bridge => (502, refusal.words()),
        Overloaded(_) | TryAgain => (503, refusal.words()),
    };
    Decision::new(status, TEXT, format!("{text}\n")).with_reason(text)
}
