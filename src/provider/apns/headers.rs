//! The headers of a push to APNs.
//!
//! Source: Apple, "Sending notification requests to APNs".

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fanfare_upstream::{FieldName, Indexing, Request};
use sha2::{Digest, Sha256};

use super::MAX_COLLAPSE_ID_BYTES;
use crate::provider::epoch_seconds;
use crate::push::{Expiry, Priority, Reason, Refusal};

const APNS_CHANNEL_ID: FieldName = FieldName::constant("apns-channel-id");
pub(super) const APNS_COLLAPSE_ID: FieldName = FieldName::constant("apns-collapse-id");
pub(super) const APNS_EXPIRATION: FieldName = FieldName::constant("apns-expiration");
pub(super) const APNS_ID: FieldName = FieldName::constant("apns-id");
pub(super) const APNS_PRIORITY: FieldName = FieldName::constant("apns-priority");
pub(super) const APNS_PUSH_TYPE: FieldName = FieldName::constant("apns-push-type");
pub(super) const APNS_REQUEST_ID: FieldName = FieldName::constant("apns-request-id");
pub(super) const APNS_TOPIC: FieldName = FieldName::constant("apns-topic");

/// The room that the headers of most pushes need, with a provider token, in bytes.
pub(super) const HEADERS_ROOM: usize = 512;

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

/// Adds the id of a broadcast channel, which is the caller's.
pub(super) fn push_channel_id(request: &mut Request, channel_id: &str) -> Result<(), Refusal> {
    if channel_id.is_ascii() && request.push_known(APNS_CHANNEL_ID, channel_id, Indexing::Repeats).is_ok() {
        return Ok(());
    }
    let detail = "it is visible ASCII characters, found others";
    Err(Refusal::field("target.apns_channel.channel_id", Reason::FieldInvalid, detail))
}
