//! What the routes of the control API share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore;

use super::fate::{FateJson, FateService};
use crate::apns::ChannelList;
use crate::shared::Shared;

pub(super) type ControlState = axum::extract::State<Arc<Control>>;

/// What the routes share.
pub(super) struct Control {
    pub(super) shared: Arc<Shared>,
    /// `https://localhost:<port>` of the push services of browsers.
    pub(super) web_push: String,
    pub(super) waits: Semaphore,
    /// The fates that were set here, so that they can be listed and taken back.
    pub(super) fates: Mutex<BTreeMap<(FateService, String), FateJson>>,
    /// The channels at the start, which a reset brings back.
    pub(super) channels: ChannelList,
}
