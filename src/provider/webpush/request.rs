//! How a push is said to a browser's push service: once a body, then encrypted for each target and addressed.
//!
//! Source: RFC 8030, section 5.

use std::borrow::Cow;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use fanfare_upstream::{FieldName, Indexing, Request};
use http::Method;
use sha2::{Digest, Sha256};

use super::encrypt::{Ephemeral, encrypt};
use super::endpoint::no_endpoint;
use super::payload::plaintext;
use super::{DEFAULT_TTL_SECONDS, MAX_PLAINTEXT_BYTES, MAX_TOPIC_CHARS, Subscription, Vendor, WebPush};
use crate::provider::{CONTENT_TYPE, Message, Outgoing, bug, push_own, text};
use crate::push::{
    Body, Expiry, Notification, Outcome, Priority, Reason, Refusal, WebPushContent, WebPushUrgency,
};

/// The room that the headers of a push need, with a VAPID token, in bytes.
const HEADERS_ROOM: usize = 576;

const CONTENT_ENCODING: FieldName = FieldName::constant("content-encoding");
const TOPIC: FieldName = FieldName::constant("topic");
const URGENCY: FieldName = FieldName::constant("urgency");
const WNS_CACHE_POLICY: FieldName = FieldName::constant("x-wns-cache-policy");

/// A body as Web Push takes it: all that its addressees share.
#[derive(Debug)]
pub struct Payload {
    urgency: &'static str,
    topic: Option<String>,
    /// What every target reads. It leaves the gateway only after it was encrypted.
    plaintext: Vec<u8>,
}

/// Says a body to browsers.
///
/// # Errors
/// Fails if the body cannot be said.
pub(super) fn encode(body: &Body) -> Result<Payload, Refusal> {
    let plaintext = plaintext(body)?;
    let found = plaintext.len();
    if found > MAX_PLAINTEXT_BYTES {
        return Err(Refusal {
            outcome: Outcome::PayloadTooLarge,
            reason: Reason::PayloadOverLimit,
            field: "content".into(),
            detail: format!("expected at most {MAX_PLAINTEXT_BYTES} bytes for a browser, found {found}"),
        });
    }
    Ok(Payload { urgency: urgency(body), topic: topic(body)?, plaintext })
}

/// The body of a request: encrypted for one browser, or empty where the payload is. Nothing else can be made into one,
/// so nothing leaves the gateway unencrypted.
#[derive(Debug, Default)]
pub struct Sealed(Bytes);

impl WebPush {
    /// Encrypts an encoded body for one browser. A push without a payload is sent without a body, so an empty payload
    /// stays empty. Source: RFC 8291, section 4.
    ///
    /// # Errors
    /// Fails if the subscription has no keys to encrypt with.
    pub(super) fn seal(
        &self,
        payload: &Payload,
        subscription: &Subscription,
        ephemeral: &Ephemeral,
    ) -> Result<Sealed, Refusal> {
        if payload.plaintext.is_empty() {
            return Ok(Sealed::default());
        }
        let padding = padding(payload.plaintext.len(), self.pad_to);
        encrypt(subscription, ephemeral, &payload.plaintext, padding).map(|record| Sealed(record.into()))
    }
}

/// Directs a body that was encrypted for one browser to it, to be sent at `now`.
///
/// # Errors
/// Fails if the app may not send to the endpoint.
pub(super) fn address(
    web_push: &WebPush,
    push: &Outgoing<'_, WebPush>,
    now: SystemTime,
) -> Result<Message<Vendor>, Refusal> {
    let Outgoing { body, target, payload, sealed: Sealed(sealed), .. } = *push;
    let endpoint = web_push.endpoint(target)?;
    let request = Request::with_room(&Method::POST, &[endpoint.path], sealed.clone(), HEADERS_ROOM);
    let mut request = request.map_err(|_| no_endpoint("a path that cannot be sent as it is"))?;
    let expiry = body.options.expiry;
    let ttl = ttl(expiry, endpoint.vendor, now);
    let counts_down = matches!(expiry, Expiry::At(_));
    let indexing = if counts_down { Indexing::Varies } else { Indexing::Repeats };
    request.push_number("ttl", ttl, indexing).map_err(|error| bug("options", &error))?;
    push_own(&mut request, URGENCY, payload.urgency, Indexing::Repeats)?;
    if let Some(topic) = &payload.topic {
        push_own(&mut request, TOPIC, topic, Indexing::Varies)?;
    }
    if endpoint.vendor == Vendor::Microsoft {
        push_own(&mut request, WNS_CACHE_POLICY, cache_policy(ttl), Indexing::Repeats)?;
    }
    if !sealed.is_empty() {
        push_own(&mut request, CONTENT_TYPE, "application/octet-stream", Indexing::Repeats)?;
        push_own(&mut request, CONTENT_ENCODING, "aes128gcm", Indexing::Repeats)?;
    }
    Ok(Message { request, counts_down, context: endpoint.vendor })
}

