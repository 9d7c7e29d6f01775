//! What the push services of browsers check and what they answer, over HTTP/2 and HTTP/1.1.
//!
//! One address stands for all of them, and the path tells whose a subscription is. A real service cannot read what it
//! carries. This one is the browser as well: it decrypts each message, and refuses what the browser would have
//! dropped.
//!
//! Source: RFC 8030 (the protocol), RFC 8291 (encryption), RFC 8292 (VAPID); the pages of each vendor are named in
//! `vendor/`.

mod control;
mod decrypt;
mod mailbox;
mod refusal;
mod request;
mod scripted;
mod services;
mod settings;
mod subscriber;
mod vapid;
mod vendor;

use bytes::Bytes;
use http::Method;
use http::request::Parts;

pub use self::control::WebPush;
pub use self::mailbox::WebPushMessage;
pub use self::refusal::{VapidFault, WebPushRefusal};
pub use self::request::Urgency;
pub use self::scripted::{
    WebPushScriptedOutcome, WebPushScriptedSubscription, web_push_scripted_subscriptions,
};
pub(super) use self::services::PushServices;
pub use self::settings::WebPushSettings;
pub use self::subscriber::Subscription;
pub use self::vapid::VapidKey;
pub use self::vendor::Vendor;

use self::request::MessageHeaders;
use self::vapid::ExpectedSender;
use self::vendor::AcceptedMessage;
use super::body::{Body, Decrypted};
use super::decision::{Decision, Timing};
use super::fault::Refusal;
use super::retry_after::RetryAfter;
use super::sync::lock;

/// Decrypts a body for the browser that it is sent to.
pub(super) fn decrypt(services: &PushServices, parts: &Parts, body: &Body) -> Option<Decrypted> {
    let subscriber = services.subscriber(parts).filter(|_| body.len > 0)?;
    Some(match subscriber.user_agent.decrypt(&body.bytes) {
        Ok(plaintext) => Decrypted::Plaintext(plaintext),
        Err(why) => Decrypted::Undecipherable(why),
    })
}

/// Answers a request that was read in full.
pub(super) fn decide(services: &PushServices, parts: &Parts, body: &Body) -> Decision {
    let vendor = Vendor::of_path(parts.uri.path());
    judge(services, vendor, parts, body)
        .unwrap_or_else(|refusal| vendor.refuse(refusal, services.clock.now_ms()))
}

/// Returns a refusal of this meaning.
pub(super) fn refuse(services: &PushServices, parts: &Parts, refusal: Refusal) -> Decision {
    let refusal = match refusal {
        Refusal::Quota => WebPushRefusal::Throttled(RetryAfter::Absent),
        Refusal::RevokedKey => WebPushRefusal::Vapid(VapidFault::Signature),
        Refusal::Unavailable => WebPushRefusal::Overloaded(RetryAfter::Absent),
        Refusal::Internal => WebPushRefusal::Internal,
    };
    Vendor::of_path(parts.uri.path()).refuse(refusal, services.clock.now_ms())
}

/// Returns the answer that a fault asks for, in the words of the vendor whose path it is.
pub(super) fn scripted_answer(parts: &Parts, status: u16, reason: Option<&str>) -> Decision {
    Vendor::of_path(parts.uri.path()).scripted_answer(status, reason)
}

/// No service documents the order of its checks. This one asks to whom a message goes, from whom it is, then what it
/// is.
fn judge(
    services: &PushServices,
    vendor: Vendor,
    parts: &Parts,
    body: &Body,
) -> Result<Decision, WebPushRefusal> {
    let now_ms = services.clock.now_ms();
    let subscriber = services.subscriber(parts).ok_or(WebPushRefusal::Unknown)?;
    if parts.method != Method::POST {
        return Err(WebPushRefusal::Method);
    }
    let expected = ExpectedSender {
        origin: &subscriber.origin,
        key: subscriber.key.as_deref(),
        subject: vendor.asks_for_subject(),
        now_s: now_ms / 1000,
    };
    let sender = services.tokens.check(&parts.headers, &expected)?;
    if sender.new {
        services.counters.add(&services.counters.vapid_tokens_seen);
    }
    let headers_read = MessageHeaders::read(vendor, &parts.headers, body.len)?;
    let plaintext = match &body.decrypted {
        None => Bytes::new(),
        Some(Decrypted::Plaintext(plaintext)) => plaintext.clone(),
        Some(Decrypted::Undecipherable(_)) => return Err(WebPushRefusal::BadContent),
    };
    // The key of the signature must differ from that of the encryption. Source: RFC 8292, 5.
    if sender.key.is_some() && decrypt::sender_key(&body.bytes) == sender.key.as_deref() {
        return Err(WebPushRefusal::BadContent);
    }
    let mut state = lock(&subscriber.state);
    let (discarded, timing) = match state.outcome {
        WebPushScriptedOutcome::Good => (None, Timing::Now),
        WebPushScriptedOutcome::Refused(refusal) => return Err(refusal),
        WebPushScriptedOutcome::Discarded(word) => (Some(word), Timing::Now),
        WebPushScriptedOutcome::Slow(pause) => (None, Timing::After(pause)),
        WebPushScriptedOutcome::Silent => (None, Timing::Never),
    };
    let accepted = AcceptedMessage {
        origin: &subscriber.origin,
        ttl: headers_read.ttl,
        away: state.mailbox.is_away(),
        discarded,
    };
    let decision = vendor.accept(&accepted);
    if discarded.is_none() {
        state.mailbox.put(headers_read, plaintext, now_ms);
    }
    Ok(Decision { timing, ..decision })
}
