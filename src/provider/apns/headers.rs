//! The headers of a push to APNs.
//!
//! Source: Apple, "Sending notification requests to APNs".

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderName, HeaderValue};
use sha2::{Digest, Sha256};

use super::MAX_COLLAPSE_ID_BYTES;
use crate::provider::epoch_seconds;
use crate::push::{Expiry, Priority, Reason, Refusal};

pub(super) const APNS_CHANNEL_ID: HeaderName = HeaderName::from_static("apns-channel-id");
pub(super) const APNS_COLLAPSE_ID: HeaderName = HeaderName::from_static("apns-collapse-id");
pub(super) const APNS_EXPIRATION: HeaderName = HeaderName::from_static("apns-expiration");
pub(super) const APNS_ID: HeaderName = HeaderName::from_static("apns-id");
pub(super) const APNS_PRIORITY: HeaderName = HeaderName::from_static("apns-priority");
pub(super) const APNS_PUSH_TYPE: HeaderName = HeaderName::from_static("apns-push-type");
pub(super) const APNS_REQUEST_ID: HeaderName = HeaderName::from_static("apns-request-id");
pub(super) const APNS_TOPIC: HeaderName = HeaderName::from_static("apns-topic");

pub(super) fn expiration_header(expiry: Expiry) -> Option<HeaderValue> {
    expiration(expiry).map(|seconds| {
        let mut value = HeaderValue::from(seconds);
        value.set_sensitive(true);
        value
    })
}

pub(in crate::provider) fn priority_value(priority: Priority) -> &'static str {
    match priority {
        Priority::High => "10",
        Priority::Normal => "5",
        Priority::Low => "1",
    }
}

/// The collapse id of a collapse key: the key itself where APNs takes it, or else its SHA-256 in base64url.
pub(in crate::provider) fn collapse_id(key: &str) -> Cow<'_, str> {
    // A header value neither begins nor ends with a space. Source: RFC 9113, section 8.2.1.
    let fits = key.len() <= MAX_COLLAPSE_ID_BYTES
        && key.trim_ascii() == key
        && key.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if fits { key.into() } else { URL_SAFE_NO_PAD.encode(Sha256::digest(key)).into() }
}

/// The value of `apns-expiration` for a push that names an expiry.
pub(in crate::provider) fn expiration(expiry: Expiry) -> Option<u64> {
    match expiry {
        Expiry::Default => None,
        Expiry::NoStore => Some(0),
        // 0 would tell APNs not to store the push.
        Expiry::At(moment) => Some(epoch_seconds(moment).max(1)),
    }
}

/// Whether HPACK may keep a value. The table of APNs is small, so values that never come again stay out of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Index {
    Allowed,
    Never,
}

pub(super) fn header(field: &'static str, value: &str, index: Index) -> Result<HeaderValue, Refusal> {
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        let detail = "it is visible ASCII characters, found others";
        Refusal::field(field, Reason::FieldInvalid, detail)
    })?;
    value.set_sensitive(index == Index::Never);
    Ok(value)
}
