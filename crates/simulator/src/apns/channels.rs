//! The broadcast channels that exist.

use std::collections::BTreeMap;
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::sync::lock;

/// Whether APNs keeps the newest push of a channel for devices that are offline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoragePolicy {
    /// Nothing is kept, which is policy 0 of Apple. `apns-expiration` must be 0.
    Nothing,
    /// The most recent push is kept, which is policy 1 of Apple.
    #[default]
    MostRecent,
}

impl StoragePolicy {
    /// Whether this text may be the id of a channel. Apple asks not to assume a length.
    pub fn is_channel_id(text: &str) -> bool {
        !text.is_empty() && STANDARD.decode(text).is_ok()
    }
}

/// The policies of channels, by bundle id and channel id.
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

    /// Removes a channel. The result is false if there was none.
    pub(crate) fn remove(&self, bundle_id: &str, channel_id: &str) -> bool {
        lock(&self.0).remove(&(bundle_id.to_owned(), channel_id.to_owned())).is_some()
    }

    /// Replaces all channels by these.
    pub(crate) fn restore(&self, channels: &ChannelList) {
        lock(&self.0).clone_from(channels);
    }

    pub(super) fn policy(&self, bundle_id: &str, channel_id: &str) -> Option<StoragePolicy> {
        lock(&self.0).get(&(bundle_id.to_owned(), channel_id.to_owned())).copied()
    }
}