/// How many zeros fill a payload up to the next multiple, as far as the limit allows.
fn padding(length: usize, multiple: usize) -> usize {
    let padded = length.checked_next_multiple_of(multiple).unwrap_or(length);
    padded.min(MAX_PLAINTEXT_BYTES).saturating_sub(length)
}

/// How long the push service may keep a push, counted from `now`, because it counts from its receipt.
fn ttl(expiry: Expiry, vendor: Vendor, now: SystemTime) -> u64 {
    let left = match expiry {
        Expiry::Default => DEFAULT_TTL_SECONDS,
        Expiry::NoStore => 0,
        Expiry::At(moment) => moment.duration_since(now).unwrap_or_default().as_secs(),
    };
    left.min(vendor.max_ttl_seconds())
}

/// WNS keeps pushes by default, and refuses a `TTL` of 0 unless it is told not to keep them.
///
/// Source: github.com/web-push-libs/pywebpush, issue 162.
fn cache_policy(ttl: u64) -> &'static str {
    if ttl == 0 { "no-cache" } else { "cache" }
}

/// The value of `Urgency`: the caller's own, or what follows from the priority. Source: RFC 8030, section 5.3.
fn urgency(body: &Body) -> &'static str {
    let options = body.content.web_push.as_ref();
    match options.and_then(|it| it.urgency) {
        Some(WebPushUrgency::VeryLow) => return "very-low",
        Some(WebPushUrgency::Low) => return "low",
        Some(WebPushUrgency::Normal) => return "normal",
        Some(WebPushUrgency::High) => return "high",
        None => {}
    }
    // The gateway does not know what a raw payload shows.
    let raw = options.is_some_and(|it| it.payload.is_some());
    let shows = !raw && body.content.notification.as_ref().is_some_and(Notification::shows);
    match body.options.priority.unwrap_or(if shows { Priority::High } else { Priority::Normal }) {
        Priority::High => "high",
        Priority::Normal => "normal",
        Priority::Low => "low",
    }
}

fn topic(body: &Body) -> Result<Option<String>, Refusal> {
    const FIELD: &str = "content.web_push.topic";
    let nothing = WebPushContent::default();
    let topic = match text(&body.content.web_push.as_ref().unwrap_or(&nothing).topic) {
        Some(topic) if is_topic(topic) => Cow::Borrowed(topic),
        Some(topic) => {
            let reason =
                if topic.len() > MAX_TOPIC_CHARS { Reason::FieldTooLarge } else { Reason::FieldInvalid };
            let detail = format!(
                "expected at most {MAX_TOPIC_CHARS} letters, digits, - and _, found {} bytes",
                topic.len()
            );
            return Err(Refusal::field(FIELD, reason, detail));
        }
        None => match text(&body.options.collapse_key) {
            Some(key) => collapse_topic(key),
            None => return Ok(None),
        },
    };
    Ok(Some(topic.into_owned()))
}

/// Whether a text has only characters of base64url, and few enough. Source: RFC 8030, section 5.4.
fn is_topic(text: &str) -> bool {
    text.len() <= MAX_TOPIC_CHARS
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// The topic of a collapse key: the key itself where it can be a topic, or else the first characters of its SHA-256 in
/// base64url.
fn collapse_topic(key: &str) -> Cow<'_, str> {
    if is_topic(key) {
        return key.into();
    }
    let mut digest = URL_SAFE_NO_PAD.encode(Sha256::digest(key));
    digest.truncate(MAX_TOPIC_CHARS);
    digest.into()
}
