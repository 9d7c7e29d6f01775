//! Checks pushes to broadcast channels.
//!
//! Source: Apple, "Sending broadcast push notification requests to APNs" and "Handling error responses from Apple Push
//! Notification service". Apple's API that manages channels is not simulated.

use http::HeaderMap;

use super::channels::{Channels, StoragePolicy};
use super::reply::Reply;
use super::validate;
use crate::body::Body;

/// The most bytes of a broadcast payload. Apple publishes no number; this one is a third party's.
const MAX_PAYLOAD: u64 = 5120;

/// Checks a broadcast.
pub(super) fn check(
    channels: &Channels,
    bundle_id: &str,
    bundle_ids: &[String],
    headers: &HeaderMap,
    body: &Body,
) -> Result<(), Reply> {
    let bad = |reason| Err(Reply::refused(400, reason));
    // The path names the app without a suffix, so a topic header does not belong here.
    if !bundle_ids.iter().any(|own| own == bundle_id) || headers.contains_key("apns-topic") {
        return bad("TopicDisallowed");
    }
    match validate::text(headers, "apns-push-type") {
        None => return bad("MissingPushType"),
        Some(kind) if kind.eq_ignore_ascii_case("liveactivity") => {}
        Some(_) => return bad("InvalidPushType"),
    }
    let Some(channel) = validate::text(headers, "apns-channel-id") else {
        return bad("MissingChannelId");
    };
    if !StoragePolicy::is_channel_id(channel) {
        return bad("BadChannelId");
    }
    let Some(policy) = channels.policy(bundle_id, channel) else { return bad("ChannelNotRegistered") };
    if !matches!(validate::text(headers, "apns-priority"), None | Some("5" | "10")) {
        return bad("BadPriority");
    }
    let kept_until = validate::expiration(headers)?.unwrap_or(0);
    if policy == StoragePolicy::Nothing && kept_until != 0 {
        return bad("BadExpirationDate");
    }
    validate::message_id(headers, "apns-request-id")?;
    validate::payload(body, MAX_PAYLOAD, "BadRequestPayload")
}
