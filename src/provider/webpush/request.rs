//! How a push is said to a browser's push service: once a body, then encrypted for each target and addressed.
//!
//! Source: RFC 8030, section 5.

use std::borrow::Cow;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue};
use sha2::{Digest, Sha256};

use super::encrypt::{Ephemeral, encrypt};
use super::endpoint::{no_endpoint, subscription};
use super::payload::plaintext;
use super::{DEFAULT_TTL_SECONDS, MAX_PLAINTEXT_BYTES, MAX_TOPIC_CHARS, Vendor, WebPush};
use crate::provider::{Message, ReplyContext, bug, headers, text};
use crate::push::{
    Body, Expiry, Notification, Outcome, Priority, Reason, Refusal, Target, WebPushContent, WebPushUrgency,
};

const TTL: HeaderName = HeaderName::from_static("ttl");
const TOPIC: HeaderName = HeaderName::from_static("topic");
const URGENCY: HeaderName = HeaderName::from_static("urgency");
const X_WNS_CACHE_POLICY: HeaderName = HeaderName::from_static("x-wns-cache-policy");

/// A body as Web Push takes it.
#[derive(Debug)]
pub struct Payload {
    urgency: &'static str,
    topic: Option<HeaderValue>,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// No body at all. Source: RFC 8291, section 4.
    Empty,
    /// What every target gets; it never leaves the gateway like this.
    Plain(Vec<u8>),
    /// What one target can read.
    Sealed(Bytes),
}

impl WebPush {
    /// Says a body to browsers.
    ///
    /// # Errors
    /// Where the body cannot be said.
    pub fn encode(&self, body: &Body) -> Result<Payload, Refusal> {
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
        let content = if plaintext.is_empty() { Content::Empty } else { Content::Plain(plaintext) };
        Ok(Payload { urgency: urgency(body), topic: topic(body)?, content })
    }

    /// Encrypts an encoded body for one target.
    ///
    /// # Errors
    /// Where the target's keys are none.
    pub fn seal(
        &self,
        payload: &Payload,
        target: &Target,
        ephemeral: &Ephemeral,
    ) -> Result<Payload, Refusal> {
        let content = match &payload.content {
            Content::Empty => Content::Empty,
            Content::Plain(plaintext) => {
                let padding = padding(plaintext.len(), self.pad_to);
                let sealed = encrypt(subscription(target)?, ephemeral, plaintext, padding)?;
                Content::Sealed(sealed.into())
            }
            Content::Sealed(_) => return Err(bug("content", &"it is encrypted already")),
        };
        Ok(Payload { urgency: payload.urgency, topic: payload.topic.clone(), content })
    }

    /// Directs a body that was encrypted for this target to it, to be sent at `now`.
    ///
    /// # Errors
    /// Where the app may not send to the endpoint.
    pub fn address(
        &self,
        payload: &Payload,
        body: &Body,
        target: &Target,
        now: SystemTime,
    ) -> Result<Message, Refusal> {
        let endpoint = self.endpoint(subscription(target)?)?;
        let path = PathAndQuery::try_from(endpoint.path).ok();
        let path = path.filter(|path| path.as_str() == endpoint.path);
        let path = path.ok_or_else(|| no_endpoint("a path that cannot be sent as it is"))?;
        let expiry = body.options.expiry;
        let ttl = ttl(expiry, endpoint.vendor, now);
        let counts_down = matches!(expiry, Expiry::At(_));
        let mut headers = headers(6);
        headers.insert(TTL, seldom_again(ttl.into(), counts_down));
        headers.insert(URGENCY, HeaderValue::from_static(payload.urgency));
        headers.extend(payload.topic.clone().map(|topic| (TOPIC, topic)));
        if endpoint.vendor == Vendor::Microsoft {
            headers.insert(X_WNS_CACHE_POLICY, HeaderValue::from_static(cache_policy(ttl)));
        }
        let body = match &payload.content {
            Content::Empty => Bytes::new(),
            Content::Plain(_) => return Err(bug("content", &"it was to be sent without encryption")),
            Content::Sealed(sealed) => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static("aes128gcm"));
                sealed.clone()
            }
        };
        Ok(Message {
            path,
            headers,
            body,
            counts_down,
            context: ReplyContext {
                vendor: Some(endpoint.vendor),
                front_502: self.front_502,
                ..ReplyContext::default()
            },
        })
    }
}

/// A value that hardly comes again stays out of HPACK's table.
fn seldom_again(mut value: HeaderValue, seldom: bool) -> HeaderValue {
    value.set_sensitive(seldom);
    value
}

/// Zeros up to the next multiple, as far as the limit allows.
fn padding(length: usize, multiple: usize) -> usize {
    let padded = length.checked_next_multiple_of(multiple).unwrap_or(length);
    padded.min(MAX_PLAINTEXT_BYTES).saturating_sub(length)
}

/// How long the push service may keep it, counted from `now`, as it counts from its receipt.
fn ttl(expiry: Expiry, vendor: Vendor, now: SystemTime) -> u64 {
    let left = match expiry {
        Expiry::Default => DEFAULT_TTL_SECONDS,
        Expiry::NoStore => 0,
        Expiry::At(moment) => moment.duration_since(now).unwrap_or_default().as_secs(),
    };
    left.min(vendor.max_ttl_seconds())
}

/// WNS keeps pushes by default, and refuses a `TTL` of 0 beside that.
///
/// Source: github.com/web-push-libs/pywebpush, issue 162.
fn cache_policy(ttl: u64) -> &'static str {
    if ttl == 0 { "no-cache" } else { "cache" }
}

/// Source: RFC 8030, section 5.3.
fn urgency(body: &Body) -> &'static str {
    let options = body.content.web_push.as_ref();
    match options.and_then(|it| it.urgency) {
        Some(WebPushUrgency::VeryLow) => return "very-low",
        Some(WebPushUrgency::Low) => return "low",
        Some(WebPushUrgency::Normal) => return "normal",
        Some(WebPushUrgency::High) => return "high",
        None => {}
    }
    // What raw bytes show is not known.
    let raw = options.is_some_and(|it| it.payload.is_some());
    let shows = !raw && body.content.notification.as_ref().is_some_and(Notification::shows);
    match body.options.priority.unwrap_or(if shows { Priority::High } else { Priority::Normal }) {
        Priority::High => "high",
        Priority::Normal => "normal",
        Priority::Low => "low",
    }
}

fn topic(body: &Body) -> Result<Option<HeaderValue>, Refusal> {
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
    let value = HeaderValue::from_str(&topic).map_err(|error| bug(FIELD, &error))?;
    Ok(Some(seldom_again(value, true)))
}

/// Characters of base64url. Source: RFC 8030, section 5.4.
fn is_topic(text: &str) -> bool {
    text.len() <= MAX_TOPIC_CHARS
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// The key itself where it can be a topic, else the first characters of its SHA-256 in base64url.
fn collapse_topic(key: &str) -> Cow<'_, str> {
    if is_topic(key) {
        return key.into();
    }
    let mut digest = URL_SAFE_NO_PAD.encode(Sha256::digest(key));
    digest.truncate(MAX_TOPIC_CHARS);
    digest.into()
}
