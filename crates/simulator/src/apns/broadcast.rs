//! Broadcast channels, and the checks of a push to one.
//!
//! Source: Apple, "Sending broadcast push notification requests to APNs" and "Handling error
//! responses from Apple Push Notification service". Managing channels is not simulated.

use std::collections::BTreeMap;
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::reply::Reply;
use super::validate;
use crate::body::Body;
use crate::sync::lock;

/// Bytes of a broadcast payload. Not published by Apple; a third party's figure.
const MAX_PAYLOAD: u64 = 5120;

/// Whether APNs keeps the newest push of a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoragePolicy {
    /// Nothing is kept: policy 0. `apns-expiration` must be 0.
    Nothing,
    /// The most recent push is kept: policy 1.
    #[default]
    MostRecent,
}

impl StoragePolicy {
    /// True if this may be the id of a channel. Apple asks not to assume a length.
    pub fn is_channel_id(text: &str) -> bool {
        !text.is_empty() && STANDARD.decode(text).is_ok()
    }
}

/// By bundle id and channel id.
pub(crate) type ChannelList = BTreeMap<(String, String), StoragePolicy>;

/// The channels that exist.
#[derive(Default)]
pub(crate) struct Channels(Mutex<ChannelList>);

impl Channels {
    pub(crate) fn add(&self, bundle_id: &str, channel_id: &str, policy: StoragePolicy) {
        lock(&self.0).insert((bundle_id.to_owned(), channel_id.to_owned()), policy);
    }

    pub(crate) fn list(&self) -> ChannelList {
        lock(&self.0).clone()
    }

    /// False if there was none.
    pub(crate) fn remove(&self, bundle_id: &str, channel_id: &str) -> bool {
        lock(&self.0).remove(&(bundle_id.to_owned(), channel_id.to_owned())).is_some()
    }

    /// Those, and no others.
    pub(crate) fn restore(&self, channels: &ChannelList) {
        lock(&self.0).clone_from(channels);
    }

    fn policy(&self, bundle_id: &str, channel_id: &str) -> Option<StoragePolicy> {
        lock(&self.0).get(&(bundle_id.to_owned(), channel_id.to_owned())).copied()
    }

    /// Checks a broadcast.
    pub(super) fn check(
        &self,
        bundle_id: &str,
        bundle_ids: &[String],
        headers: &HeaderMap,
        body: &Body,
    ) -> Result<(), Reply> {
        let bad = |reason| Err(Reply::refused(400, reason));
        // The path names the app, without suffix; a topic has no place here.
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
        let Some(policy) = self.policy(bundle_id, channel) else { return bad("ChannelNotRegistered") };
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
}
